"""`python -m lucidx.compat script.py`."""

import subprocess
import sys
from pathlib import Path
from traceback import extract_tb

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
        ("x = = 1\n", "script.py", r"script\.py: Line 1"),
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


def test_the_file_of_a_script_is_absolute(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "here.py").write_text("print(__file__)\n")
    monkeypatch.chdir(tmp_path)
    command.main(["here.py"])
    assert capsys.readouterr().out == f"{tmp_path / 'here.py'}\n"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two modules, in Python 2, that can be imported."""
    folder = tmp_path / "old_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("print 'package'\n")
    (folder / "helping.py").write_text("half = 3 / 2\nprint 'helping'\n")
    (folder / "train.py").write_text(
        "import sys, tensorflow as tf\nfrom .helping import half\n"
        "print half, __name__, __package__, tf.__version__, sys.argv[1:]\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "argv", ["python"])
    yield folder
    for name in [name for name in sys.modules if name.startswith("old_package")]:
        del sys.modules[name]
    lucidx.compat.uninstall()


def test_a_module_of_a_package_is_the_main_program(package, capsys):
    command.main(["-m", "old_package.train", "--steps", "3"])
    out = "package\nhelping\n1 __main__ old_package 1.15.5 ['--steps', '3']\n"
    assert capsys.readouterr().out == out
    assert sys.argv[0] == str(package / "train.py")


def test_a_package_is_run_by_its_main(package, capsys):
    (package / "__main__.py").write_text("from .helping import half\nprint 'main', half\n")
    command.main(["-m", "old_package"])
    assert capsys.readouterr().out == "package\nhelping\nmain 1\n"


@pytest.mark.parametrize("name", ["old_package", "old_package.none", "no_such.at_all", "sys"])
def test_what_is_no_module_to_be_run_is_named(package, name):
    with pytest.raises(SystemExit, match=f"no module '{name}'"):
        command.main(["-m", name])


@pytest.mark.parametrize("arguments", [["-m"], ["-c", "print(1)"]])
def test_other_options_are_refused(arguments):
    with pytest.raises(SystemExit, match="not understood here"):
        command.main(arguments)


def test_a_traceback_has_only_the_frames_of_the_program(run, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: shown.append(error))
    (tmp_path / "failing_module.py").write_text("import no_such_module_anywhere\n")
    try:
        run("try:\n    1 / 0\nexcept ZeroDivisionError:\n    import failing_module\n")
    except ModuleNotFoundError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    ((_, error, traceback),) = shown
    files = [Path(frame.filename).name for frame in extract_tb(traceback)]
    assert files[-2:] == ["script.py", "failing_module.py"]
    assert not {"imports.py", "running.py", "sources.py", "colab_imports.py"} & set(files)
    context = extract_tb(error.__context__.__traceback__)
    assert [Path(frame.filename).name for frame in context] == ["script.py"]
    lucidx.compat.uninstall()
    assert sys.excepthook(None, None, None) is None and len(shown) == 2


@pytest.mark.slow
def test_without_the_extra_python_2_names_what_to_install(tmp_path):
    path = tmp_path / "old.py"
    path.write_text("x = 1\nprint 'old'\n")
    program = "import sys; sys.modules['fissix'] = None; from lucidx.compat import __main__ as c; "
    command = [sys.executable, "-c", f"{program}c.main([{str(path)!r}])"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "Line 2" in done.stderr and "pip install 'lucidx[port]'" in done.stderr
