"""Joblib files, which are pickles: only with `allow_unsafe_formats`."""

from __future__ import annotations

import os
from typing import IO, Any

import joblib

from lucidx.errors import CorruptFileError, UnsafeFileError
from lucidx.misc.io.loading import is_handle
from lucidx.misc.io.naming import name_of
from lucidx.misc.io.writing import into_file


def load_joblib(
    url_or_handle: str | os.PathLike | IO[bytes],
    *,
    cache: bool | str | None = None,
    allow_unsafe_formats: bool = False,
    **kwargs: Any,
) -> Any:
    """Object in a joblib file.

    Parameters
    ----------
    url_or_handle : path, or a file open in binary mode that has a `name`.
    cache : concerns remote files, which cannot be loaded.
    allow_unsafe_formats : run whatever code the file contains. Only for files that you trust.
    **kwargs : for `joblib.load`.

    Raises
    ------
    UnsafeFileError : without `allow_unsafe_formats`.
    CorruptFileError : the file is damaged, or not of this kind.
    InvalidValueError : the address is remote.
    """
    name = name_of(url_or_handle)
    _check_allowed(name, "Loading", allow_unsafe_formats)
    try:
        return joblib.load(url_or_handle if is_handle(url_or_handle) else name, **kwargs)
    except OSError:
        raise
    except Exception as error:  # unpickling raises nearly anything
        raise CorruptFileError(f"{name!r} is damaged or not a joblib file: {error!r}.") from error


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
