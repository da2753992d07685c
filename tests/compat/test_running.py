"""`python -m lucidx.compat script.py`."""

import subprocess
import sys

import pytest

import lucidx.compat
from lucidx.compat import __main__ as command


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["python"])
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(source, *arguments, name="script.py"):
        path = tmp_path / name
        path.write_text(source, "utf-8")
        command.main([str(path), *arguments])

    yield run
    lucidx.compat.uninstall()


def test_a_script_is_the_main_program_and_has_its_arguments(run, capsys):
    run(
        "import sys, tensorflow as tf\n"
        "def main(): print(sys.argv[1:], tf.__version__, __file__.endswith('script.py'))\n"
        "if __name__ == '__main__': sys.modules['__main__'].main()\n",
        "--steps",
        "3",
    )
    assert capsys.readouterr().out == "['--steps', '3'] 1.15.5 True\n"


def test_a_script_finds_the_modules_beside_it(run, tmp_path, capsys):
    (tmp_path / "beside_the_script.py").write_text("print 'found', 3 / 2\n")
    run("import beside_the_script\n")
    assert capsys.readouterr().out == "found 1\n"


def test_tf_app_runs_main(run, capsys):
    source = "import tensorflow as tf\ndef main(argv): print(argv[1:])\ntf.app.run(main)\n"
    with pytest.raises(SystemExit):
        run(source)
    assert capsys.readouterr().out == "[]\n"


def test_an_error_of_the_script_is_its_own(run):
    with pytest.raises(ZeroDivisionError):
        run("1 / 0\n")


@pytest.mark.parametrize(
    ("source", "name", "said"),
    [
        ("x = = 1\n", "script.py", "Line 1"),
        ('{"cells": []}', "notebook.ipynb", "load_ext lucidx.compat"),
    ],
)
def test_what_cannot_be_run_is_explained(run, source, name, said):
    with pytest.raises(SystemExit, match=said):
        run(source, name=name)


def test_a_missing_script_is_named():
    with pytest.raises(SystemExit, match=r"no file 'no_such_script\.py'"):
        command.main(["no_such_script.py"])


def test_without_a_script_there_is_help(capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main([])
    assert stopped.value.code == 2 and "usage" in capsys.readouterr().out


@pytest.mark.slow
def test_without_the_extra_python_2_names_what_to_install(tmp_path):
    path = tmp_path / "old.py"
    path.write_text("x = 1\nprint 'old'\n")
    program = "import sys; sys.modules['fissix'] = None; from lucidx.compat import __main__ as c; "
    command = [sys.executable, "-c", f"{program}c.main([{str(path)!r}])"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "Line 2" in done.stderr and "pip install 'lucidx[port]'" in done.stderr
