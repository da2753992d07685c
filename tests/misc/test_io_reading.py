import io
import lzma
import os

import numpy as np
import pytest
from file_server import Answer, serving

from lucidx.errors import ChangedFileError, CorruptFileError, DownloadError, InvalidValueError
from lucidx.misc.io import io_scope, load, reading
from lucidx.misc.io.loading import load_using_loader
from lucidx.misc.io.reading import local_cache_path, read, read_handle
from lucidx.modelzoo import transfer

TEXT = "one\r\nzwei \U0001f600\n"


@pytest.fixture(scope="module")
def running():
    with serving() as server:
        yield server


@pytest.fixture
def server(running, tmp_path, monkeypatch):
    """A server on this machine, an empty cache, and no patience."""
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("LUCIDX_OFFLINE", raising=False)
    monkeypatch.setattr(transfer, "BACKOFF", 0.001)
    running.requests.clear()
    running.files.clear()
    running.answers.clear()
    return running


@pytest.fixture
def text(tmp_path):
    (tmp_path / "x.txt").write_bytes(TEXT.encode())
    return tmp_path / "x.txt"


def asked(server):
    return [path for path, _ in server.requests]


def test_bytes_and_text(text):
    assert read(text) == TEXT.encode()
    assert read(str(text), encoding="utf-8") == TEXT
    assert read(text, mode="r") == TEXT
    with io_scope(text.parent):
        assert read("x.txt", encoding="utf-8") == TEXT


@pytest.mark.parametrize(("mode", "content"), [("rb", TEXT.encode()), ("r", TEXT)])
def test_a_handle_can_be_read_again_and_is_closed_even_if_the_block_fails(text, mode, content):
    with pytest.raises(KeyError), read_handle(text, mode=mode) as handle:
        assert handle.read() == content
        handle.seek(0)
        assert handle.read() == content
        raise KeyError
    assert handle.closed


def test_what_cannot_be_read(text):
    with pytest.raises(FileNotFoundError, match=r"missing\.txt"):
        read("missing.txt")
    with pytest.raises(CorruptFileError, match=r"x\.txt' .* not text in ascii"):
        read(text, encoding="ascii")
    with pytest.raises(InvalidValueError, match="'nope' is no encoding"):
        read(text, encoding="nope")
    with pytest.raises(InvalidValueError, match="gs://bucket/path"):
        read("s3://bucket/x")
    with pytest.raises(InvalidValueError, match="'purge', not 'perge'"):
        read(text, cache="perge")
    for mode in ("w", "wb", "a", "r+"):
        with pytest.raises(InvalidValueError, match="mode 'rb'"), read_handle(text, mode=mode):
            pass
    assert read(text) == TEXT.encode()


@pytest.mark.parametrize(
    ("scheme", "remote"), [("gs", True), ("https", True), ("http", True), ("", False), ("C", False)]
)
def test_schemes_of_remote_files(scheme, remote):
    assert reading._is_remote(scheme) == remote


def test_a_remote_file_is_fetched_once_and_kept(server):
    url = server.put("/a/x.txt", TEXT.encode())
    assert read(url) == TEXT.encode()
    assert read(url, cache=True, encoding="utf-8") == TEXT
    with io_scope("/elsewhere"), read_handle(url, mode="r") as handle:
        assert handle.read() == TEXT
        assert handle.name == url
    assert asked(server) == ["/a/x.txt"]
    with open(local_cache_path(url), "rb") as copy:
        assert copy.read() == TEXT.encode()


def test_without_the_cache_the_address_is_asked_once_each_time_and_nothing_is_kept(server):
    url = server.put("/x", b"old")
    assert read(url, cache=False) == b"old"
    assert asked(server) == ["/x"]
    server.put("/x", b"new")
    assert read(url, cache=False) == b"new"
    assert asked(server) == ["/x", "/x"]
    assert not os.path.exists(local_cache_path(url))
    assert read(url) == b"new"  # the first that is kept


def test_a_kept_file_stays_what_it_is_until_it_is_purged(server):
    url = server.put("/x", b"old")
    assert read(url) == b"old"
    server.put("/x", b"new")
    assert read(url) == b"old"
    assert read(url, cache=False) == b"new"
    assert read(url, cache="purge") == b"new"
    assert read(url) == b"new"
    with open(local_cache_path(url), "ab") as copy:
        copy.write(b"damage")
    with pytest.raises(ChangedFileError):
        read(url)
    assert read(url, cache="purge") == b"new"


@pytest.mark.parametrize("cache", [None, False, "purge"])
def test_no_network_is_said(server, monkeypatch, cache):
    with pytest.raises(DownloadError, match="404"):
        read(server.url("/missing"), cache=cache)
    monkeypatch.setenv("LUCIDX_OFFLINE", "1")
    with pytest.raises(DownloadError, match="LUCIDX_OFFLINE"):
        read(server.url("/x"), cache=cache)


def test_a_cut_connection_is_continued(server):
    content = np.random.default_rng(0).bytes(100_000)
    url = server.put("/x", content, Answer(cut=30_000))
    assert read(url, cache=False) == content


def test_remote_files_are_loaded_by_their_extension(server):
    array = np.arange(6).reshape(2, 3)
    file = io.BytesIO()
    np.save(file, array)
    plain = server.put("/a.npy?download=1", file.getvalue())
    packed = server.put("/a.npy.xz", lzma.compress(file.getvalue()))
    words = server.put("/words.txt", b"a\nb")
    loaded = load([plain, packed, words], cache=False)
    np.testing.assert_array_equal(loaded[0], array)
    np.testing.assert_array_equal(loaded[1], array)
    assert load(words, split=True) == ["a", "b"]
    damaged = server.put("/damaged.npy", b"nothing")
    with pytest.raises(CorruptFileError, match=damaged):
        load(damaged)


def test_a_damaged_copy_is_fetched_once_more(server, monkeypatch):
    url = server.put("/x.json", b"[1", Answer(), Answer(body=b"[1, 2]"))
    assert load(url) == [1, 2]
    assert asked(server) == ["/x.json"] * 2
    server.put("/x.json", b"[1, 2]")
    assert load(url) == [1, 2]

    other = server.put("/y.json", b"[1")
    for cache in (None, "purge", False):
        with pytest.raises(CorruptFileError, match=r"y\.json"):
            load(other, cache=cache)
    read(other)
    server.files.clear()
    with pytest.raises(CorruptFileError, match=r"y\.json"):
        load(other)
    assert read(other) == b"[1"


def test_a_remote_file_in_a_format_of_your_own(server):
    url = server.put("/x", b"12")
    assert load_using_loader(url, None, lambda handle: int(handle.read()), None) == 12
