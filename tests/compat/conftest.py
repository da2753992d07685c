"""Compat, put in place for a test and taken away after it."""

import importlib
import sys

import pytest
import tensorflow as tf2
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import lucidx.compat


@pytest.fixture
def installed():
    lucidx.compat.install()
    yield
    lucidx.compat.uninstall()


# By lucidx's own name, most of what the contract says is seen to by faster tests as well.
@pytest.fixture(params=[pytest.param("lucidx", marks=pytest.mark.slow), "compat"])
def library(request):
    """Function from a module's path to the module: of lucidx, and of lucid under compat."""
    if request.param == "lucidx":
        yield lambda path: importlib.import_module(f"lucidx.{path}")
        return
    lucidx.compat.install()
    yield lambda path: importlib.import_module(f"lucid.{path}")
    lucidx.compat.uninstall()


@pytest.fixture
def tf(library):
    """TensorFlow 1: under compat, what a program gets that imports tensorflow."""
    if tf2.executing_eagerly():
        return tf2.compat.v1
    import tensorflow

    assert tensorflow.__version__.startswith("1")
    return tensorflow


@pytest.fixture
def session(tf):
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Function that writes a module of the user's, or of a library, to be imported."""

    def write(name, source, library=False):
        folder = tmp_path / ("site-packages" if library else "project")
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(source, "utf-8")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, name, raising=False)

    return write


@pytest.fixture
def shell(monkeypatch):
    """IPython, as a notebook's kernel has it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # IPython replaces it
    # Its first import makes a magic of the shell that there is.
    monkeypatch.delitem(sys.modules, "lucidx.scratch.web.svelte", raising=False)
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    lucidx.compat.uninstall()
    InteractiveShell.clear_instance()
