"""What objectives are made of: expressions, dot products, and views of T."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Hashable, Iterable
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidValueError
from lucidx.misc.graph_analysis.property_inference import infer_data_format

T = Callable[[str], Any]


class Expression(NamedTuple):
    """A function of T whose numbers are kept apart from its form.

    Two expressions with equal keys compute the same thing from different values, so one traced
    graph, with the values as inputs, serves both: all channels of a layer, for instance.

    Attributes
    ----------
    build : takes T and the values, returns a tensor.
    values : numbers and arrays.
    key : equal for expressions that differ in their values only; None for functions nothing is
        known of.
    """

    build: Callable[[T, tuple[Any, ...]], tf.Tensor]
    values: tuple[Any, ...] = ()
    key: Hashable | None = None

    def __call__(self, T: T) -> tf.Tensor:  # noqa: D102
        return self.build(T, self.values)


def as_expression(function: Callable[[T], tf.Tensor]) -> Expression:
    """An objective as an expression; one of which nothing is known if it is not made of one."""
    function = getattr(function, "objective_func", function)
    if isinstance(function, Expression):
        return function
    return Expression(lambda T, _: function(T))


def constant(number: Any) -> Expression:
    """Expression with a fixed value: a number, or a scalar tensor."""
    if tf.is_tensor(number):
        return Expression(lambda *_: number)
    return Expression(lambda _, values: values[0], (float(number),), "constant")


def combine(
    name: str, function: Callable[..., tf.Tensor], parts: Iterable[Expression]
) -> Expression:
    """Expression computing `function` of the results of others.

    Parameters
    ----------
    name : of the function, for the key.
    function : takes one tensor per part.
    parts : the others.
    """
    parts = list(parts)

    def build(T: T, values: tuple[Any, ...]) -> tf.Tensor:
        rest = iter(values)
        return function(*(p.build(T, tuple(islice(rest, len(p.values)))) for p in parts))

    keys = [part.key for part in parts]
    key = None if None in keys else (name, *keys)
    return Expression(build, sum((part.values for part in parts), ()), key)


def is_number(x: Any) -> bool:
    """Whether x is a number, a numpy scalar or a scalar tensor."""
    return isinstance(x, numbers.Number) or (
        (isinstance(x, np.ndarray | np.generic) or tf.is_tensor(x)) and len(x.shape) == 0
    )


def _make_arg_str(arg: Any) -> str:
    text = str(arg)
    return "..." if len(text) > 15 or "\n" in text else text


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


def dimension(x: Any, axis: int) -> int | None:
    """Static size of an axis of an array or tensor; None where unknown."""
    return tf.compat.dimension_value(x.shape[axis])


def static_index(index: int, size: int | None, of: str, what: str) -> int:
    """`index` counted from the front where the size is known; refused where it is out of range.

    Raises
    ------
    InvalidValueError : says how many there are.
    """
    if size is None:
        return index
    if not -size <= index < size:
        raise InvalidValueError(f"{of} has {size} {what} (0 to {size - 1}); asked for {index}.")
    return index % size


def is_static(index: Any) -> bool:
    """Whether an index is a plain integer, known before anything is computed."""
    return isinstance(index, int | np.integer)


def take_channel(acts: tf.Tensor, layer: str, channel: Any) -> tf.Tensor:
    """`acts[..., channel]`, refusing integers beyond the layer's depth.

    Raises
    ------
    InvalidValueError : says how many channels the layer has.
    """
    if is_static(channel):
        channel = static_index(channel, dimension(acts, -1), f"Layer {layer!r}", "channels")
    return acts[..., channel]


def _dot(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Sum of products over the last axis."""
    return tf.reduce_sum(x * y, -1)


def _dot_cossim(x: tf.Tensor, y: tf.Tensor, cossim_pow: float = 0) -> tf.Tensor:
    """Mean over all positions of `x·y * max(0.1, cos(x, y)) ** cossim_pow`, over the last axis.

    The power favours directions over magnitudes, as proposed for Lucid by its authors (issue 116).
    """
    dot = _dot(x, y)
    if cossim_pow == 0:
        return tf.reduce_mean(dot)
    cosine = dot / (1e-4 + _norm(x)) / (1e-4 + _norm(y))
    return tf.reduce_mean(dot * tf.maximum(0.1, cosine) ** cossim_pow)


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
    """
    begin = []
    for axis, position in ((1, x), (2, y)):
        known = dimension(acts, axis)
        size = tf.shape(acts)[axis] if known is None else known
        if position is None:
            position = size // 2
        elif is_static(position):
            what = "rows" if axis == 1 else "columns"
            position = static_index(position, known, "The layer", what)
        if is_static(position) and position >= 0:
            begin.append(position)
        else:
            begin.append(tf.where(position < 0, position + size, position))
    return tf.slice(acts, [0, *begin, 0], [-1, 1, 1, -1])
