"""Nested and multi-dimensional iteration."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lucidx.errors import InvalidValueError


def recursive_enumerate_nd(
    it: Iterable[Any],
    stop_iter: Callable[[Any], bool] | None = None,
    prefix: tuple[int, ...] = (),
) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Enumerate what nested iterables hold, depth first.

    Parameters
    ----------
    it : iterable of items and of further iterables, to any depth.
    stop_iter : says of an iterable that it is to be an item itself. Text and bytes always are.
    prefix : what all indices begin with.

    Yields
    ------
    Index, one number for each level, and item.
    """
    for i, item in enumerate(it):
        index = (*prefix, i)
        if _is_leaf(item) or (stop_iter is not None and stop_iter(item)):
            yield index, item
        else:
            yield from recursive_enumerate_nd(item, stop_iter, index)


def _is_leaf(item: Any) -> bool:
    if isinstance(item, str | bytes | np.generic):
        return True
    # An array without axes has the method, and cannot be iterated over.
    return not isinstance(item, Iterable) or getattr(item, "ndim", 1) == 0


def dict_to_ndarray(d: Mapping[tuple[int, ...], ArrayLike]) -> np.ndarray:
    """Array of values given by their indices.

    Parameters
    ----------
    d : values by index; all indices are of the same length, all values of the same shape.

    Returns
    -------
    Array just large enough, `[*greatest indices + 1, *shape of a value]`; zero where nothing was
    given. Of the first value's dtype if that is an array, else float32.

    Raises
    ------
    InvalidValueError : there is nothing in `d`, or indices or values differ in shape.
    """
    if not d:
        raise InvalidValueError("There is no value to make an array of: the mapping is empty.")
    lengths = sorted({len(index) for index in d})
    if len(lengths) > 1:
        raise InvalidValueError(f"All indices have to be of one length; these are of {lengths}.")
    first = next(iter(d.values()))
    shapes = {np.shape(value) for value in d.values()}
    if len(shapes) > 1:
        raise InvalidValueError(f"All values have to be of one shape; these are of {shapes}.")
    if any(i < 0 for index in d for i in index):
        raise InvalidValueError("Indices count from 0; there is a negative one.")
    shape = [greatest + 1 for greatest in np.max(list(d), axis=0)]
    dtype = first.dtype if isinstance(first, np.ndarray) else np.float32
    array = np.zeros([*shape, *np.shape(first)], dtype)
    for index, value in d.items():
        array[index] = value
    return array


def batch_iter(it: Iterable[Any], batch_size: int = 64) -> Iterator[list[Any]]:
    """Yield what an iterable gives in lists of `batch_size`; the last may be shorter.

    Raises
    ------
    InvalidValueError : `batch_size` is less than 1.
    """
    if batch_size < 1:
        raise InvalidValueError(f"A batch has at least one item; batch_size is {batch_size}.")
    it = iter(it)
    while batch := list(itertools.islice(it, batch_size)):
        yield batch
