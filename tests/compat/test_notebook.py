"""`%load_ext lucidx.compat`."""

import re

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


@pytest.mark.parametrize(
    "line",
    [
        "!pip install --quiet lucid==0.2.3",
        "!pip install -q lucid>=0.3.8",
        "!pip install -U --no-deps git+https://github.com/tensorflow/lucid.git",
        "!pip install 'lucid<0.3' moviepy",
        "%pip install tensorflow==1.15",
        "!npm install -g svelte-cli@2.2.0",
    ],
)
def test_what_lucidx_stands_in_for_is_not_installed(cells, shell, capsys, monkeypatch, line):
    def refuse(command):
        raise AssertionError(command)

    monkeypatch.setattr(InteractiveShell, "system", refuse)
    cells(line)
    assert "not needed" in capsys.readouterr().out


def test_other_shell_lines_run(cells, capfd):
    found = cells("!echo install lucidity", "words = !echo two words")
    assert "install lucidity" in capfd.readouterr().out
    assert found["words"] == ["two words"]


def test_ranges_add_and_python_3_keeps_its_meaning(cells):
    found = cells("a = range(2) + 2*[0]", "b = 1 / 2")
    assert found["a"] == [0, 1, 0, 0] and found["b"] == 0.5


def test_from_the_first_cell_in_python_2_on_it_is_python_2(cells, capsys):
    found = cells("a = 1 / 2", "print 'old'", "b = 1 / 2\nc = map(abs, [-2])", "%time d = 7 / 2")
    assert (found["a"], found["b"], found["c"], found["d"]) == (0.5, 0, [2], 3)
    assert capsys.readouterr().out.startswith("old\n")


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


def test_unloading_leaves_no_trace(shell, capsys):
    def state():
        lines = shell.magics_manager.magics["line"]
        return (
            list(shell.input_transformers_cleanup),
            list(shell.input_transformers_post),
            list(shell.ast_transformers),
            lines.get("tensorflow_version"),
            "system" in vars(shell),
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
