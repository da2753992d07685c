"""Programs in Python 2 mean what they meant: when ported, and unchanged under compat."""

import pytest
from python2_programs import programs

from lucidx.compat import sources
from lucidx.compat.porting import Report, port_script

each_program = pytest.mark.parametrize(
    ("source", "value"), [pytest.param(*each, id=each[0].split("\n")[-2]) for each in programs()]
)


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@each_program
def test_when_ported(source, value):
    namespace = {}
    ported = port_script(source, Report())
    exec(compile(ported, "ported.py", "exec"), namespace)
    assert namespace["x"] == value
    assert port_script(ported, Report()) == ported


@each_program
def test_under_compat(source, value):
    namespace = {}
    sources.compiled(source.encode(), "program.py").run(namespace)
    assert namespace["x"] == value


@each_program
def test_cell_by_cell_under_compat(source, value, shell):
    shell.run_cell("%load_ext lucidx.compat").raise_error()
    shell.run_cell("print 'Python 2',").raise_error()
    for cell in cells(source):
        shell.run_cell(cell).raise_error()
    assert shell.user_ns["x"] == value


def cells(source):
    """Imports in a cell of their own, which the next has to know of."""
    first, *rest = source.split("\n")
    if first.startswith(("import", "from")):
        return [first, "\n".join(rest)]
    return [source]
