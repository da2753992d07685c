"""Variables by name, as in TensorFlow 1: "w:0" is the value of the variable w.

In TensorFlow 2 it is a handle, from which every use of the variable reads the value by itself.
"""

from __future__ import annotations

import contextlib
import copy
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from lucidx.compat import callers
from lucidx.errors import InvalidValueError

tf1 = tf.compat.v1

# Operations on a handle that do not ask for the value.
_NOT_READING = (
    "Assign",
    "DestroyResource",
    "ResourceApply",
    "ResourceScatter",
    "ResourceSparseApply",
    "VarIsInitialized",
    "VariableShape",
)


@contextlib.contextmanager
def mean_values() -> Iterator[None]:
    """Let a variable's name mean its value.

    In what a session is asked to compute and in what it is fed, whoever asks; and in
    `graph.get_tensor_by_name`, if the user's code does. Feeding a variable, by its name or itself,
    gives the value to all that read it in this run.
    """
    session = next(base for base in tf1.Session.__mro__ if "run" in vars(base))
    run, get = session.run, tf.Graph.get_tensor_by_name

    def run_with_values(
        self: Any, fetches: Any, feed_dict: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        if isinstance(feed_dict, Mapping):
            feed_dict = _fed(self.graph, feed_dict)
        return run(self, _fetched(self.graph, fetches), feed_dict, *args, **kwargs)

    def get_value(self: tf.Graph, name: str) -> tf.Tensor:
        tensor = get(self, name)
        return _value(tensor) if callers.is_user(sys._getframe(1).f_globals) else tensor

    session.run, tf.Graph.get_tensor_by_name = run_with_values, get_value
    try:
        yield
    finally:
        session.run, tf.Graph.get_tensor_by_name = run, get


def _fetched(graph: tf.Graph, fetches: Any) -> Any:
    """The same structure, with values in place of handles."""
    if isinstance(fetches, dict):
        made = copy.copy(fetches)
        made.update((key, _fetched(graph, fetch)) for key, fetch in fetches.items())
        return made
    if isinstance(fetches, list | tuple):
        members = [_fetched(graph, fetch) for fetch in fetches]
        if hasattr(fetches, "_fields"):
            return type(fetches)(*members)
        return members if isinstance(fetches, list) else tuple(members)
    tensor = _tensor(graph, fetches)
    return fetches if tensor is None else _value(tensor)


def _fed(graph: tf.Graph, feeds: Mapping[Any, Any]) -> dict[Any, Any]:
    """The same feeds, those of variables being given to everything that reads them."""
    found: dict[Any, Any] = {}
    for key, value in feeds.items():
        handle = _handle(_tensor(graph, getattr(key, "handle", key)))
        found.update(dict.fromkeys([key] if handle is None else _reads(handle), value))
    return found


def _tensor(graph: tf.Graph, thing: Any) -> tf.Tensor | None:
    """The tensor of a graph that this is or names."""
    if isinstance(thing, str):
        with contextlib.suppress(KeyError, ValueError):  # which the session explains
            thing = graph.as_graph_element(thing, allow_operation=False)
    return thing if tf.is_symbolic_tensor(thing) else None


def _handle(tensor: tf.Tensor | None) -> tf.Tensor | None:
    """The handle of the variable whose handle or value this is."""
    if tensor is None:
        return None
    if tensor.op.type == "ReadVariableOp":
        handle = tensor.op.inputs[0]
        return handle if _value(handle) is tensor else None
    return tensor if tensor.op.type == "VarHandleOp" else None


def _value(tensor: tf.Tensor) -> tf.Tensor:
    """Value of a variable, if this is its handle; or the tensor itself."""
    if tensor.op.type != "VarHandleOp":
        return tensor
    name = f"{tensor.op.name}/Read/ReadVariableOp"  # which every variable is made with
    reads = (op.outputs[0] for op in tensor.consumers() if op.name == name)
    return next(reads, tensor)


def _reads(handle: tf.Tensor) -> list[tf.Tensor]:
    """Everything that has been read from a variable.

    Raises
    ------
    InvalidValueError : an operation reads it in another way, out of reach.
    """
    readers = [op for op in handle.consumers() if not op.type.startswith(_NOT_READING)]
    for op in readers:
        if op.type != "ReadVariableOp":
            raise InvalidValueError(
                f"The variable {handle.op.name!r} cannot be fed: {op.name!r}, a {op.type}, reads "
                f"it by itself. Feed a placeholder_with_default({handle.op.name}, ...) in its "
                "place, or assign to it before."
            )
    return [op.outputs[0] for op in readers]
