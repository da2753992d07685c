"""What an objective is: a function of T with a name, and the algebra of such functions."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lucidx.errors import InvalidTypeError
from lucidx.optvis.expressions import (
    Expression,
    T,
    as_expression,
    combine,
    constant,
    is_number,
    numeric,
    total,
)
from lucidx.optvis.objectives_util import (
    _make_arg_str,
    _T_float32,
    _T_force_NHWC,
    _T_handle_batch,
    batch_index,
    is_static,
)


class Objective:
    """A function of T to be maximised, with a name and a description.

    Supports `+ - * / **` with numbers and other objectives, and `sum`.

    Attributes
    ----------
    objective_func : function of T that returns a scalar tensor.
    name, description : for people.
    """

    def __init__(self, objective_func: Callable[[T], Any], name: str = "", description: str = ""):
        self.objective_func = objective_func
        self.name = name
        self.description = description

    def __call__(self, T: T) -> Any:  # noqa: D102
        return self.objective_func(T)

    def __repr__(self) -> str:
        return f"<Objective: {self.description or self.name or 'unnamed'}>"

    def _with(self, function: Callable[..., Any], *operands: Any) -> Objective:
        """A function of operands, this objective among them, under this objective's name."""
        parts = [constant(o) if is_number(o) else as_expression(o) for o in operands]
        return Objective(combine(function.__name__, function, parts), self.name, self.description)

    def __add__(self, other: Any) -> Objective:
        if isinstance(other, Objective):
            return Objective.sum([self, other])
        return self._with(operator.add, self, other) if is_number(other) else NotImplemented

    def __radd__(self, other: Any) -> Objective:
        return self + other

    def __neg__(self) -> Objective:
        return -1 * self

    def __sub__(self, other: Any) -> Objective:
        if isinstance(other, Objective):
            return self + -other
        return self._with(operator.sub, self, other) if is_number(other) else NotImplemented

    def __rsub__(self, other: Any) -> Objective:
        return self._with(operator.sub, other, self) if is_number(other) else NotImplemented

    def __mul__(self, other: Any) -> Objective:
        return self._with(operator.mul, self, other) if _is_operand(other) else NotImplemented

    def __rmul__(self, other: Any) -> Objective:
        return self * other

    def __truediv__(self, other: Any) -> Objective:
        return self._with(operator.truediv, self, other) if _is_operand(other) else NotImplemented

    def __rtruediv__(self, other: Any) -> Objective:
        return self._with(operator.truediv, other, self) if is_number(other) else NotImplemented

    def __pow__(self, other: Any) -> Objective:
        return self._with(operator.pow, self, other) if is_number(other) else NotImplemented

    # numpy would otherwise try to make an array of `np.float32(2) * objective`.
    __array_ufunc__ = None

    @staticmethod
    def sum(objs: Iterable[Any]) -> Objective:
        """Sum of objectives, or other functions of T, described by all of them; 0 if none."""
        objs = list(objs)
        for other in objs:
            if not callable(other):
                raise InvalidTypeError(f"{other!r} is not an objective, so it cannot be summed.")
        descriptions = " +\n".join(getattr(o, "description", "") for o in objs)
        return Objective(
            total(map(as_expression, objs)),
            ", ".join(getattr(o, "name", "") for o in objs),
            f"Sum({descriptions})",
        )


def _is_operand(x: Any) -> bool:
    return isinstance(x, Objective) or is_number(x)


def wrap_objective(
    require_format: str | Callable[..., Any] | None = None,
    handle_batch: bool = False,
    *,
    traced: Sequence[str] | None = None,
) -> Callable[..., Any]:
    """Decorator that makes a function returning a function of T into one returning an `Objective`.

    Works with and without parentheses:

        @wrap_objective()
        def brightness(layer):
            return lambda T: tf.reduce_mean(T(layer))

    T gives the function activations in float32, and also takes recorded ones: numpy arrays.

    Parameters
    ----------
    require_format : `"NHWC"`: let T give activations as `[N, H, W, C]`, whatever the layer's
        layout.
    handle_batch : give the function a keyword `batch`, which restricts T to one image of the batch.
    traced : say this of a function that depends on nothing but its arguments, so that rendering may
        use one traced graph for equal arguments. The arguments named here may even differ: the
        function must then also work with tensors in place of their numbers and arrays.

    Returns
    -------
    Decorator, or the decorated function.
    """
    if callable(require_format):
        return wrap_objective()(require_format)

    def decorator(function: Callable[..., Callable[[T], Any]]) -> Callable[..., Objective]:
        signature = inspect.signature(function)
        adds_batch = handle_batch and "batch" not in signature.parameters

        @functools.wraps(function)
        def make(*args: Any, **kwargs: Any) -> Objective:
            batch = batch_index(kwargs.pop("batch", None)) if adds_batch else None
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            arguments = bound.arguments
            hoisted = _hoist(arguments, traced or ())
            # Now, so that mistakes show where they are made, and once, because the function may
            # draw random numbers.
            own = function(*bound.args, **bound.kwargs)

            def build(T: T, values: tuple[Any, ...]) -> Any:
                inner = own
                if values:
                    changed = dict(zip(hoisted, values, strict=True))
                    called = inspect.BoundArguments(signature, {**arguments, **changed})
                    inner = function(*called.args, **called.kwargs)
                T = _T_handle_batch(_T_float32(T), batch)
                return inner(_T_force_NHWC(T) if require_format == "NHWC" else T)

            key = None
            if traced is not None:
                fixed = {k: v for k, v in arguments.items() if k not in hoisted}
                key = _key(function, batch, *fixed.items(), *(_spec(v) for v in hoisted.values()))
            name = function.__name__
            shown = ", ".join(_make_arg_str(a) for a in (*bound.args, *bound.kwargs.values()))
            return Objective(
                Expression(build, tuple(hoisted.values()), key), name, f"{name.title()} [{shown}]"
            )

        if adds_batch:
            extra = inspect.Parameter("batch", inspect.Parameter.KEYWORD_ONLY, default=None)
            parameters = sorted([*signature.parameters.values(), extra], key=lambda p: p.kind)
            make.__signature__ = signature.replace(parameters=parameters)
        return make

    return decorator


def _hoist(arguments: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Those of the named arguments that are numbers or arrays of numbers."""
    numbers = {name: numeric(arguments[name]) for name in names}
    return {name: number for name, number in numbers.items() if number is not None}


def _spec(value: Any) -> tuple[str, tuple[int, ...]]:
    return ("int" if is_static(value) else "float", np.shape(value))


def _key(*parts: Any) -> Hashable | None:
    try:
        hash(parts)
    except TypeError:
        return None
    return parts


def handle_batch(batch: int | None = None) -> Callable[[Callable[[T], Any]], Callable[[T], Any]]:
    """Decorator restricting a function of T to one image of the batch, if `batch` is given.

    Raises
    ------
    InvalidTypeError : `batch` is not a whole number.
    """
    index = batch_index(batch)
    return lambda function: lambda T: function(_T_handle_batch(T, index))
