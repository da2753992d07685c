"""Functions of T whose numbers are kept apart from their form, so that a trace can be shared."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Hashable, Iterable
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

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
    terms : what it is the sum of, if it is one.
    """

    build: Callable[[T, tuple[Any, ...]], tf.Tensor]
    values: tuple[Any, ...] = ()
    key: Hashable | None = None
    terms: tuple[Expression, ...] = ()

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
        return Expression(lambda *_: tf.cast(number, tf.float32))
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


def total(parts: Iterable[Expression]) -> Expression:
    """Sum of expressions. Sums of sums are flat: `sum` over a thousand objectives is not deep."""
    terms = tuple(term for part in parts for term in (part.terms or (part,)))
    return combine("sum", lambda *tensors: sum(tensors), terms)._replace(terms=terms)


def is_number(x: Any) -> bool:
    """Whether x is a real number, a numpy scalar or a scalar tensor."""
    if tf.is_tensor(x):
        return x.shape.rank == 0 and (x.dtype.is_floating or x.dtype.is_integer)
    if isinstance(x, np.ndarray | np.generic):
        return x.ndim == 0 and x.dtype.kind in "biuf"
    return isinstance(x, numbers.Real)


def numeric(value: Any) -> Any:
    """`value` as a number, or as a float32 array of its own; None if it is neither.

    Whole numbers that do not fit in int32, TensorFlow's type for indices, do not count.
    """
    if value is None or isinstance(value, str | bool) or tf.is_tensor(value):
        return None
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    if array.ndim and array.dtype.kind in "biuf":
        return array.astype(np.float32)
    if array.ndim or array.dtype.kind not in "iuf":
        return None
    number = array.item()
    return None if isinstance(number, int) and abs(number) >= 2**31 else number
