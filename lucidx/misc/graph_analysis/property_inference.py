"""What can be told about a tensor from the graph it is in."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from lucidx.errors import InvalidTypeError
from lucidx.misc.graph_analysis.overlay_graph import OverlayNode

_TRANSPOSED_TO = {(0, 2, 3, 1): "NHWC", (0, 3, 1, 2): "NCHW"}


def as_tensor(t: tf.Tensor | tf.Operation | OverlayNode) -> tf.Tensor:
    """Tensor that is meant: of an operation its first output, of a node in an overlay its own.

    Raises
    ------
    InvalidTypeError : anything else, and operations without outputs.
    """
    if isinstance(t, OverlayNode):
        return t.tf_node
    if isinstance(t, tf.Operation) and t.outputs:
        return t.outputs[0]
    if isinstance(t, tf.Tensor):
        return t
    raise InvalidTypeError(f"A tensor, an operation or an OverlayNode is needed, not {t!r}.")


def infer_data_format(
    t: tf.Tensor | tf.Operation | OverlayNode | Any, max_depth: int = 20
) -> str | None:
    """Layout of a rank 4 tensor: that of the nearest operation before it that states one.

    A transposition from one layout to the other states the latter.

    Parameters
    ----------
    t : what `as_tensor` takes, or anything else (of unknown layout).
    max_depth : how many operations to look back.

    Returns
    -------
    `"NHWC"`, `"NCHW"`, or None where nothing can be told (also for eager tensors, which have no
    graph).
    """
    if isinstance(t, tf.Operation | OverlayNode):
        t = as_tensor(t)
    if not tf.is_symbolic_tensor(t) or t.shape.rank != 4:
        return None
    level, seen = [t.op], {t.op.name}
    for _ in range(max_depth):
        for op in level:
            data_format = _stated(op)
            if data_format in ("NHWC", "NCHW"):
                return data_format
        before = [i.op for op in level for i in op.inputs]
        level = [op for op in dict.fromkeys(before) if op.name not in seen]
        seen.update(op.name for op in level)
    return None


def _stated(op: tf.Operation) -> str | None:
    if op.type == "Transpose":
        order = tf.get_static_value(op.inputs[1])
        return None if order is None else _TRANSPOSED_TO.get(tuple(order.tolist()))
    try:
        # Not from `node_def`, which would copy the values of constants.
        return op.get_attr("data_format").decode()
    except ValueError:
        return None
