"""`lucidx port` on files: what it writes, what it keeps, what it refuses."""

import codecs
import copy
import errno
import json
import os
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
        ("!pip2 install -q lucid", "%pip install -q lucidx"),
        ("!pip3.6 install lucid moviepy", "%pip install lucidx moviepy"),
        ("!cd /tmp && pip2 install lucid", "!cd /tmp && pip install lucidx"),
        ("%%bash\npip2 install lucid", "%%bash\npip install lucidx"),
        ("x = !pip install lucid", "x = !pip install lucidx"),
        ("x = !pip uninstall -y lucid", "x = !true"),
        ("!pip install lucid==0.2 moviepy", "%pip install lucidx moviepy"),
        ("!pip install tensorflow-gpu==1.13 moviepy", "%pip install moviepy"),
        ("!pip install 'tensorflow < 2'", "# !pip install 'tensorflow < 2'"),
        ("!pip install tensorflow", None),
        ("!pip uninstall -y tensorflow", "# !pip uninstall -y tensorflow"),
        ("!pip uninstall -y tensorflow && pip install lucid", "!true && pip install lucidx"),
        ("!pip install -e lucid -r lucid/more.txt", "%pip install lucidx -r lucid/more.txt"),
        ("!{sys.executable} -m pip install lucid", "!{sys.executable} -m pip install lucidx"),
        ("!echo pip install lucid", None),
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
        ("%timeit -n 3 -r2 -q f(xrange(3))", "%timeit -n 3 -r2 -q f(range(3))"),
        ("x = %timeit -o xrange(3)", "x = %timeit -o range(3)"),
        ("%prun -l 9 -s cumulative f(xrange(3))", "%prun -l 9 -s cumulative f(range(3))"),
        ("%%timeit x = xrange(3)\nprint x", "%%timeit x = range(3)\nprint(x)"),
        ("%timeit f($x) # {y}\nprint 'x'", "%timeit f($x) # {y}\nprint('x')"),
        ("%timeit -n 3\nprint 'x'", "%timeit -n 3\nprint('x')"),
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


@pytest.mark.parametrize(
    "source", ["!pip install tensorflow==1.15 scipy", "%%bash\npip install tensorflow==1.15 scipy"]
)
def test_the_report_says_what_is_not_installed(source):
    report = Report()
    ported(source, report=report)
    assert "1 x packages of TensorFlow 1's time are not installed (cell 1" in str(report)


@pytest.mark.parametrize(
    ("source", "becomes"),
    [
        (
            "%%writefile x.py\nprint reduce(f, x)",
            "{}\nimport functools\nprint(functools.reduce(f, x))",
        ),
        ("%%file 'my x.py'\n#!/usr/bin/python2\nx = 7 / 2", "{}\n#!/usr/bin/python3\nx = 7 // 2"),
        ("\n%%python\nimport lucid\n", "\n{}\nimport lucidx\n"),
        ("%%python2\nx = 7 / 2\n", "%%python3\nx = 7 // 2\n"),
        ("%%python2\nx = 7\n", "%%python3\nx = 7\n"),
        ("%%writefile x.txt\nprint 'x'", None),
        ("%%writefile x.py\n", None),
    ],
)
def test_programs_that_cells_write_or_run_are_ported(source, becomes):
    report = Report()
    first = source.lstrip("\n").split("\n")[0]
    after = source if becomes is None else becomes.format(first)
    assert ported("x = range(2)", source, report=report)[1] == after
    assert bool(report.changes) == (source != after)
    assert ported(after) == [after]


def test_the_report_on_a_program_in_a_cell_is_about_its_lines():
    report = Report()
    bad = "%%python2\nprint 'x'\nthis is no python\n"
    written = "%%writefile -a x.py\n\nprint 'x'\n"
    assert ported("y = 1", bad, written, report=report)[1] == bad
    (remark,) = report.remarks
    assert remark.place == (2, 3) and remark.what.endswith("kept as it is")
    assert [change.place for change in report.changes] == [(3, 1), (3, 3)]
    assert "x.py -> ported" in str(report)


def test_what_is_added_comes_after_what_must_be_first():
    assert ported("%%capture\nx = reduce(f, y)", "z = reduce(f, y)") == [
        "%%capture\nimport functools\nx = functools.reduce(f, y)",
        "z = functools.reduce(f, y)",
    ]


