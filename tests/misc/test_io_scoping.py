import concurrent.futures
import pathlib

import pytest

from lucidx.misc.io import io_scope, save, scope_url
from lucidx.misc.io.loading import load
from lucidx.misc.io.scoping import current_io_scopes, set_io_scopes


@pytest.mark.parametrize(
    ("url", "scopes", "expected"),
    [
        ("a.txt", ["gs://b/c"], "gs://b/c/a.txt"),
        ("../a.txt", ["gs://b/c"], "gs://b/a.txt"),
        ("a.txt", ["/x", "y"], "/x/y/a.txt"),
        ("../a.txt", ["/x"], "/x/../a.txt"),
        ("a//b", ["/x"], "a//b"),
        ("/a", ["/x"], "/a"),
        ("https://h/a", ["/x"], "https://h/a"),
        ("./some/file.ext", [], "./some/file.ext"),
        (pathlib.Path("a"), pathlib.Path("/x"), "/x/a"),
    ],
)
def test_a_relative_path_is_joined_to_the_scopes(url, scopes, expected):
    assert scope_url(url, scopes) == expected


def test_scopes_nest_and_end_with_their_blocks():
    with io_scope("a"):
        with io_scope("b"):
            assert scope_url("f.txt") == "a/b/f.txt"
            with io_scope(["c", "d"], replace_current_scopes=True):
                assert scope_url("f.txt") == "c/d/f.txt"
            with pytest.raises(KeyError), io_scope("/e", replace_current_scopes=True):
                assert scope_url("f.txt") == "/e/f.txt"
                raise KeyError
            assert scope_url("f.txt") == scope_url("f.txt", []) == "a/b/f.txt"
        assert current_io_scopes() == ["a"]
    assert scope_url("f.txt") == "f.txt"


def test_the_current_scopes_are_a_list_that_can_be_changed():
    with io_scope([], replace_current_scopes=True):
        current_io_scopes().append("/x")
        assert scope_url("a") == "/x/a"
        set_io_scopes(["/y", "z"])
        assert scope_url("a") == "/y/z/a"
    assert current_io_scopes() == []


def test_each_thread_has_its_own_scopes(tmp_path):
    def task(n):
        before = current_io_scopes().copy()
        with io_scope(tmp_path / str(n)):
            save([n], "x.json")
            return before, load("x.json")

    with io_scope("/elsewhere"), concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(task, range(16))) == [([], [n]) for n in range(16)]
    assert load([tmp_path / f"{n}/x.json" for n in range(16)]) == [[n] for n in range(16)]
