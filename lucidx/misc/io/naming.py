"""What a file is called, and what its extension says about its format."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Container
from typing import IO

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownFormatError
from lucidx.misc.io.scoping import scope_url
from lucidx.modelzoo import downloads


def full_name(url_or_handle: str | os.PathLike | IO) -> str:
    """Path or address within the current scopes, or the name of an open file.

    Raises
    ------
    InvalidTypeError : it is neither, or the open file has no name to tell the format from.
    """
    if isinstance(url_or_handle, str | os.PathLike):
        return scope_url(url_or_handle)
    name = getattr(url_or_handle, "name", None)
    if not isinstance(name, str | bytes | os.PathLike):
        raise InvalidTypeError(
            f"Expected a path or an open file with a name, such as 'picture.png', to tell the "
            f"format from; this is of type {type(url_or_handle).__name__}."
        )
    return os.fsdecode(name)


def name_of(url_or_handle: str | os.PathLike | IO) -> str:
    """As `full_name`, where only local files can be used.

    Raises
    ------
    InvalidTypeError : as `full_name`.
    InvalidValueError : it is the address of something remote.
    """
    name = full_name(url_or_handle)
    if downloads.is_remote(name):
        raise InvalidValueError(
            f"{name!r} is remote, and this can only be done with local files. "
            "Copy the file by other means and give its path."
        )
    return name


def extension_of(name: str) -> str:
    """Extension of a path or address, in lower case and with its dot.

    Raises
    ------
    UnknownFormatError : there is none.
    """
    extension = os.path.splitext(_path_in(name))[1].lower()
    if not extension:
        raise UnknownFormatError(
            f"{name!r} has no extension to tell the format from, such as '.png'."
        )
    return extension


def extensions_of(name: str, compressions: Container[str]) -> tuple[str, str | None]:
    """Extension that tells the format, and the one after it that tells the compression, if any.

    Raises
    ------
    UnknownFormatError : there is none that tells the format.
    """
    extension = extension_of(name)
    if extension not in compressions:
        return extension, None
    return extension_of(_path_in(name)[: -len(extension)]), extension


def _path_in(name: str) -> str:
    # Paths, and names in Google's buckets, may contain any character.
    is_web = name.lower().startswith(("http://", "https://"))
    return urllib.parse.urlsplit(name).path if is_web else name
