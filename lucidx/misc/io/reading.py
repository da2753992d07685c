"""Read files, local and remote.

A remote file (https, http, or in a public bucket, gs) is fetched once, into the cache of
`lucidx.modelzoo.downloads`: whole, and the same one each time.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

from lucidx.errors import CorruptFileError, DownloadError, InvalidValueError
from lucidx.misc.io.scoping import scope_url
from lucidx.modelzoo import downloads

Cache = bool | Literal["purge"] | None

# How Lucid named its copies, below the system's directory for temporary files.
RESERVED_PATH_CHARS = re.compile("[^a-zA-Z0-9]")
LUCID_CACHE_DIR_NAME = "lucid_cache"
MAX_FILENAME_LENGTH = 200


def read(
    url: str | os.PathLike, encoding: str | None = None, cache: Cache = None, mode: str = "rb"
) -> bytes | str:
    """Content of a file.

    Parameters
    ----------
    url, cache : as in `read_handle`.
    encoding : decode the content, for instance "utf-8".
    mode : "rb"; or "r" for text, in UTF-8 unless `encoding` is another.

    Returns
    -------
    str with `encoding` or `mode="r"`, bytes otherwise. Line breaks stay what they are.

    Raises
    ------
    As `read_handle`.
    CorruptFileError : the content is not text in this encoding.
    InvalidValueError : there is no such encoding.
    """
    _check_mode(mode)
    with read_handle(url, cache) as handle:
        content = handle.read()
    if encoding is None and mode == "rb":
        return content
    return decoded(content, encoding or "utf-8", scope_url(url))


@contextlib.contextmanager
def read_handle(
    url: str | os.PathLike, cache: Cache = None, mode: str = "rb"
) -> Iterator[IO[bytes] | IO[str]]:
    """Open file, closed after the block. It can be rewound; its `name` is the path or address.

    Parameters
    ----------
    url : path; or address, https://host/path, http://host/path or gs://bucket/path.
    cache : keep a copy of a remote file and use it from then on, which is the default. With False,
        fetch what is there now and keep nothing. With "purge", delete the copy and forget what it
        was, and fetch a new one. Local files are never copied.
    mode : "rb", or "r" for text in UTF-8.

    Raises
    ------
    FileNotFoundError, OSError : a local file cannot be opened.
    DownloadError : a remote one cannot be fetched.
    ChangedFileError : what is fetched is not what it was the first time; or the copy is damaged.
        `cache="purge"` accepts what is there now.
    InvalidValueError : another mode or `cache`, or nothing can be fetched from such an address.
    """
    _check_mode(mode)
    if cache not in (None, True, False, "purge"):
        raise InvalidValueError(f"cache is True, False, None or 'purge', not {cache!r}.")
    name = scope_url(url)
    if not downloads.is_remote(name):
        opened = _open(name, mode)
    elif cache is False:
        opened = _read_uncached(name, mode)
    else:
        if cache == "purge":
            _purge_cached(name)
        opened = _read_and_cache(name, mode)
    with opened as handle:
        yield handle


def local_cache_path(remote_url: str) -> str:
    """Where the copy of a remote file is, or would be.

    Raises
    ------
    InvalidValueError : nothing can be fetched from such an address.
    """
    return str(downloads.cached_path(remote_url))


def decoded(content: bytes, encoding: str, name: str) -> str:
    """Text in a file of that name.

    Raises
    ------
    CorruptFileError : it is not text in this encoding.
    InvalidValueError : there is no such encoding.
    """
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise CorruptFileError(
            f"{name!r} is damaged, incomplete or not text in {encoding}: {error}."
        ) from error
    except LookupError as error:
        raise InvalidValueError(f"{encoding!r} is no encoding of text; 'utf-8' is one.") from error


def _check_mode(mode: str) -> None:
    if mode not in ("r", "rb"):
        raise InvalidValueError(f"A file is read in mode 'rb', or 'r' for text; not {mode!r}.")


def _is_remote(scheme: str) -> bool:
    """Whether what has this before its "://" is fetched; "" is what paths have."""
    return downloads.is_remote(f"{scheme}://")


def _purge_cached(url: str) -> None:
    """Delete the copy of a remote file, and the record of what it was."""
    from lucidx.modelzoo import weights

    weights.remove(url, forget=True)


def _read_and_cache(url: str, mode: str = "rb") -> IO:
    """Open copy of a remote file, which is fetched if there is none."""
    return _open(downloads.cached(url), mode, url)


@contextlib.contextmanager
def _read_uncached(url: str, mode: str) -> Iterator[IO]:
    # At the first import, requests takes a tenth of a second.
    from lucidx.modelzoo.transfer import transfer

    address = downloads.public_address(url)
    if downloads.offline():
        reason = "LUCIDX_OFFLINE forbids the network"
        raise DownloadError(f"{address} cannot be fetched: {reason}.", reason)
    with tempfile.TemporaryDirectory(prefix="lucidx-") as directory:
        copy = Path(directory) / "copy"
        try:
            transfer(address, copy, name=address.rpartition("/")[2], progress=True)
        except DownloadError as error:
            message = f"{address} cannot be fetched: {error}."
            raise DownloadError(message, str(error)) from error
        with _open(copy, mode, url) as handle:
            yield handle


def _open(path: str | os.PathLike, mode: str, name: str | None = None) -> IO:
    """Open file, by its own or another name."""
    if mode == "rb":
        handle = binary = open(path, "rb")  # noqa: SIM115
    else:
        # Line breaks are left alone, so that a file reads the same in every mode.
        handle = open(path, encoding="utf-8", newline="")  # noqa: SIM115
        binary = handle.buffer
    if name is not None:
        binary.raw.name = name
    return handle
