"""`lucidx port` on files: what it writes, what it keeps, what it refuses."""

import codecs
import copy
import json
import subprocess
import sys

import nbformat
import pytest
from click.testing import CliRunner

from lucidx.cli import main
from lucidx.compat.porting import Report, port_file, port_notebook, python2
from lucidx.errors import CorruptFileError, InvalidValueError


def code(source, **more):
    lines = source.splitlines(keepends=True)
    return {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": []} | {
        "source": lines,
        **more,
    }


def notebook(*cells, **more):
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 4} | more


def ported(*sources, report=None, **more):
    """Sources of a notebook's cells, after porting."""
    text = json.dumps(notebook(*map(code, sources), **more), indent=1)
    cells = json.loads(port_notebook(text, report or Report()))["cells"]
    return ["".join(cell["source"]) for cell in cells]


def lucidx(*arguments):
    done = CliRunner().invoke(main, ["port", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "render.py"
    path.write_text("import lucid\n")
    return path


# Notebooks


def test_all_but_the_sources_of_a_notebook_stays_character_by_character():
    output = {"output_type": "stream", "name": "stdout", "text": ["import lucid\n", "é\n"]}
    before = notebook(
        {"cell_type": "markdown", "metadata": {"a": [1e-5]}, "source": "About lucid\n"},
        code("import lucid\n# é", outputs=[output], id="abc", metadata={"scrolled": True}),
        {"cell_type": "raw", "metadata": {}, "source": ["import lucid"]},
        metadata={"z": 1, "colab": {"name": "x"}, "kernelspec": {"name": "python3"}},
    )
    after = copy.deepcopy(before)
    after["cells"][1]["source"][0] = "import lucidx\n"
    for indent, ascii, end in ((1, False, "\n"), (2, True, ""), (None, False, ""), (4, True, "\n")):
        old, new = (
            json.dumps(each, indent=indent, ensure_ascii=ascii) + end for each in (before, after)
        )
        assert port_notebook(old, Report()) == new


def test_a_notebook_that_needs_nothing_stays_as_it_is():
    text = '{"nbformat": 4,   "cells": [], "metadata": {}, "nbformat_minor": 2}'
    assert port_notebook(text, Report()) is text


def test_names_go_from_cell_to_cell():
    assert ported("import tensorflow as tf", "def f():\n  return tf.log(1)", "tf = 3", "tf.x") == [
        "import tensorflow as tf",
        "def f():\n  return tf.log(1)",
        "tf = 3",
        "tf.x",
    ]
    assert ported("import tensorflow as tf", "def f():\n  return tf.log(1)")[1:] == [
        "def f():\n  return tf.math.log(1)"
    ]
    assert ported("import tensorflow as tf", "s = tf.InteractiveSession()") == [
        "import tensorflow as tf\ntf.compat.v1.disable_eager_execution()",
        "s = tf.compat.v1.InteractiveSession()",
    ]


@pytest.mark.parametrize(
    ("source", "becomes"),
    [
        ("!pip install --quiet lucid==0.0.5", "%pip install --quiet lucidx"),
        ("!pip install -q 'lucid>=0.3.1' umap-learn", "%pip install -q lucidx umap-learn"),
        ("!pip install tensorflow==1.15 lucid", "%pip install lucidx"),
        ("!pip install -U git+https://github.com/tensorflow/lucid.git", "%pip install -U lucidx"),
        ("!pip install lucid && echo it\\'s done", "!pip install lucidx && echo it\\'s done"),
        ("!pip install moviepy", "!pip install moviepy"),
        ("%%capture\n!pip install lucid", "%%capture\n%pip install lucidx"),
        ("%%bash\npip install lucid\nls lucid", "%%bash\npip install lucidx\nls lucid"),
        ("%tensorflow_version 1.x", "# %tensorflow_version 1.x"),
        ("if x:\n    %tensorflow_version 1.x", "if x:\n    pass  # %tensorflow_version 1.x"),
        ("!npm install -g svelte-cli@2.2.0", "# !npm install -g svelte-cli@2.2.0"),
        ("%load_ext lucidx.compat", "# %load_ext lucidx.compat"),
        (
            "%aimport lucid.optvis, -lucid",
            "%aimport lucid.optvis, -lucid".replace("lucid", "lucidx"),
        ),
        ("%%time\nprint 'x'", "%%time\nprint('x')"),
        ("%time x = xrange(3)", "%time x = range(3)"),
        ("files = !ls lucid\nprint files", "files = !ls lucid\nprint(files)"),
        ("print 'a'\nlucid.f?\n??g", "print('a')\nlucid.f?\n??g"),
        ("!echo it's \\\n  lucid\nprint 'x'", "!echo it's \\\n  lucid\nprint('x')"),
        ("x = '''\n%tensorflow_version 1.x\n!pip install lucid\n'''", None),
        ("x = (a\n% b)", None),
        ("%%html\nprint 'lucid'", None),
        ("%%bash\nprint 'lucid'", None),
        ("", None),
    ],
)
def test_magics_and_shell_lines(source, becomes):
    assert ported(source) == [source if becomes is None else becomes]


def test_a_kernel_of_python_2_becomes_one_of_python_3():
    report = Report()
    metadata = {
        "kernelspec": {"name": "python2", "display_name": "Python 2", "language": "python"},
        "language_info": {"name": "python", "version": "2.7.15", "pygments_lexer": "ipython2"},
        "other": 1,
    }
    text = json.dumps(notebook(code("x = 7 / 2"), metadata=metadata))
    after = json.loads(port_notebook(text, report))
    assert after["metadata"] == {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
        "other": 1,
    }
    assert after["cells"][0]["source"] == ["x = 7 // 2"]
    assert port_notebook(json.dumps(after), Report()) == json.dumps(after)


def test_a_cell_that_cannot_be_parsed_is_kept_and_reported_and_the_others_are_ported():
    report = Report()
    bad = "print 'x'\nthis is no python\n"
    cells = ported("import lucid", bad, "print 'y'", "def f(:", "x = " + "-" * 9000, report=report)
    assert cells == ["import lucidx", bad, "print('y')", "def f(:", "x = " + "-" * 9000]
    assert {remark.place.cell for remark in report.remarks} == {2, 4, 5}
    assert "cell 2, line 2" in str(report)


def test_notebooks_of_old_formats_are_upgraded():
    cell = {"cell_type": "code", "language": "python", "outputs": [], "input": "print 'x'"}
    old = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0}
    old["worksheets"] = [{"cells": [cell, {"cell_type": "markdown", "source": "Text"}]}]
    after = nbformat.reads(port_notebook(json.dumps(old), Report()), as_version=nbformat.NO_CONVERT)
    assert after.nbformat == 4
    nbformat.validate(after)
    assert [each.source for each in after.cells] == ["print('x')", "Text"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no notebook",
        "[]",
        "3",
        "[" * 100_000,
        '{"nbformat": ' + "9" * 10_000 + "}",
        '{"nbformat": 5, "cells": []}',
        '{"nbformat": true, "cells": []}',
        '{"nbformat": 4}',
        '{"nbformat": 4, "cells": {}}',
        '{"nbformat": 4, "cells": [3]}',
        '{"nbformat": 4, "cells": [{"cell_type": "code", "source": 3}]}',
        '{"nbformat": 4, "cells": [{"cell_type": "code", "source": [3]}]}',
        '{"nbformat": 3, "worksheets": 3}',
        json.dumps(notebook(code("print 'x'")))[:-20],
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_notebook_is_refused(text):
    with pytest.raises(CorruptFileError, match="notebook"):
        port_notebook(text, Report())


def test_notebooks_of_other_languages_are_refused():
    with pytest.raises(InvalidValueError, match="julia"):
        ported("x", metadata={"language_info": {"name": "julia"}})


def test_what_jupyter_may_not_open_is_said():
    report = Report()
    ported("import lucid", metadata={"kernelspec": 3}, report=report)
    assert "not quite a notebook" in str(report)


def test_a_huge_cell_is_kept_and_reported():
    report = Report()
    huge = "x = 1\n" * 200_000
    assert ported("import lucid", huge, report=report) == ["import lucidx", huge]
    assert "cell 2" in str(report)


# Scripts


@pytest.mark.parametrize(
    ("encoding", "start"),
    [("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("latin-1", b"# -*- coding: latin-1 -*-\n")],
)
def test_scripts_keep_their_encoding_and_line_endings(tmp_path, encoding, start):
    path = tmp_path / "x.py"
    path.write_bytes(start + "import lucid  # é\r\nprint 'é'\r\n\r\n".encode(encoding))
    after = "import lucidx  # é\r\nprint('é')\r\n\r\n".encode(encoding)
    assert port_file(path).after == start + after


def test_scripts_of_an_encoding_that_they_do_not_name_are_refused(tmp_path):
    path = tmp_path / "x.py"
    path.write_bytes("x = 'é'".encode("latin-1"))
    with pytest.raises(CorruptFileError, match="coding: latin-1"):
        port_file(path)
    path.write_bytes(b"# -*- coding: klingon -*-\n")
    with pytest.raises(CorruptFileError, match="klingon"):
        port_file(path)


# The command


def test_the_command_writes_beside_the_file_and_says_what_it_did(script):
    done = lucidx(script)
    assert done.exit_code == 0
    assert script.read_text() == "import lucid\n"
    assert script.with_name("render_lucidx.py").read_text() == "import lucidx\n"
    assert done.output.splitlines()[-1] == "  1 x lucid -> lucidx (line 1)"


def test_the_command_overwrites_only_when_told(script, tmp_path):
    taken = tmp_path / "taken.py"
    taken.write_text("mine")
    done = lucidx(script, "-o", taken)
    assert (done.exit_code, taken.read_text()) == (2, "mine")
    assert "--force" in done.output
    assert lucidx(script, "-o", script).exit_code == 2
    assert lucidx(script, "-o", script, "--force").exit_code == 0
    assert script.read_text() == "import lucidx\n"


def test_check_and_diff_write_nothing(script, tmp_path):
    done = lucidx(script, "--check")
    assert done.exit_code == 1
    done = lucidx(script, "--diff")
    assert done.exit_code == 0
    assert "\n-import lucid\n+import lucidx\n" in done.output
    assert list(tmp_path.iterdir()) == [script]
    assert lucidx(script, "--check", "-o", tmp_path / "x.py").exit_code == 2
    script.write_text("import lucidx\n")
    done = lucidx(script, "--check")
    assert (done.exit_code, done.output) == (0, "Nothing to change.\n")
    assert lucidx(script).output == "Nothing to change.\n"
    assert list(tmp_path.iterdir()) == [script]


def test_the_diff_of_a_notebook_names_its_cells(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook(code("x"), code("y = 1\nprint 'x'"))))
    assert "a.ipynb, cell 2\n@@ -1,2 +1,2 @@\n y = 1\n-print 'x'\n+print('x')\n" in (
        lucidx(path, "--diff").output
    )


def test_nothing_is_written_when_a_file_is_refused(tmp_path):
    for name, content in (("a.ipynb", "{"), ("a.py", "def f(:"), ("a.txt", "import lucid")):
        path = tmp_path / name
        path.write_text(content)
        done = lucidx(path)
        assert done.exit_code == 2
        assert len(done.output.splitlines()) == 1
        path.unlink()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["libcst", "fissix"])
def test_what_is_to_be_installed_is_said(script, monkeypatch, package):
    script.write_text("print 'x'\n")
    python2._tool.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    done = lucidx(script)
    assert done.exit_code == 2
    assert "pip install 'lucidx[port]'" in done.output


def test_porting_does_not_import_tensorflow(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook(code("import lucid\nprint 'x'"))))
    program = "import sys; from lucidx.cli import main; main(standalone_mode=False)\n"
    program += "assert 'tensorflow' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", program, "port", str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert path.with_name("a_lucidx.ipynb").exists()
