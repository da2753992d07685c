"""`%load_ext lucidx.compat`."""

import re
import subprocess
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def cells(shell):
    def run(*sources):
        for source in ("%load_ext lucidx.compat", *sources):
            shell.run_cell(source).raise_error()
        return shell.user_ns

    return run


def test_colabs_magic_does_nothing(cells):
    found = cells("%tensorflow_version 1.x\nimport tensorflow as tf", "v = tf.__version__")
    assert found["v"].startswith("1")


@pytest.fixture
def commands(cells, monkeypatch):
    """Function that gives what a shell is asked to run by cells."""

    def run(*sources):
        found = []
        monkeypatch.setattr(InteractiveShell, "system", lambda self, command: found.append(command))
        cells(*sources)
        return found

    return run


@pytest.mark.parametrize(
    "line",
    [
        "!pip install --quiet lucid==0.2.3",
        "!pip install -q lucid>=0.3.8 > log.txt",
        "!pip install -U --no-deps git+https://github.com/tensorflow/lucid.git",
        "!pip install tensorflow==1.15 \\\n    'lucid < 0.3'",
        "!pip uninstall -y tensorflow",
        "!{sys.executable} -m pip install tensorflow-gpu",
        "%pip install tensorflow<2",
        "!npm install -g svelte-cli@2.2.0",
    ],
)
def test_what_lucidx_stands_in_for_is_not_installed(commands, line):
    (command,) = commands("import sys", line)
    assert command.startswith("echo 'lucidx.compat: not needed, so not run: ")


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ("!pip install lucid==0.2 moviepy", "pip install moviepy"),
        ("!pip install -q 'lucid<0.3' 'umap-learn>=0.5' tensorflow==1.13.1", None),
        ("!pip install tensorflow keras", "pip install tensorflow keras"),
        ("!pip install -r lucid/requirements.txt", "pip install -r lucid/requirements.txt"),
        ("!pip install lucidity lucid-dreams", "pip install lucidity lucid-dreams"),
        ("!npm install -g svelte-cli d3", "npm install -g d3"),
        ("!git clone https://github.com/tensorflow/lucid", None),
        ("!ls && pip install lucid moviepy && ls", "ls && pip install moviepy && ls"),
        ("%%time\n!pip install lucid moviepy", "pip install moviepy"),
    ],
)
def test_the_rest_is_installed(commands, line, runs):
    if runs is None:
        runs = line[1:].replace("'lucid<0.3' ", "").replace(" tensorflow==1.13.1", "")
    assert commands(line) == [runs]


def test_what_is_not_installed_is_said(cells, capfd):
    cells("!pip install lucid", "%%bash\npip install -q lucid\necho then\n")
    shown = capfd.readouterr().out
    assert "not needed, so not run: pip install lucid" in shown
    assert "not run: pip install -q lucid" in shown and "then" in shown


def test_a_cell_that_installs_keeps_its_other_lines(cells, capfd):
    found = cells(
        "if 1:\n    !pip install lucid \\\n      svelte-cli\n    a = 1\nb = '!pip install lucid'",
        "said = !pip install lucid",
    )
    assert (found["a"], found["b"]) == (1, "!pip install lucid")
    assert "not needed" in found["said"][0]


def test_other_shell_lines_run(cells, capfd):
    found = cells(
        "!echo install lucidity",
        "def f(command):\n    said = !echo {command} words\n    return said\nwords = f('two')",
    )
    assert "install lucidity" in capfd.readouterr().out
    assert found["words"] == ["two words"]


def test_ranges_add_and_python_3_keeps_its_meaning(cells):
    found = cells("a = range(2) + 2*[0]", "b = 1 / 2")
    assert found["a"] == [0, 1, 0, 0] and found["b"] == 0.5


def test_from_the_first_cell_in_python_2_on_it_is_python_2(cells, capsys):
    found = cells("a = 1 / 2", "print 'old'", "b = 1 / 2\nc = map(abs, [-2])", "%time d = 7 / 2")
    assert (found["a"], found["b"], found["c"], found["d"]) == (0.5, 0, [2], 3)
    assert capsys.readouterr().out.startswith("old\n")


def test_what_a_cell_imports_from_the_future_holds_for_later_ones(cells, capsys):
    found = cells(
        "from __future__ import division, print_function",
        "mode = 0777; half = 1 / 2\nprint ('a', 'b')",
        "third = 1; third /= 2",
    )
    assert (found["mode"], found["half"], found["third"]) == (0o777, 0.5, 0.5)
    assert capsys.readouterr().out == "a b\n"


def test_names_of_the_user_stay_theirs(cells):
    found = cells(
        "def filter(image): return 'mine'\nzip = 5",
        "print 'old'",
        "range = 'far'\na = filter(None)",
        "b, c, d, e = filter(None), range, zip, map(abs, [-1])",
        "del range",
        "f = range(2)",
    )
    assert [found[name] for name in "abcdef"] == ["mine", "mine", "far", 5, [1], [0, 1]]


