"""Joblib files, which are pickles: only with `allow_unsafe_formats`."""

from __future__ import annotations

import os
from typing import IO, Any

import joblib

from lucidx.errors import UnsafeFileError
from lucidx.misc.io.loading import is_handle, load_using_loader, parsing
from lucidx.misc.io.naming import full_name, name_of
from lucidx.misc.io.reading import Cache
from lucidx.misc.io.writing import into_file
from lucidx.modelzoo import downloads


def load_joblib(
    url_or_handle: str | os.PathLike | IO[bytes],
    *,
    cache: Cache = None,
    allow_unsafe_formats: bool = False,
    **kwargs: Any,
) -> Any:
    """Object in a joblib file.

    Parameters
    ----------
    url_or_handle : path; or address, https, http or gs; or a file open in binary mode that has a
        `name`.
    cache : of remote files, keep a copy or not; see `lucidx.misc.io.load`.
    allow_unsafe_formats : run whatever code the file contains. Only for files that you trust.
    **kwargs : for `joblib.load`, such as `mmap_mode` for a path.

    Raises
    ------
    UnsafeFileError : without `allow_unsafe_formats`. Nothing has been fetched.
    CorruptFileError : the file is damaged, or not of this kind.
    FileNotFoundError : there is no such file.
    DownloadError, ChangedFileError : a remote file cannot be fetched, or is not the one it was.
    """
    name = full_name(url_or_handle)
    _check_allowed(name, "Loading", allow_unsafe_formats)
    # Only what joblib opens itself can be mapped into memory.
    has_path = not is_handle(url_or_handle) and not downloads.is_remote(name)

    def load(handle: IO[bytes]) -> Any:
        # Unpickling raises nearly anything.
        with parsing(name, "a joblib file that can be loaded here"):
            return joblib.load(name if has_path else handle, **kwargs)

    return load_using_loader(url_or_handle, None, load, cache)


def save_joblib(
    value: Any,
    url_or_handle: str | os.PathLike | IO[bytes],
    *,
    allow_unsafe_formats: bool = False,
    **kwargs: Any,
) -> None:
    """Write an object to a joblib file, which appears complete or not at all.

    Parameters
    ----------
    value : what to save.
    url_or_handle : path, or a file open for writing in binary mode that has a `name`.
    allow_unsafe_formats : write what is unsafe to load for whoever gets it.
    **kwargs : for `joblib.dump`.

    Raises
    ------
    UnsafeFileError : without `allow_unsafe_formats`.
    InvalidValueError : the address is remote.
    """
    _check_allowed(name_of(url_or_handle), "Saving", allow_unsafe_formats)
    if is_handle(url_or_handle):
        joblib.dump(value, url_or_handle, **kwargs)
    else:
        with into_file(url_or_handle) as handle:
            joblib.dump(value, handle, **kwargs)


def _check_allowed(name: str, doing: str, allowed: bool) -> None:
    if not allowed:
        raise UnsafeFileError(
            f"{doing} {name!r}: joblib files run code when they are loaded. Where you trust their "
            "source, pass allow_unsafe_formats=True."
        )
