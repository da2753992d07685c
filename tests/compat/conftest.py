"""Compat, put in place for a test and taken away after it."""

import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import lucidx.compat


@pytest.fixture
def installed():
    lucidx.compat.install()
    yield
    lucidx.compat.uninstall()


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
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    lucidx.compat.uninstall()
    InteractiveShell.clear_instance()
