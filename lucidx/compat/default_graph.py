"""The graph that a program of TensorFlow 1 builds without having made one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf

from lucidx.errors import InvalidValueError

tf1 = tf.compat.v1


class _Default(NamedTuple):
    graph: tf.Graph
    leave: contextlib.ExitStack
    outer_session: Any


_current: list[_Default] = []


@contextlib.contextmanager
def entered() -> Iterator[None]:
    """Give this thread a default graph; leave it at the end.

    Eager execution is not switched off: that cannot be undone, and would hold for everybody.
    """
    _enter(tf1.get_default_session())
    try:
        yield
    finally:
        _current.pop().leave.close()


def _enter(outer_session: Any) -> None:
    graph = tf.Graph()
    leave = contextlib.ExitStack()
    leave.enter_context(graph.as_default())
    _current.append(_Default(graph, leave, outer_session))


def reset_default_graph() -> None:
    """Replace the default graph by an empty one, as `tf.reset_default_graph` did.

    Raises
    ------
    InvalidValueError : called inside a `with` block of a graph or a session.
    """
    check_outermost("tf.reset_default_graph()")
    default = _current.pop()
    default.leave.close()
    _enter(default.outer_session)


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
    if in_session or tf1.get_default_graph() is not _current[-1].graph:
        raise InvalidValueError(
            f"{call} works outside of blocks such as `with tf.Graph().as_default()`: call it "
            "after the block."
        )


def _session() -> Any:
    """Default session, unless it has been there before the graph was entered."""
    session = tf1.get_default_session()
    return None if session is _current[-1].outer_session else session
