"""Change the weights of a frozen graph, to see what a change does to the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lucidx.errors import InvalidValueError, UnknownLayerError, did_you_mean

EDITED = "lucid_is_edited"

Key = str | tuple[Any, ...]


class ParameterEditor:
    """Weights of a GraphDef by the names of its constants, to be read and changed in place.

        editor = ParameterEditor(model.graph_def)
        editor["conv2d0_w", ..., 7] = 0  # silences a channel

    Slices follow the name, as for numpy arrays. What is read is a copy. Once something has been
    changed, the graph also holds a constant `"lucid_is_edited"`.

    Parameters
    ----------
    graph_def : the graph to change. Take a model's `graph_def` after copying the model.

    Attributes
    ----------
    nodes : constants of the graph by name.

    Raises
    ------
    UnknownLayerError : on access, if there is no such constant.
    InvalidValueError : on assignment of what does not fit in shape.
    """

    def __init__(self, graph_def: tf.compat.v1.GraphDef):
        self.nodes = {node.name: node for node in graph_def.node if node.op == "Const"}
        self._graph_def = graph_def

    def __getitem__(self, key: Key) -> np.ndarray:
        name, slices = _split(key)
        return np.array(self._value(name)[slices])

    def __setitem__(self, key: Key, new_value: ArrayLike) -> None:
        name, slices = _split(key)
        value = np.array(self._value(name))
        try:
            value[slices] = new_value
        except ValueError as error:
            raise InvalidValueError(
                f"A value of shape {np.shape(new_value)} does not fit into {name!r}, there of "
                f"shape {value[slices].shape}."
            ) from error
        self.nodes[name].attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
        if EDITED not in self.nodes:
            self._mark()

    def _value(self, name: str) -> np.ndarray:
        if name not in self.nodes:
            raise UnknownLayerError(
                f"The graph has no constant {name!r}. {did_you_mean(name, self.nodes)}"
            )
        return tf.make_ndarray(self.nodes[name].attr["value"].tensor)

    def _mark(self) -> None:
        mark = self._graph_def.node.add(name=EDITED, op="Const")
        mark.attr["dtype"].type = tf.bool.as_datatype_enum
        mark.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(True))
        self.nodes[EDITED] = mark


def _split(key: Key) -> tuple[str, tuple[Any, ...]]:
    name, *slices = key if isinstance(key, tuple) else (key,)
    return name, tuple(slices) or (...,)
