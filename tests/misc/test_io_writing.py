import os

import numpy as np
import pytest

from lucidx.errors import InvalidValueError
from lucidx.misc.io import io_scope, save
from lucidx.misc.io.reading import read
from lucidx.misc.io.writing import write, write_handle


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
