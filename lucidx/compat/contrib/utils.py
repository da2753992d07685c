"""Collections of what layers gave: TensorFlow 1's `tf.contrib.layers.utils`, or `slim.utils`."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from lucidx.compat.missing import reporter
from lucidx.compat.variables import collect_named_outputs

__all__ = ["collect_named_outputs", "convert_collection_to_dict", "last_dimension"]

__getattr__ = reporter("slim.utils", __all__)

tf1 = tf.compat.v1


def convert_collection_to_dict(
    collection: str, clear_collection: bool = False
) -> dict[str, tf.Tensor]:
    """Tensors of a collection of the graph, by the names that they were put there under.

    Parameters
    ----------
    collection : name of the collection.
    clear_collection : empty it.
    """
    found = {
        name: tensor
        for tensor in tf1.get_collection(collection)
        for name in getattr(tensor, "aliases", [tensor.op.name])
    }
    if clear_collection:
        tf1.get_default_graph().clear_collection(collection)
    return found


def last_dimension(shape: tf.TensorShape | Sequence[int], min_rank: int = 1) -> int | None:
    """Size of the last axis, of a shape that has at least `min_rank` axes."""
    return tf.TensorShape(shape).with_rank_at_least(min_rank)[-1]
