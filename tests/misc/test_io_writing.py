import contextlib
import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest

from lucidx.errors import InvalidValueError
from lucidx.misc.io import io_scope, save
from lucidx.misc.io.reading import read
from lucidx.misc.io.writing import into_file, write, write_handle


@pytest.mark.parametrize(
    ("data", "mode", "content"),
    [
        ("text \U0001f600\r\n", "w", "text \U0001f600\r\n".encode()),
        (b"\x00\xff", "wb", b"\x00\xff"),
        ("text \U0001f600", "wb", "text \U0001f600".encode()),
    ],
)
def test_text_and_bytes(tmp_path, data, mode, content):
    write(data, tmp_path / "new" / "x", mode)
    assert (tmp_path / "new" / "x").read_bytes() == content


@pytest.mark.parametrize("mode", [None, "w", "wb"])
def test_a_handle_takes_bytes_and_text_and_has_its_name(tmp_path, mode):
    path = tmp_path / "x.txt"
    with write_handle(path, mode) as handle:
        assert handle.name == str(path)
        handle.write(b"bytes, ")
        handle.write("text")
        assert not path.exists()
    assert path.read_text() == "bytes, text"


def test_arrays_can_be_saved_to_a_handle(tmp_path):
    array = np.arange(100_000.0)
    with write_handle(tmp_path / "x.npy") as handle:
        np.save(handle, array)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), array)
    with write_handle(tmp_path / "y.npy") as handle:
        assert save(array, handle)["url"] == str(tmp_path / "y.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), array)


def test_paths_are_within_scopes(tmp_path):
    with io_scope(tmp_path):
        write("outer", "x.txt")
        with io_scope("inner"):
            write("inner", "x.txt")
            assert read("x.txt", encoding="utf-8") == "inner"
            with io_scope([tmp_path, "third"], replace_current_scopes=True):
                write("third", "x.txt")
    assert (tmp_path / "x.txt").read_text() == "outer"
    assert (tmp_path / "inner" / "x.txt").read_text() == "inner"
    assert (tmp_path / "third" / "x.txt").read_text() == "third"


def test_what_fails_changes_nothing(tmp_path):
    (tmp_path / "x").write_text("old")
    with pytest.raises(KeyError), write_handle(tmp_path / "x") as handle:
        handle.write("half of it")
        raise KeyError
    for mode in ("a", "r", "x", ""):
        with pytest.raises(InvalidValueError, match=f"'wb' or 'w', not {mode!r}"):
            write("new", tmp_path / "x", mode)
    assert os.listdir(tmp_path) == ["x"]
    assert (tmp_path / "x").read_text() == "old"


@pytest.mark.parametrize("address", ["https://host/x", "HTTP://host/x"])
def test_web_addresses_cannot_be_written(address):
    with pytest.raises(ValueError, match="can be read, not written"):
        write("x", address)


@contextlib.contextmanager
def files_of_at_most(size):
    """Writing more fails, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_what_cannot_be_written_is_named(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    large = np.zeros(100_000)
    for thing, name in ((large, "x.npy"), ([1], "x" * 300 + ".json"), ("a", "folder")):
        with pytest.raises(OSError) as caught, files_of_at_most(1000):
            write_array_or_text(thing, tmp_path / name)
        assert caught.value.filename == str(tmp_path / name)
    with pytest.raises(OSError) as caught:
        write("a", tmp_path / "file" / "x.txt")
    assert caught.value.filename == str(tmp_path / "file")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def write_array_or_text(thing, path):
    write(thing, path) if isinstance(thing, str) else save(thing, path)


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, into_file(tmp_path / "x"):
        (tmp_path / "missing").read_text()
    assert caught.value.filename == str(tmp_path / "missing")


@pytest.mark.parametrize("name", ["x" * 250 + ".json", "é" * 125 + ".txt", "a." + "b" * 250])
def test_names_may_be_as_long_as_the_system_allows(tmp_path, name):
    write("text", tmp_path / name)
    assert os.listdir(tmp_path) == [name]


KILLED = """
import os, signal, sys
from lucidx.misc.io.writing import write_handle
with write_handle(sys.argv[1]) as handle:
    handle.write("half of it")
    handle.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_leaves_says_what_it_was_to_be(tmp_path):
    (tmp_path / "x.txt").write_text("old")
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "x.txt"])
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "x.txt").read_text() == "old"
    (left,) = set(os.listdir(tmp_path)) - {"x.txt"}
    assert left.startswith(".x.txt.") and left.endswith(".part.txt")
