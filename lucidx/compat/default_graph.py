"""The graph that a program of TensorFlow 1 builds without having made one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.python.eager import context

from lucidx.errors import InvalidValueError

tf1 = tf.compat.v1


class _Default(NamedTuple):
    graph: tf.Graph | None  # None for eager execution
    leave: contextlib.ExitStack
    outer_session: Any


_current: list[_Default] = []


@contextlib.contextmanager
def entered() -> Iterator[None]:
    """Give this thread a default graph; leave it at the end.

    Eager execution is not switched off: that cannot be undone, and would hold for everybody.
    """
    _enter_graph(tf1.get_default_session())
    try:
        yield
    finally:
        _current.pop().leave.close()


def _enter_graph(outer_session: Any) -> None:
    graph = tf.Graph()
    _enter(graph, graph.as_default(), outer_session)


def _enter(
    graph: tf.Graph | None, block: contextlib.AbstractContextManager[Any], outer_session: Any
) -> None:
    leave = contextlib.ExitStack()
    leave.enter_context(block)
    _current.append(_Default(graph, leave, outer_session))


def reset_default_graph() -> None:
    """Replace the default graph by an empty one, as `tf.reset_default_graph` did.

    Raises
    ------
    InvalidValueError : called inside a `with` block of a graph or a session.
    """
    check_outermost("tf.reset_default_graph()")
    if _current[-1].graph is None:
        return
    default = _current.pop()
    default.leave.close()
    _enter_graph(default.outer_session)


def enable_eager_execution(
    config: Any = None, device_policy: Any = None, execution_mode: Any = None
) -> None:
    """Compute at once instead of building a graph, as `tf.enable_eager_execution` did.

    Parameters
    ----------
    config, device_policy, execution_mode : taken, and without effect.

    Raises
    ------
    InvalidValueError : the default graph has been built upon, or a session or a graph is entered.
    """
    call = "tf.enable_eager_execution()"
    check_outermost(call)
    default = _current[-1]
    if default.graph is None:
        return
    if default.graph.get_operations() or _session() is not None:
        raise InvalidValueError(
            f"{call} works before anything is built: call it right after the imports."
        )
    _current.pop().leave.close()
    _enter(None, context.eager_mode(), default.outer_session)


def close_interactive_sessions() -> None:
    """Close the interactive sessions that have been opened since the graph was entered."""
    closed = None
    # One that was closed out of turn, or that a block has made the default again, stays.
    while isinstance(session := _session(), tf1.InteractiveSession) and session is not closed:
        session.close()
        closed = session


def check_outermost(call: str) -> None:
    """Refuse a call inside a `with` block of a graph or a session.

    Raises
    ------
    InvalidValueError
    """
    in_session = not isinstance(_session(), tf1.InteractiveSession | None)
    graph = None if tf.executing_eagerly() else tf1.get_default_graph()
    if in_session or graph is not _current[-1].graph:
        raise InvalidValueError(
            f"{call} works outside of blocks such as `with tf.Graph().as_default()`: call it "
            "after the block."
        )


def _session() -> Any:
    """Default session, unless it has been there before the graph was entered."""
    session = tf1.get_default_session()
    return None if session is _current[-1].outer_session else session