def test_cells_know_what_others_imported_and_defined(cells):
    found = cells(
        "import urllib, itertools as it\nfrom itertools import izip, count\n"
        "def reduce(f, x): return 'mine'",
        "print 'old', urllib.quote(' ')",
        "pairs = list(izip(count(), 'ab')), it.imap(abs, count(-1)).next()",
        "mine = reduce(max, [1]), urllib.urlencode({'a': 7 / 2})",
        "from cStringIO import StringIO\nimport numpy as np",
        "f = StringIO()\nnp.save(f, np.arange(3))\nsize = len(f.getvalue()) > 9",
        "from __future__ import division",
        "half = 1 / 2",
    )
    assert found["pairs"] == ([(0, "a"), (1, "b")], 1)
    assert found["mine"] == ("mine", "a=3") and found["size"] and found["half"] == 0.5


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "helping_a_script.py").write_text("half = 3 / 2\nprint 'helping'\n")
    (tmp_path / "lines.txt").write_text("a\nb")
    (tmp_path / "old.py").write_text(
        "import sys, tensorflow as tf\nfrom helping_a_script import half\n"
        "from lucid.misc.io.reading import read\nlines = read('lines.txt').split('\\n')\n"
        "def thirds(n): return range(n / 3)\n"
        "if __name__ == '__main__': print half, tf.__version__, sys.argv[1:]\n"
        "mine = __file__\n"
    )
    yield tmp_path
    sys.modules.pop("helping_a_script", None)


def test_run_runs_scripts_of_lucids_time(cells, folder, capsys):
    found = cells("%run old.py --steps 3\nb = range(2)", "a, c = thirds(7), 1 / 2")
    assert capsys.readouterr().out == "helping\n1 1.15.5 ['--steps', '3']\n"
    assert found["a"] == [0, 1] and found["mine"].endswith("old.py")
    assert found["b"] == range(2) and found["c"] == 0.5
    assert found["lines"] == ["a", "b"] and found["read"]("lines.txt") == b"a\nb"
    assert str(folder) not in sys.path


def test_run_in_the_notebooks_namespace_is_as_a_cell(cells, folder):
    (folder / "uses.py").write_text("print 'old'\nchanged = given / 2\n")
    found = cells("given = 7\n%run -i uses.py", "later = given / 2")
    assert (found["changed"], found["later"]) == (3, 3)


def test_a_script_that_was_a_notebook_installs_what_is_not_lucids(commands, folder):
    (folder / "exported.py").write_text(
        "get_ipython().system('pip install lucid moviepy')\n"
        "get_ipython().run_line_magic('tensorflow_version', '1.x')\n"
    )
    assert commands("%run exported.py") == ["pip install moviepy"]


def test_run_runs_modules_of_lucids_time(cells, folder, monkeypatch, capsys):
    monkeypatch.syspath_prepend(folder)
    found = cells("%run -m old 1")
    assert capsys.readouterr().out == "helping\n1 1.15.5 ['1']\n"
    assert found["thirds"](3) == [0]


def test_run_shows_errors_of_scripts_and_ends_with_those_that_exit(cells, shell, folder, capsys):
    (folder / "fails.py").write_text("print 'old'\n\nx = 1 / 0\n")
    (folder / "exits.py").write_text("import sys\nprint 'old'\nsys.exit(0)\n")
    (folder / "bad.py").write_text("x = 1\ny = = 2\n")
    cells("%run exits.py")
    assert capsys.readouterr() == ("old\n", "")
    shell.run_cell("%run fails.py")
    shown = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
    assert "x = 1 / 0" in shown and "scripts.py" not in shown and "sources.py" not in shown
    shell.run_cell("%run bad.py")
    assert "bad.py: Line 2" in capsys.readouterr().out


def test_tabs_are_eight_columns_where_they_meet_spaces(cells):
    found = cells(
        "x = 0\nif x:\n\tx = 1\n        x = 2\ny = 'a\tb', (1,\n\t2)",
        "%%capture captured\nif 1:\n\tprint('%%\t')",
    )
    assert (found["x"], found["y"]) == (0, ("a\tb", (1, 2)))
    assert found["captured"].stdout == "%%\t\n"


def test_a_mistake_is_shown_as_python_shows_it(cells, shell):
    cells()
    result = shell.run_cell("x = = 2")
    assert isinstance(result.error_before_exec, SyntaxError)
    assert shell.run_cell("half = 1 / 2").success and shell.user_ns["half"] == 0.5


def test_an_error_shows_the_users_line(cells, shell, capsys):
    cells("print 'old'", "def f(x):\n    # half of it\n    return x / 0")
    result = shell.run_cell("f(1)")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert "return x / 0" in re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)


@pytest.mark.slow
def test_python2_cells_run_apart_from_the_notebook(cells, shell, capfd):
    found = cells("x = 1", "%%python2 a\nimport sys\nx = 7 / 2\nprint 'half', x, sys.argv[1:]")
    assert "half 3 ['a']\n" in capfd.readouterr().out and found["x"] == 1
    result = shell.run_cell("%%python2\nx = = 1")
    assert isinstance(result.error_in_exec, subprocess.CalledProcessError)
    assert "Line 1 is neither Python 3 nor Python 2" in capfd.readouterr().err


def test_unloading_leaves_no_trace(shell, capsys):
    def state():
        lines = shell.magics_manager.magics["line"]
        return (
            list(shell.input_transformers_cleanup),
            list(shell.input_transformers_post),
            list(shell.ast_transformers),
            lines.get("tensorflow_version"),
            shell.magics_manager.magics["cell"].get("python2"),
            "safe_execfile" in vars(shell),
        )

    before = state()
    shell.run_cell("%load_ext lucidx.compat").raise_error()
    assert state() != before
    shell.run_cell("print 'old', range(1)").raise_error()
    assert capsys.readouterr().out == "old [0]\n"
    shell.run_cell("%unload_ext lucidx.compat").raise_error()
    assert state() == before
    shell.run_cell("print(type(range(2)), 1 / 2)").raise_error()
    assert capsys.readouterr().out == "<class 'range'> 0.5\n"
    shell.run_cell("import tensorflow as tf; version = tf.__version__").raise_error()
    assert shell.user_ns["version"].startswith("2")
