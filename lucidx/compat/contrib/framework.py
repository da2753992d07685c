"""Default arguments for layers, by block: TensorFlow 1's `tf.contrib.framework`."""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from lucidx.errors import InvalidTypeError

tf1 = tf.compat.v1

Scope = Mapping[Callable[..., Any], Mapping[str, Any]]

_scope: contextvars.ContextVar[Scope] = contextvars.ContextVar("arg_scope", default={})  # noqa: B039


def add_arg_scope(func: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for functions whose default arguments `arg_scope` can set."""

    @functools.wraps(func)
    def with_defaults(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **{**_scope.get().get(with_defaults, {}), **kwargs})

    with_defaults.takes_arg_scope = True
    return with_defaults


@contextlib.contextmanager
def arg_scope(
    list_ops_or_scope: Sequence[Callable[..., Any]] | Scope, **kwargs: Any
) -> Iterator[Scope]:
    """Set default arguments of functions inside the block.

    Parameters
    ----------
    list_ops_or_scope : functions made with `add_arg_scope`; or what another `arg_scope` gave, to
        enter it again.
    kwargs : the arguments, by name.

    Raises
    ------
    InvalidTypeError : a function does not take part, or arguments for a scope that has its own.
    """
    if isinstance(list_ops_or_scope, Mapping):
        if kwargs:
            raise InvalidTypeError("A scope that is entered again takes no further arguments.")
        scope = list_ops_or_scope
    else:
        outer = _scope.get()
        for op in list_ops_or_scope:
            if not hasattr(op, "takes_arg_scope"):
                raise InvalidTypeError(f"{op!r} takes no arg_scope: decorate it by add_arg_scope.")
        scope = {**outer, **{op: {**outer.get(op, {}), **kwargs} for op in list_ops_or_scope}}
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)


def get_variables(
    scope: str | None = None,
    suffix: str | None = None,
    collection: str = tf1.GraphKeys.GLOBAL_VARIABLES,
) -> list[tf.Variable]:
    """Variables of the graph being built.

    Parameters
    ----------
    scope : start of their names, or a variable scope; all by default.
    suffix : last part of their names.
    collection : of the graph, where to look.
    """
    found = tf1.get_collection(collection, getattr(scope, "name", scope))
    return [v for v in found if suffix is None or v.op.name.split("/")[-1] == suffix]


def get_or_create_global_step() -> tf.Variable:
    """The graph's count of training steps."""
    return tf1.train.get_or_create_global_step()
