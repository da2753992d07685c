"""What the commands share: checks of where to write, and what reaches the terminal."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import lucidx
from lucidx.cli.options import PICTURES
from lucidx.errors import CacheWarning, DiagnosisWarning, InvalidValueError

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model

INTERRUPTED = 130  # what shells expect of a program that Ctrl-C ended
_OURS = (DiagnosisWarning, CacheWarning)

_LARGEST_SIDES = {".gif": 65535, ".webp": 16383, ".jpg": 65500, ".jpeg": 65500}  # in pixels


class Size(click.ParamType):
    """Width and height in pixels: `128`, or `192x128`.

    Parameters
    ----------
    smallest, largest : that either may be.
    """

    name = "SIZE"

    def __init__(self, smallest: int, largest: int):
        self.smallest, self.largest = smallest, largest

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """Width and height."""
        sides = re.fullmatch(r"(\d+)(?:x(\d+))?", value)
        if not sides:
            self.fail(f"{value!r} is not a size such as 128, or 192x128 (width by height).")
        width = int(sides[1])
        height = int(sides[2] or width)
        if not self.smallest <= min(width, height) <= max(width, height) <= self.largest:
            self.fail(f"{value} is not in the range {self.smallest} to {self.largest} pixels.")
        return width, height


def check_output(path: str, extensions: Sequence[str], inputs: Sequence[str] = ()) -> None:
    """Find out, before the work, whether a file can be written.

    Raises
    ------
    InvalidValueError : unknown extension, the place cannot be written to, or it is one of `inputs`,
        or a picture in one that is a directory.
    """
    target = Path(path)
    if target.is_file() and any(_is_or_holds(Path(given), target) for given in inputs):
        raise InvalidValueError(
            f"{path!r} is what was given, or a picture in it. -o names another place."
        )
    if target.suffix.lower() not in extensions:
        raise InvalidValueError(f"{path!r} does not end in one of {', '.join(extensions)}.")
    directory = target.parent
    while not directory.exists():
        directory = directory.parent
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a directory")
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        # Without the name of the temporary file.
        raise InvalidValueError(f"{path!r} cannot be written to: {error.strerror}.") from error


def _is_or_holds(given: Path, file: Path) -> bool:
    if given.is_dir():
        held = (path for path in given.rglob("*") if path.suffix.lower() in PICTURES)
        return any(path.exists() and path.samefile(file) for path in held)
    return given.exists() and given.samefile(file)


def check_side(path: str, side: int) -> None:
    """Refuse, before the work, a picture that is higher or wider than its format can hold.

    Raises
    ------
    InvalidValueError
    """
    kind = Path(path).suffix.lower()
    most = _LARGEST_SIDES.get(kind, side)
    if side > most:
        raise InvalidValueError(
            f"{path!r} would have {side} pixels in height or width; {kind} holds {most}. Make a "
            ".png, or a smaller picture."
        )


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """Say which file it is, where the block fails to write it."""
    try:
        yield
    except OSError as error:
        raise click.ClickException(
            f"{path!r} cannot be written: {error.strerror or error}. -o names another place."
        ) from error


@contextlib.contextmanager
def interruptible(says: str) -> Iterator[None]:
    """End with a line, and the exit code that shells expect, where Ctrl-C stops the block."""
    try:
        yield
    except KeyboardInterrupt:
        stopped = click.ClickException(says)
        stopped.exit_code = INTERRUPTED
        raise stopped from None


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep native libraries' messages from the terminal, unless the block fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except Exception:
            log.seek(0)
            os.write(terminal, log.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def start_tensorflow() -> None:
    """Import TensorFlow and let it find the devices, without its messages."""
    with quietly():
        import tensorflow as tf

        tf.constant(0)


def load_model(name: str) -> Model:
    """A model by its name or file, with TensorFlow started without its messages."""
    if "." in name:  # a file, which TensorFlow reads
        start_tensorflow()
    model = lucidx.load(name)
    start_tensorflow()
    return model


@contextlib.contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Show lucidx's own warnings as one line each, and the same only once."""
    with warnings.catch_warnings():
        for category in _OURS:
            warnings.simplefilter("always", category)
        ordinary, said = warnings.showwarning, set()

        def show(message: Warning | str, category: type[Warning], *where: Any) -> None:
            if not issubclass(category, _OURS):
                ordinary(message, category, *where)
            elif str(message) not in said:
                said.add(str(message))
                click.echo(f"Warning: {message}", err=True)

        warnings.showwarning = show
        yield
