"""Default arguments for layers, by block: TensorFlow 1's `tf.contrib.framework`."""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from lucidx.compat.missing import reporter
from lucidx.errors import InvalidTypeError

__all__ = [
    "add_arg_scope",
    "arg_scope",
    "assign_from_checkpoint_fn",
    "get_model_variables",
    "get_or_create_global_step",
    "get_trainable_variables",
    "get_variables",
    "get_variables_to_restore",
    "nest",
]

__getattr__ = reporter("tf.contrib.framework", __all__)

tf1 = tf.compat.v1
nest = tf.nest

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


def get_model_variables(scope: str | None = None, suffix: str | None = None) -> list[tf.Variable]:
    """Variables of layers; arguments as for `get_variables`."""
    return get_variables(scope, suffix, tf1.GraphKeys.MODEL_VARIABLES)


def get_trainable_variables(
    scope: str | None = None, suffix: str | None = None
) -> list[tf.Variable]:
    """Variables to be trained; arguments as for `get_variables`."""
    return get_variables(scope, suffix, tf1.GraphKeys.TRAINABLE_VARIABLES)


def get_variables_to_restore(
    include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
) -> list[tf.Variable]:
    """Variables in some scopes and not in others.

    Parameters
    ----------
    include : scopes; all by default.
    exclude : scopes; none by default.
    """
    included = [v for scope in include or [None] for v in get_variables(scope)]
    excluded = {v.name for scope in exclude or [] for v in get_variables(scope)}
    return list({v.name: v for v in included if v.name not in excluded}.values())


def assign_from_checkpoint_fn(
    model_path: str,
    var_list: Sequence[tf.Variable] | Mapping[str, tf.Variable],
    ignore_missing_vars: bool = False,
    reshape_variables: bool = False,
) -> Callable[[Any], None] | None:
    """Function that reads variables from a checkpoint into a session.

    Parameters
    ----------
    model_path : of the checkpoint.
    var_list : variables, or variables by their names in the checkpoint.
    ignore_missing_vars : leave out what the checkpoint does not have.
    reshape_variables : let the shapes differ.

    Returns
    -------
    None if there is nothing to read.
    """
    wanted = dict(var_list) if isinstance(var_list, Mapping) else {v.op.name: v for v in var_list}
    if ignore_missing_vars:
        there = tf.train.load_checkpoint(model_path)
        wanted = {name: v for name, v in wanted.items() if there.has_tensor(name)}
    if not wanted:
        return None
    saver = tf1.train.Saver(wanted, reshape=reshape_variables)
    return lambda session: saver.restore(session, model_path)


def get_or_create_global_step() -> tf.Variable:
    """The graph's count of training steps."""
    return tf1.train.get_or_create_global_step()
