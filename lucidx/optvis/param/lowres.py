"""Variables at a lower resolution than the tensor they parameterize."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis import randomness
from lucidx.optvis.param.resize_bilinear_nd import resize_bilinear_nd, static_shape

DEFAULT_SD = 0.01


def noise_variable(
    shape: Sequence[int], sd: float | None = None, batch_axis: int = 0
) -> tf.Variable:
    """Trainable float32 variable that starts as normal noise.

    Parameters
    ----------
    shape : of the variable.
    sd : standard deviation; None and, as in Lucid, 0 mean 0.01.
    batch_axis : axis of `shape` that counts batch entries, see `randomness.initial_noise`.

    Raises
    ------
    InvalidTypeError, InvalidValueError : if a size is not a positive integer, or `sd` not a
        finite number that is at least 0.
    """
    shape = static_shape(shape)
    if sd is not None:
        if not isinstance(sd, Real):
            raise InvalidTypeError(f"sd is a number (a standard deviation) or None; got {sd!r}.")
        if not 0 <= sd < np.inf:
            raise InvalidValueError(f"sd must be finite and at least 0; got {sd}.")
    return tf.Variable(
        lambda: randomness.initial_noise(shape, sd or DEFAULT_SD, batch_axis),
        shape=shape,
        dtype=tf.float32,
    )


def lowres_tensor(
    shape: Sequence[int],
    underlying_shape: Sequence[int],
    offset: bool | int | Sequence[bool | int] | None = None,
    sd: float | None = None,
) -> tf.Tensor:
    """Tensor interpolated from a smaller variable.

    Where an axis counts images, a smaller variable makes them share what is interpolated: this is
    how aligned interpolations between features are made ("Differentiable Image
    Parameterizations", Mordvintsev et al., Distill 2018).

    Parameters
    ----------
    shape : of the result.
    underlying_shape : of the variable; as many axes as `shape`.
    offset : moves the content of each axis towards higher indices and fills the start by
        reflection, so that the grids of several such tensors do not coincide. One entry for all
        axes or one per axis: a number of positions; True for half a cell of the variable's grid;
        False for none.
    sd : standard deviation of the initial noise; 0.01 by default.

    Returns
    -------
    float32 tensor of shape `shape`.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for shapes of different rank, sizes that are not positive,
        or an offset that is negative or larger than its axis.
    """
    shape = static_shape(shape)
    underlying_shape = static_shape(underlying_shape, rank=len(shape))
    offsets = _offsets(offset, shape, underlying_shape)
    t = resize_bilinear_nd(noise_variable(underlying_shape, sd), shape)
    if not any(offsets):
        return t
    return tf.pad(t, [[n, 0] for n in offsets], "SYMMETRIC")[tuple(map(slice, shape))]


def _offsets(
    offset: bool | int | Sequence[bool | int] | None,
    shape: tuple[int, ...],
    underlying_shape: tuple[int, ...],
) -> list[int]:
    """Positions to move each axis by."""
    per_axis = [offset or False] * len(shape) if np.ndim(offset) == 0 else list(offset)
    if len(per_axis) != len(shape):
        raise InvalidValueError(
            f"offset has {len(per_axis)} entries for {len(shape)} axes; give one per axis,"
            " or a single one for all."
        )
    offsets = []
    for entry, size, underlying in zip(per_axis, shape, underlying_shape, strict=True):
        if not isinstance(entry, (np.bool_, Real)):
            raise InvalidTypeError(f"An offset is a bool or a number; got {entry!r}.")
        half_cell = isinstance(entry, (bool, np.bool_)) and entry
        n = int(size / underlying / 2) if half_cell else int(entry)
        if not 0 <= n <= size:
            raise InvalidValueError(
                f"offset {n} does not fit an axis of size {size}; use 0 to {size}."
            )
        offsets.append(n)
    return offsets
