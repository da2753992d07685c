"""Programs and notebooks in the manner of Lucid's users run unchanged."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import tensorflow as tf
from nbclient import NotebookClient

import lucidx.compat
from lucidx.compat import running

CORPUS = Path(__file__).parent / "corpus"
SCRIPTS = sorted(CORPUS.glob("*.py"))
NOTEBOOKS = sorted(CORPUS.glob("*.ipynb"))
SLOW = """
channel_reducer cppn_param custom_objective custom_param_function feed_hidden_layer
gradients_at_hidden_layer inception_attribution inception_neuron optimizer_as_default_argument
path_attribution range_arithmetic style_transfer tensor_as_param variables_in_param
""".split()


def each(paths):
    return [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem in SLOW))
        for path in paths
    ]


@pytest.fixture(autouse=True)
def _afterwards_all_is_as_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    lucidx.compat.uninstall()
    assert tf.executing_eagerly() and "lucid" not in sys.modules


def skip_without_weights(path, request):
    if "InceptionV1" in path.read_text("utf-8"):
        request.getfixturevalue("inception_v1")


@pytest.mark.parametrize("path", each(SCRIPTS))
def test_a_script_runs(path, request):
    skip_without_weights(path, request)
    running.run(running.compiled(path), path)


def test_a_package_of_python_2_runs(installed, tmp_path, monkeypatch):
    shutil.copytree(CORPUS / "python2_package", tmp_path / "package_of_python2")
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module("package_of_python2")
    losses, seen = package.Trainer().run()
    assert len(losses) == 5 and losses[-1] < losses[0] and seen == 25
    assert package.nets.__name__ == "package_of_python2.nets"


@pytest.mark.parametrize("path", each(NOTEBOOKS))
def test_a_notebook_runs_cell_by_cell(path, shell):
    for source in ["%load_ext lucidx.compat", *code_cells(path)]:
        assert shell.run_cell(source).success, source


def code_cells(path):
    return [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def test_there_are_enough_of_them():
    assert len(SCRIPTS) + len(NOTEBOOKS) >= 30


@pytest.mark.slow
@pytest.mark.parametrize("name", ["import_forms", "python2_print", "interactive_session"])
def test_a_script_runs_from_the_command_line(name):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "lucidx.compat", str(CORPUS / f"{name}.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["python2_kernel", "sessions_across_cells"])
def test_a_notebook_runs_in_a_kernel(name):
    notebook = nbformat.read(CORPUS / f"{name}.ipynb", 4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%load_ext lucidx.compat"))
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
