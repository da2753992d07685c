"""What objectives are made of: views of T, positions and channels, dot products."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.graph_analysis.property_inference import infer_data_format
from lucidx.optvis.expressions import T, numeric


def _make_arg_str(arg: Any) -> str:
    text = str(arg)
    return "..." if len(text) > 15 or "\n" in text else text


def _T_float32(T: T) -> T:
    """T whose activations are float32 tensors, even if they are arrays or less precise."""

    def T_float32(name: str) -> Any:
        t = T(name)
        if isinstance(t, np.ndarray) and t.dtype.kind in "biuf":
            return tf.constant(t, tf.float32)
        return tf.cast(t, tf.float32) if tf.is_tensor(t) and t.dtype.is_floating else t

    return T_float32


def _T_force_NHWC(T: T) -> T:
    """T whose activations are [N, H, W, C]: dense layers get H = W = 1, NCHW is transposed."""

    def T_nhwc(name: str) -> Any:
        t = T(name)
        rank = t.shape.rank if tf.is_tensor(t) else None
        if rank == 2:
            return t[:, tf.newaxis, tf.newaxis, :]
        if rank == 4 and infer_data_format(t) == "NCHW":
            return tf.transpose(t, [0, 2, 3, 1])
        return t

    return T_nhwc


def _T_handle_batch(T: T, batch: int | None = None) -> T:
    """T restricted to one image of the batch, if `batch` is given; the batch axis stays."""
    if batch is None:
        return T

    def T_batch(name: str) -> Any:
        t = T(name)
        if not tf.is_tensor(t):
            return t
        n = static_index(batch, dimension(t, 0), f"The batch of {name!r}", "images")
        return t[n:] if n == -1 else t[n : n + 1]

    return T_batch


def batch_index(batch: Any) -> int | None:
    """Index of an image in the batch, or None for all.

    Raises
    ------
    InvalidTypeError : not a whole number.
    """
    if batch is None:
        return None
    try:
        return operator.index(batch)
    except TypeError:
        raise InvalidTypeError(
            f"batch is the index of one image, a whole number, or None for all; not {batch!r}."
        ) from None


def vector(vec: Any, ranks: tuple[int, ...] = (1,), form: str = "[C]") -> Any:
    """A direction as float32; tensors stay tensors.

    Parameters
    ----------
    vec : array, sequence or tensor.
    ranks : how many axes it may have.
    form : these axes, for people.

    Raises
    ------
    InvalidTypeError : not numbers.
    InvalidValueError : of another rank.
    """
    if not tf.is_tensor(vec):
        array = numeric(vec)
        if array is None:
            raise InvalidTypeError(
                f"A direction is an array of numbers {form}, not {_make_arg_str(vec)} "
                f"({type(vec).__name__})."
            )
        vec = np.asarray(array, np.float32)
    rank = tf.TensorShape(vec.shape).rank
    if rank is not None and rank not in ranks:
        raise InvalidValueError(f"A direction is {form} here; this one has shape {vec.shape}.")
    return tf.cast(vec, tf.float32) if tf.is_tensor(vec) else vec


def matched(acts: tf.Tensor, vec: Any, layer: str) -> tf.Tensor:
    """`acts`, if it has as many channels as the direction.

    Raises
    ------
    InvalidValueError : says how many both have.
    """
    depth, length = dimension(acts, -1), dimension(vec, -1)
    if None not in (depth, length) and depth != length:
        raise InvalidValueError(
            f"Layer {layer!r} has {depth} channels; the direction has {length} entries."
        )
    return acts


def spatial(acts: tf.Tensor) -> tf.Tensor:
    """`acts`, if it has positions: `[N, H, W, C]`.

    Raises
    ------
    InvalidValueError : of another rank.
    """
    if acts.shape.rank not in (4, None):
        raise InvalidValueError(
            f"Positions are those of activations [N, H, W, C]; these have shape {acts.shape}."
        )
    return acts


def dimension(x: Any, axis: int) -> int | None:
    """Static size of an axis of an array or tensor; None where unknown."""
    return tf.compat.dimension_value(x.shape[axis])


def static_index(index: int, size: int | None, of: str, what: str) -> int:
    """`index` counted from the front where the size is known; refused where it is out of range.

    Raises
    ------
    InvalidValueError : says how many there are.
    InvalidTypeError : not a whole number.
    """
    try:
        index = operator.index(index)
    except TypeError:
        raise InvalidTypeError(f"{of} is indexed by whole numbers, not {index!r}.") from None
    if size is None:
        return index
    if not -size <= index < size:
        raise InvalidValueError(f"{of} has {size} {what} (0 to {size - 1}); asked for {index}.")
    return index % size


def is_static(index: Any) -> bool:
    """Whether an index is a plain integer, known before anything is computed."""
    return isinstance(index, int | np.integer)


def _is_index(x: Any) -> bool:
    return is_static(x) or (tf.is_tensor(x) and x.dtype.is_integer)


def take_channel(acts: tf.Tensor, layer: str, channel: Any) -> tf.Tensor:
    """`acts[..., channel]`, refusing what is beyond the layer's depth.

    Raises
    ------
    InvalidValueError : says how many channels the layer has.
    InvalidTypeError : neither an index nor a slice.
    """
    depth = dimension(acts, -1)
    if is_static(channel):
        channel = static_index(channel, depth, f"Layer {layer!r}", "channels")
    elif isinstance(channel, slice):
        if depth is not None and not range(depth)[channel]:
            raise InvalidValueError(
                f"Layer {layer!r} has {depth} channels (0 to {depth - 1}); none is in {channel}."
            )
    elif not _is_index(channel):
        raise InvalidTypeError(
            f"A channel of {layer!r} is a whole number or a slice, not {_make_arg_str(channel)} "
            f"({type(channel).__name__}). Objectives of several channels add: channel(...) + "
            "channel(...)."
        )
    return acts[..., channel]


def _dot(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Sum of products over the last axis."""
    return tf.reduce_sum(x * y, -1)


