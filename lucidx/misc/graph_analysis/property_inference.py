"""What can be told about a tensor from the graph it is in."""

from __future__ import annotations

import tensorflow as tf


def infer_data_format(t: tf.Tensor, max_depth: int = 20) -> str | None:
    """Layout of a rank 4 tensor: that of the nearest operation before it that states one.

    Parameters
    ----------
    t : tensor, operation (its first output is meant) or anything else (of unknown layout).
    max_depth : how many operations to look back.

    Returns
    -------
    `"NHWC"`, `"NCHW"`, or None where nothing can be told (also for eager tensors, which have no
    graph).
    """
    if isinstance(t, tf.Operation):
        t = t.outputs[0]
    if not tf.is_symbolic_tensor(t) or t.shape.rank != 4:
        return None
    level, seen = [t.op], {t.op.name}
    for _ in range(max_depth):
        for op in level:
            if "data_format" in op.node_def.attr:
                data_format = op.get_attr("data_format").decode()
                if data_format in ("NHWC", "NCHW"):
                    return data_format
        before = [i.op for op in level for i in op.inputs]
        level = [op for op in dict.fromkeys(before) if op.name not in seen]
        seen.update(op.name for op in level)
    return None
