"""Bilinear resizing over any number of axes, and the arithmetic of shapes behind it."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence

import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError


def static_shape(shape: Iterable[int], rank: int | None = None) -> tuple[int, ...]:
    """`shape` as a tuple of positive integers.

    Parameters
    ----------
    shape : list, tuple, array or fully defined `tf.TensorShape`.
    rank : number of entries wanted; any by default.

    Raises
    ------
    InvalidTypeError : if it is not a sequence of integers.
    InvalidValueError : if an entry is not positive, or their number is not `rank`.
    """
    try:
        sizes = tuple(operator.index(size) for size in shape)
    except TypeError as e:
        raise InvalidTypeError(
            f"Sizes and counts are integers known before running; got {shape!r}."
        ) from e
    if any(size < 1 for size in sizes):
        raise InvalidValueError(f"Sizes and counts must be at least 1; got {list(sizes)}.")
    if rank is not None and len(sizes) != rank:
        raise InvalidValueError(f"A shape of {rank} entries is needed; got {list(sizes)}.")
    return sizes


def product(l: Iterable[int]) -> int:  # noqa: E741
    """Product of the numbers in `l`; 1 if there are none."""
    return functools.reduce(operator.mul, l, 1)


def collapse_shape(shape: Sequence[int], a: int, b: int) -> list[int]:
    """Shape with the axes before `a` made one axis, and those from `b` on made another.

    Where the window `a:b` reaches beyond the axes there are, axes of length 1 stand in.

    Parameters
    ----------
    shape : sizes.
    a, b : the axes `a:b` stay as they are; `a` may be negative and `b` beyond the last axis.

    Returns
    -------
    `2 + b - a` sizes.
    """
    shape = list(shape)
    before, after = max(0, -a), max(0, b - len(shape))
    kept = shape[max(0, a) : b]
    return [product(shape[: max(0, a)]), *[1] * before, *kept, *[1] * after, product(shape[b:])]


def resize_bilinear_nd(t: tf.Tensor, target_shape: Sequence[int]) -> tf.Tensor:
    """Resize every axis by linear interpolation.

    Index i of an axis going from n to m entries reads position i * n / m, as TensorFlow 1's
    `resize_bilinear` does, not the pixel centre (i + 1/2) * n / m - 1/2 of `tf.image.resize`.
    Shrinking does not smooth first.

    Parameters
    ----------
    t : float tensor of known shape and any rank.
    target_shape : as many sizes as `t` has axes.

    Returns
    -------
    float32 tensor of shape `target_shape`.

    Raises
    ------
    InvalidValueError : if the shape of `t` is not known or has another rank than the target.
    """
    t = tf.convert_to_tensor(t, dtype_hint=tf.float32)
    if not t.shape.is_fully_defined():
        raise InvalidValueError(
            f"resize_bilinear_nd needs a tensor whose shape is known; got {t.shape}."
            " Set the missing sizes with set_shape or tf.ensure_shape."
        )
    target = static_shape(target_shape, rank=t.shape.rank)
    shape = list(t.shape)
    axis = 0
    while axis < len(shape):
        if shape[axis] == target[axis]:
            axis += 1
            continue
        resized_axes = slice(axis, axis + 2)
        source = tf.reshape(t, collapse_shape(shape, axis, axis + 2))
        shape[resized_axes] = target[resized_axes]
        _, rows, columns, _ = collapse_shape(shape, axis, axis + 2)
        t = tf.reshape(tf.raw_ops.ResizeBilinear(images=source, size=[rows, columns]), shape)
        axis += 2
    return t
