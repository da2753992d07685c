"""`read(url)` in programs of Python 2, where what it gave was text and bytes at once."""

import pytest

import lucidx.compat
from lucidx.compat import sources
from lucidx.misc.io import reading

LINES = "one\ntw\u00f6\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)
GRAPH = b"\n\x07\n\x01a\x12\x02No"  # valid UTF-8

IMPORTS = """
import lucid.misc.io as lucid_io
import lucid.misc.io.reading as reading
from lucid.misc.io.reading import read
from lucid.misc.io.reading import read as fetch
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lines.txt").write_bytes(LINES.encode())
    (tmp_path / "image.png").write_bytes(PNG)
    (tmp_path / "graph.pb").write_bytes(GRAPH)
    (tmp_path / "latin").write_bytes(LINES.encode("latin-1"))
    return tmp_path


def run(source, folder):
    program = f"{IMPORTS}folder = {str(folder)!r}\n{source}"
    namespace = {"__name__": "program"}
    sources.compiled(program.encode(), "program.py").run(namespace)
    return namespace


def test_text_is_text_however_read_is_called(installed, folder):
    found = run(
        """
print 'Python 2'
path = folder + '/lines.txt'
calls = [read(path), fetch(path), reading.read(path), lucid_io.reading.read(path, cache=False)]
calls += map(read, [path]) + [(lambda: read(path))()] + [read(p) for p in [path]]
words = read(path).split('\\n')
""",
        folder,
    )
    assert found["calls"] == [LINES] * 7
    assert found["words"] == ["one", "tw\u00f6", ""]


def test_what_is_no_text_is_bytes(installed, folder):
    found = run(
        "print 'x'\nfound = [read(folder + '/' + n) for n in 'image.png', 'graph.pb', 'latin']\n",
        folder,
    )
    assert found["found"] == [PNG, GRAPH, LINES.encode("latin-1")]


def test_who_says_what_they_want_gets_it(installed, folder):
    source = "print 'x'\np = folder + '/lines.txt'\n"
    source += "found = [read(p, mode='rb'), read(p, mode='r'), read(p, 'utf-8')]\n"
    assert run(source, folder)["found"] == [LINES.encode(), LINES, LINES]


def test_in_python_3_content_is_bytes_as_it_was(installed, folder):
    found = run("found = read(folder + '/lines.txt')\n", folder)["found"]
    assert found == LINES.encode()
    assert reading.read(folder / "lines.txt") == LINES.encode()


def test_cells_of_a_python_2_notebook(shell, folder, capsys):
    shell.run_cell("%load_ext lucidx.compat").raise_error()
    for cell in (
        IMPORTS,
        "print 'old'",
        f"words = read({str(folder / 'lines.txt')!r}).split('\\n')",
    ):
        shell.run_cell(cell).raise_error()
    assert shell.user_ns["words"] == ["one", "tw\u00f6", ""]


def test_afterwards_read_is_as_before():
    before = reading.read
    lucidx.compat.install()
    lucidx.compat.uninstall()
    assert reading.read is before