def test_print_is_a_function_from_the_cell_on_that_says_so():
    sources = [
        "from __future__ import (division,\n    print_function)",
        "print ('a', 'b'); x = 0777; y = 7 / 2",
        "print('a', file=f); x = 0777",
    ]
    assert ported(*sources)[1:] == [each.replace("0777", "0o777") for each in sources[1:]]


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


@pytest.mark.parametrize("number", [2, 3])
def test_notebooks_of_old_formats_are_upgraded(number, tmp_path):
    cell = {
        "cell_type": "code",
        "language": "python",
        "outputs": [],
        "input": ["y = 1", "print 'x'"],
    }
    if number == 3:
        cell["input"][0] += "\n"
    old = {"metadata": {"name": ""}, "nbformat": number, "nbformat_minor": 0}
    old["worksheets"] = [{"cells": [cell, {"cell_type": "markdown", "source": "Text"}]}]
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(old, indent=1, sort_keys=True))
    done = port_file(path)
    assert "@@ -1,2 +1,2 @@\n y = 1\n-print 'x'\n+print('x')\n" in done.diff
    assert port_file(path).after == done.after
    after = nbformat.reads(done.after.decode(), as_version=nbformat.NO_CONVERT)
    assert after.nbformat == 4
    nbformat.validate(after)
    assert not any("id" in each for each in after.cells)
    assert [each.source for each in after.cells] == ["y = 1\nprint('x')", "Text"]


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
    assert "not quite a notebook, as it was: 3 is not of type 'object': open" in str(report)


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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "#!/usr/bin/env python\n# -*- coding: latin-1 -*-\nx = reduce(f, '\xe9')\n",
            "#!/usr/bin/env python\n# -*- coding: latin-1 -*-\nimport functools\n"
            "x = functools.reduce(f, '\xe9')\n",
        ),
        (
            "# -*- coding: latin-1 -*-\n# Licence.\n\n# Sum.\nx = reduce(f, '\xe9')\n",
            "# -*- coding: latin-1 -*-\n# Licence.\n\nimport functools\n# Sum.\n"
            "x = functools.reduce(f, '\xe9')\n",
        ),
        (
            "# coding: latin-1\n'About' ' it'\nfrom __future__ import division; x = reduce(f, a)\n",
            "# coding: latin-1\n'About' ' it'\nfrom __future__ import division\n"
            "import functools\nx = functools.reduce(f, a)\n",
        ),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_imports_are_added_where_python_and_systems_want_them(tmp_path, before, after, end):
    path = tmp_path / "x.py"
    path.write_bytes(before.replace("\n", end).encode("latin-1"))
    assert port_file(path).after == after.replace("\n", end).encode("latin-1")


def test_blocks_of_tabs_and_spaces_mean_what_they_meant(tmp_path):
    path = tmp_path / "x.py"
    path.write_bytes(b"if x:\n\ty = 1\n        z = xrange(2)\n\tif y:\n\t    w = z\n")
    after = "if x:\n        y = 1\n        z = range(2)\n        if y:\n            w = z\n"
    assert port_file(path).after == after.encode()


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


def test_what_is_executable_stays_so(script, tmp_path):
    script.chmod(0o755)
    plain = tmp_path / "plain.py"
    plain.write_text("import lucid\n")
    plain.chmod(0o644)
    assert lucidx(script, plain).exit_code == 0
    assert script.with_name("render_lucidx.py").stat().st_mode & 0o111
    assert not plain.with_name("plain_lucidx.py").stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("name", "other"), [("a.ipynb", "b.py"), ("a.py", "b.ipynb"), ("a.py", "b")]
)
def test_notebooks_stay_notebooks_and_scripts_scripts(tmp_path, name, other):
    path = tmp_path / name
    path.write_text(json.dumps(notebook(code("import lucid"))))
    done = lucidx(path, "-o", tmp_path / other)
    assert done.exit_code == 2 and path.suffix in done.output and other in done.output
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_named_as_the_user_named_it(script, tmp_path):
    for target in (script / "x.py", tmp_path / ("x" * 300 + ".py")):
        done = lucidx(script, "-o", target)
        assert done.exit_code != 0 and str(target) in done.output and ".part" not in done.output
    assert list(tmp_path.iterdir()) == [script]


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


# Files that belong together


@pytest.fixture
def project(tmp_path):
    files = {
        "train.py": "import sys, helper\nfrom nets.slim import net\nprint 'x'\n",
        "helper.py": "x = 1\n",
        "nets/__init__.py": "",
        "nets/slim.py": "import lucid\n",
        "nets/unfinished.py": "def f(:\n",
        "look.ipynb": json.dumps(notebook(code("y = 1\n%run train.py"))),
        "data.txt": "print 'x'",
        ".git/hook.py": "import lucid",
        "env/pyvenv.cfg": "",
        "env/lib.py": "import lucid",
    }
    root = tmp_path / "project"
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