def dot_cossim(x: tf.Tensor, y: tf.Tensor, cossim_pow: float = 0) -> tf.Tensor:
    """Mean over all positions of `x·y * max(0.1, cos(x, y)) ** cossim_pow`, over the last axis.

    The power favours directions over magnitudes, as proposed for Lucid by its authors (issue 116).
    """
    dot = _dot(x, y)
    if cossim_pow == 0:
        return tf.reduce_mean(dot)
    cosine = dot / (1e-4 + _norm(x)) / (1e-4 + _norm(y))
    return tf.reduce_mean(dot * tf.maximum(0.1, cosine) ** cossim_pow)


_dot_cossim = dot_cossim  # Lucid's name


def _norm(x: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(tf.reduce_sum(x**2, -1))


def _extract_act_pos(acts: tf.Tensor, x: Any = None, y: Any = None) -> tf.Tensor:
    """Activations `[N, 1, 1, C]` at one position; by default the centre, rounded up.

    Parameters
    ----------
    acts : `[N, H, W, C]`.
    x : row, as in Lucid (not column); negative counts from the end.
    y : column.

    Raises
    ------
    InvalidValueError : outside, where the size is known; otherwise TensorFlow says so when it runs.
    InvalidTypeError : x or y is not a whole number.
    """
    acts = spatial(acts)
    row, column = _position(acts, 1, x, "rows"), _position(acts, 2, y, "columns")
    return tf.slice(acts, [0, row, column, 0], [-1, 1, 1, -1])


def _position(acts: tf.Tensor, axis: int, position: Any, what: str) -> Any:
    """Index into one axis, counted from the front."""
    known = dimension(acts, axis)
    size = tf.shape(acts)[axis] if known is None else known
    if position is None:
        return size // 2
    if is_static(position):
        position = static_index(position, known, "The layer", what)
        return position if position >= 0 else position + size
    if not _is_index(position):
        raise InvalidTypeError(
            f"x is a row and y a column: whole numbers, or None for the centre; not {position!r}."
        )
    position = tf.cast(position, tf.int32)
    return tf.where(position < 0, position + size, position)
