"""What lucidx raises.

Every error says what was asked, what there is, and what to do. Each is also the builtin exception
that code written for Lucid would have caught.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class LucidxError(Exception):
    """Base of all errors raised on purpose by lucidx."""

    # AutoGraph passes errors on as they are only if they are made like this.
    __init__ = Exception.__init__

    def __str__(self) -> str:
        # KeyError would show the repr of its message.
        return Exception.__str__(self)


class InvalidValueError(LucidxError, ValueError):
    """An argument has the right type and an impossible value."""


class UnknownFormatError(InvalidValueError, RuntimeError):
    """A file name does not tell a format that can be read or written."""


class InvalidTypeError(LucidxError, TypeError):
    """An argument is of a kind that cannot work here."""


class UnknownModelError(LucidxError, ValueError):
    """No model of that name is in the catalogue."""


class UnknownLayerError(LucidxError, KeyError):
    """The model has no layer or node of that name."""


class WeightsNotFoundError(LucidxError, FileNotFoundError):
    """The model is known, its weights are not on this machine."""


class CorruptFileError(LucidxError, ValueError):
    """A file is truncated, damaged, or not of the kind it claims to be."""


class ChangedFileError(CorruptFileError):
    """A file is not the one that was expected: its sha256 differs."""


class DownloadError(LucidxError, ConnectionError):
    """A file could not be fetched.

    Attributes
    ----------
    reason : why, without what the message says of ways around it.
    """

    def __init__(self, message: str, reason: str = ""):
        super().__init__(message)
        self.reason = reason or message


class UnsafeFileError(LucidxError, ValueError):
    """A file asks for more than pure computation on numbers."""


class MissingExtraError(LucidxError, ImportError):
    """An optional dependency is needed."""

    def __init__(self, package: str, extra: str, purpose: str):
        super().__init__(f"{purpose} needs {package}: pip install 'lucidx[{extra}]'")


class MissingFromTensorFlow1Error(LucidxError, AttributeError):
    """A name of TensorFlow 1 that TensorFlow 2 does not have and lucidx does not replace."""


class ColabOnlyError(LucidxError, NotImplementedError):
    """Something that only Google Colab can do."""


class NonFiniteLossError(LucidxError, FloatingPointError):
    """The objective became NaN or infinite.

    Attributes
    ----------
    step : the step, counted from 0, whose objective is not finite.
    image : the last image `[N, H, W, C]` whose objective was finite.
    """

    def __init__(self, message: str, step: int, image: np.ndarray):
        super().__init__(message)
        self.step = step
        self.image = image


class DiagnosisWarning(UserWarning):
    """Something that usually makes a grey or meaningless picture; see `lucidx.diagnose`."""


class CacheWarning(UserWarning):
    """What took long to make cannot be kept, and will be made anew each time."""


def did_you_mean(name: str, known: Iterable[str], shown: int = 5) -> str:
    """Sentence naming what in `known` is closest to `name`, or the first few if nothing is."""
    known = list(dict.fromkeys(known))
    if not known:
        return "There are none."
    by_lower = {k.lower(): k for k in reversed(known)}
    close = [by_lower[m] for m in difflib.get_close_matches(name.lower(), by_lower, shown, 0.6)]
    close += [k for k in known if name and name.lower() in k.lower() and k not in close]
    if close:
        return f"Did you mean {' or '.join(repr(c) for c in close[:shown])}?"
    more = f", ... ({len(known)} in all)" if len(known) > shown else ""
    return f"There are {', '.join(repr(k) for k in known[:shown])}{more}."