PROGRAMS = ["helper.py", "look.ipynb", "nets/__init__.py", "nets/slim.py", "train.py"]


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_directory_is_ported_to_another(project, tmp_path):
    out = tmp_path / "new" / "ported"
    done = lucidx(project, "-o", out)
    assert done.exit_code == 2  # for one of them
    assert files_in(out) == PROGRAMS
    assert (out / "train.py").read_text().endswith("print('x')\n")
    assert (out / "helper.py").read_text() == "x = 1\n"
    said = done.output
    assert f"{project / 'nets' / 'unfinished.py'}: not ported\n  Line 1: " in said
    assert f"{project / 'train.py'} -> {out / 'train.py'}\nChanged:\n" in said
    assert "Left to you" not in said
    assert said.splitlines()[-1] == "6 files: 2 changed, 3 as they were, 1 not ported. 5 written."
    assert sorted(path.name for path in out.parent.iterdir()) == ["ported"]


def test_a_directory_can_be_ported_in_place(project):
    before = files_in(project)
    assert lucidx(project).exit_code == 2
    assert "--force" in lucidx(project, "-o", project).output
    assert (project / "nets" / "slim.py").read_text() == "import lucid\n"
    (project / "nets" / "unfinished.py").unlink()
    helper = (project / "helper.py").stat().st_mtime_ns
    done = lucidx(project, "-o", project, "--force")
    assert done.exit_code == 0 and done.output.endswith(
        "5 files: 2 changed, 3 as they were. 2 written.\n"
    )
    assert (project / "nets" / "slim.py").read_text() == "import lucidx\n"
    assert (project / "helper.py").stat().st_mtime_ns == helper
    assert (project / ".git" / "hook.py").read_text() == "import lucid"
    assert sorted([*files_in(project), "nets/unfinished.py"]) == before
    done = lucidx(project, "--check")
    assert done.exit_code == 0 and done.output == "5 files: 5 as they were. 0 written.\n"


def test_a_directory_that_is_ported_into_itself_is_not_ported_twice(project):
    assert lucidx(project, "-o", project / "out").exit_code == 2
    assert (
        lucidx(project, "-o", project / "out", "--force").output.splitlines()[-1].startswith("6 ")
    )
    assert files_in(project / "out") == PROGRAMS


def test_several_files_are_ported_together(project, tmp_path):
    files = [project / "train.py", project / "nets" / "slim.py"]
    done = lucidx(*files, "--diff")
    assert done.exit_code == 0 and "+import lucidx\n" in done.output
    assert lucidx(*files, "--check").exit_code == 1
    assert lucidx(*files, "-o", tmp_path / "new").exit_code == 0
    assert files_in(tmp_path / "new") == ["slim.py", "train.py"]
    assert lucidx(*files, "-o", files[0]).exit_code == 2
    twins = lucidx(project / "nets" / "__init__.py", project / "__init__.py")
    assert twins.exit_code == 2


def test_two_files_of_one_name_are_refused(project, tmp_path):
    (project / "slim.py").write_text("x = 1\n")
    done = lucidx(project / "slim.py", project / "nets" / "slim.py", "-o", tmp_path / "new")
    assert done.exit_code == 2 and "slim.py" in done.output and not (tmp_path / "new").exists()


def test_a_directory_without_programs_is_refused(tmp_path):
    done = lucidx(tmp_path, "--check")
    assert done.exit_code == 2 and "no .py" in done.output


def test_what_a_program_uses_is_to_be_ported_too(project, tmp_path):
    done = lucidx(project / "train.py", "-o", tmp_path / "new.py")
    assert done.exit_code == 0
    assert "nets/slim.py, which it uses: port it, too" in done.output and "(line 2)" in done.output
    assert "helper.py" not in done.output
    done = lucidx(project / "look.ipynb", "--check")
    assert "train.py, which it uses" in done.output and "(cell 1, line 2)" in done.output


def test_nothing_of_a_directory_is_written_if_the_disk_fails(project, tmp_path, monkeypatch):
    def fail(descriptor):
        if (tmp_path / "out").exists() or list(tmp_path.glob(".out*/nets/*.py")):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    done = lucidx(project, "-o", tmp_path / "out")
    assert done.exit_code == 1 and "No space left" in done.output and ".part" not in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["project"]
