"""`tf.custom_gradient` that does not keep every graph in which it was used for ever."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator as `tf.custom_gradient`, for functions that are also used in graphs.

    In a graph TensorFlow registers the gradient under a name of its own, and never forgets it. With
    it stay the graph and the weights in it: for each picture that is made, some 100 MB. Here the
    gradient lives as long as the graph.

    Parameters
    ----------
    f : takes tensors, returns their result, a tensor or a list of them, and the gradient function.
    """

    @functools.wraps(f)
    def with_gradient(*tensors: Any) -> Any:
        result = tf.custom_gradient(f)(*tensors)
        first = result[0] if isinstance(result, list) else result
        if tf.is_symbolic_tensor(first):
            _give_to_graph(first.op)
        return result

    return with_gradient


def _give_to_graph(op: tf.Operation) -> None:
    """Leave only a weak reference to the operation's gradient function in TensorFlow's registry."""
    registry = ops.gradient_registry._registry
    name = op.get_attr("_gradient_op_type").decode()
    gradient = registry[name]["type"]
    graph = op.graph
    graph._lucidx_gradients = [*getattr(graph, "_lucidx_gradients", ()), gradient]
    found = weakref.ref(gradient)
    registry[name]["type"] = lambda op, *upstream: found()(op, *upstream)
    weakref.finalize(gradient, registry.pop, name, None)
