"""Files of joblib: on this machine, and elsewhere."""

import gzip

import joblib
import numpy as np
import pytest
from file_server import serving

from lucidx.errors import CorruptFileError, DownloadError, UnsafeFileError
from lucidx.scratch.rl_util import joblib_wrapper
from lucidx.scratch.rl_util.joblib_wrapper import load_joblib, save_joblib


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.delenv("LUCIDX_OFFLINE", raising=False)
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "cache"))
    with serving() as server:
        yield server


def dumped(tmp_path, value):
    joblib.dump(value, tmp_path / "x.jd")
    return (tmp_path / "x.jd").read_bytes()


def test_remote_files_are_fetched_once_and_only_where_they_are_trusted(tmp_path, server):
    address = server.put("/x.jd", dumped(tmp_path, {"a": np.arange(3)}))
    with pytest.raises(UnsafeFileError, match=r"x\.jd.*allow_unsafe_formats=True"):
        load_joblib(address)
    assert not server.requests
    for _ in range(2):
        loaded = load_joblib(address, allow_unsafe_formats=True)
        np.testing.assert_array_equal(loaded["a"], [0, 1, 2])
    assert len(server.requests) == 1


def test_the_cache_may_be_left_alone_or_emptied(tmp_path, server):
    address = server.put("/x.jd", dumped(tmp_path, 1))
    assert load_joblib(address, allow_unsafe_formats=True) == 1
    server.put("/x.jd", dumped(tmp_path, 2))
    values = [load_joblib(address, cache=c, allow_unsafe_formats=True) for c in (False, None)]
    assert values == [2, 1]
    assert load_joblib(address, cache="purge", allow_unsafe_formats=True) == 2


def test_what_cannot_be_fetched_or_read_is_named(server):
    with pytest.raises(DownloadError, match=r"missing\.jd"):
        load_joblib(server.url("/missing.jd"), allow_unsafe_formats=True)
    address = server.put("/x.jd", b"no joblib")
    with pytest.raises(CorruptFileError, match=r"x\.jd' is damaged"):
        load_joblib(address, allow_unsafe_formats=True)


def test_compressed_files_that_are_damaged_are_named(tmp_path):
    save_joblib(np.zeros(999), tmp_path / "x.jd", allow_unsafe_formats=True, compress=("gzip", 3))
    content = (tmp_path / "x.jd").read_bytes()
    assert gzip.decompress(content)
    (tmp_path / "x.jd").write_bytes(content[:-30])
    with pytest.raises(CorruptFileError, match=r"x\.jd' is damaged"):
        load_joblib(tmp_path / "x.jd", allow_unsafe_formats=True)


def test_arrays_may_be_mapped_from_the_file(tmp_path):
    save_joblib(np.arange(9), tmp_path / "x.jd", allow_unsafe_formats=True)
    mapped = load_joblib(tmp_path / "x.jd", allow_unsafe_formats=True, mmap_mode="r")
    assert isinstance(mapped, np.memmap) and mapped.sum() == 36


def test_reloading_reads_the_sources_of_what_is_passed_on():
    import lucidx.scratch.rl_util as rl

    before = {name: getattr(rl, name) for name in ("LayerNMF", "get_attr", "get_paths", "zoom_to")}
    reloaded = {}
    rl.reload(reloaded)
    assert all(reloaded[name] is not thing for name, thing in before.items())
    assert reloaded["load_joblib"] is joblib_wrapper.load_joblib
