"""Write files: each appears complete or not at all."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import shutil
from collections.abc import Iterator
from typing import IO

from lucidx.errors import InvalidValueError
from lucidx.misc.io.scoping import scope_url
from lucidx.modelzoo import downloads

_RECOGNISED = 100  # bytes of a name that say whose draft a file is


def write(data: str | bytes, url: str | os.PathLike, mode: str = "wb") -> None:
    """Write a file.

    Parameters
    ----------
    data : content; text is written as UTF-8.
    url, mode : as in `write_handle`.

    Raises
    ------
    As `write_handle`.
    """
    with write_handle(url, mode) as handle:
        handle.write(data)


@contextlib.contextmanager
def write_handle(path: str | os.PathLike, mode: str | None = None) -> Iterator[IO[bytes]]:
    """File to write to, which takes the place of `path` when the block succeeds.

    If the block fails, everything stays as it was. Missing directories are made.

    Parameters
    ----------
    path : local path; or an address that TensorFlow can write to, such as gs://bucket/path.
    mode : "wb" or "w"; in both, bytes are written as they are and text as UTF-8.

    Raises
    ------
    InvalidValueError : another mode; or nothing can be written to such an address.
    OSError : the file cannot be written; its `filename` is `path`, or a directory on the way.
    """
    if mode not in (None, "w", "wb"):
        raise InvalidValueError(f"A file is written in mode 'wb' or 'w', not {mode!r}.")
    name = scope_url(path)
    into = _into_storage if downloads.is_remote(name) else into_file
    with into(name) as file:
        # Not around its buffer: numpy writes to the file itself, past one buffer but not past two.
        handle = _Handle(getattr(file, "raw", file), name)
        try:
            yield handle
        finally:
            handle.detach()


class _Handle(io.BufferedWriter):
    """Binary file that has its final name, and takes text too, as TensorFlow's files do."""

    def __init__(self, file: io.RawIOBase, name: str):
        super().__init__(file)
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def write(self, data: str | bytes) -> int:
        return super().write(data.encode() if isinstance(data, str) else data)


@contextlib.contextmanager
def into_file(path: str | os.PathLike) -> Iterator[IO[bytes]]:
    """File that takes the place of `path` when the block succeeds, and is gone when it fails.

    Its content is on the disk before the name is, so not even a power cut leaves half of it there.
    What a killed process leaves there is called like the file, as `.a.png.0f3a12cd.part.png`.

    Raises
    ------
    OSError : the file cannot be written; its `filename` is `path`, or a directory on the way.
    """
    target = os.path.realpath(os.fsdecode(path))  # writes through a symbolic link, as open() does
    draft = _draft_of(target)
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(draft, "xb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        if os.path.exists(target):
            shutil.copymode(target, draft)
        os.replace(draft, target)
    except OSError as error:
        # On a full disk it names nothing, from numpy not even a number; and of the draft nobody has
        # heard.
        ours = error.filename in (None, draft) and (error.errno or type(error) is OSError)
        if not ours:
            raise
        number, reason = error.errno or errno.EIO, error.strerror or str(error)
        raise OSError(number, reason, os.fsdecode(path)) from error
    finally:
        with contextlib.suppress(OSError):
            os.remove(draft)


def _draft_of(target: str) -> str:
    directory, name = os.path.split(target)
    begin = os.fsencode(name)[:_RECOGNISED].decode(errors="ignore")
    # Savers tell the format from the extension.
    extension = os.path.splitext(name)[1][:20]
    return os.path.join(directory, f".{begin}.{secrets.token_hex(4)}.part{extension}")


@contextlib.contextmanager
def _into_storage(address: str) -> Iterator[io.BytesIO]:
    """Buffer whose content is put at an address when the block succeeds."""
    if address.lower().startswith(("http://", "https://")):
        raise InvalidValueError(f"{address!r} can be read, not written. Write to a local path.")
    if downloads.offline():
        raise InvalidValueError(f"{address!r} is remote, and LUCIDX_OFFLINE forbids the network.")
    buffer = io.BytesIO()
    yield buffer
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(address, "wb") as file:
            file.write(buffer.getvalue())
    except tf.errors.OpError as error:
        raise InvalidValueError(
            f"{address!r} cannot be written: {error.message}. Write to a local path and copy it."
        ) from error
