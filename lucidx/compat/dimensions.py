"""`shape[i].value`: sizes as TensorFlow 1 gave them, for those who ask for them so."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from lucidx.compat import callers

tf1 = tf.compat.v1


class KnownDimension(int):
    """Size of an axis: a number that has itself as `value`, as TensorFlow 1's `Dimension` has.

    Sums, products and whole quotients with other whole numbers are such sizes, too.
    """

    @property
    def value(self) -> int:
        """The size as a plain number."""
        return int(self)


def _computed(name: str) -> Callable[[KnownDimension, Any], Any]:
    of_numbers = getattr(int, name)

    def compute(self: KnownDimension, other: Any) -> Any:
        result = of_numbers(self, other)
        return KnownDimension(result) if type(result) is int else result

    return compute


for _name in ("add", "sub", "mul", "floordiv", "mod"):
    for _form in (f"__{_name}__", f"__r{_name}__"):
        setattr(KnownDimension, _form, _computed(_form))


@contextlib.contextmanager
def with_values() -> Iterator[None]:
    """Let entries of a `TensorShape` have `value` where the user's code reads them.

    TensorFlow's own switch for this changes what every library sees. This looks at who asks.
    """
    shape = tf.TensorShape
    getitem, iterate = shape.__getitem__, shape.__iter__

    def get(self: tf.TensorShape, key: Any) -> Any:
        entry = getitem(self, key)
        if isinstance(key, slice) or not callers.is_user(sys._getframe(1).f_globals):
            return entry
        return _dimension(entry)

    def each(self: tf.TensorShape) -> Iterator[Any]:
        entries = iterate(self)
        return map(_dimension, entries) if callers.is_user(sys._getframe(1).f_globals) else entries

    shape.__getitem__, shape.__iter__ = get, each
    try:
        yield
    finally:
        shape.__getitem__, shape.__iter__ = getitem, iterate


def _dimension(size: int | None) -> KnownDimension | tf1.Dimension:
    return tf1.Dimension(None) if size is None else KnownDimension(size)
