"""Directories that relative paths are understood in, per thread.

Everything in `lucidx.misc.io` that takes a path or an address takes it within the current scopes,
and so does what loads a model from a file.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import threading
from collections.abc import Iterator, Sequence

from lucidx.errors import InvalidValueError

Path = str | os.PathLike
Paths = Path | Sequence[Path]

_thread = threading.local()


def current_io_scopes() -> list[str]:
    """Scopes of this thread, outermost first; the list itself. A new thread has none."""
    if not hasattr(_thread, "scopes"):
        _thread.scopes = []
    return _thread.scopes


def set_io_scopes(scopes: Paths) -> None:
    """Replace the scopes of this thread, for instance with those of the thread that started it."""
    _thread.scopes = _strings(scopes)


@contextlib.contextmanager
def io_scope(path: Paths, replace_current_scopes: bool = False) -> Iterator[None]:
    """Understand relative paths inside the block relative to `path`.

    Parameters
    ----------
    path : directory, local or remote; within the current scope if it is relative. Or several, each
        within the one before.
    replace_current_scopes : forget the scopes around, until the block ends.
    """
    before = current_io_scopes()
    set_io_scopes(_strings(path) if replace_current_scopes else [*before, *_strings(path)])
    try:
        yield
    finally:
        _thread.scopes = before


def scope_url(url: Path, io_scopes: Paths | None = None) -> str:
    """Path or address within the scopes.

    Parameters
    ----------
    url : relative path; an absolute one, or an address, stays what it is.
    io_scopes : scopes, outermost first; those of this thread by default.

    Returns
    -------
    `url` joined to the scopes. Where that is an address, `.` and `..` are resolved.

    Raises
    ------
    InvalidValueError : it contains a NUL, which no name can.
    """
    url = os.fsdecode(url)
    if "\0" in url:
        raise InvalidValueError(f"A path cannot contain NUL characters, and {url!r} does.")
    if "//" in url or url.startswith("/") or os.path.isabs(url):
        return url
    joined = os.path.join(*_strings(io_scopes or current_io_scopes()), url)
    scheme, separator, path = joined.partition("://")
    return f"{scheme}://{posixpath.normpath(path)}" if separator else joined


def _strings(paths: Paths) -> list[str]:
    several = [paths] if isinstance(paths, str | os.PathLike) else paths
    return [os.fsdecode(path) for path in several]
