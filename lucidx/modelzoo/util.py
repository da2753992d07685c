"""Helpers for model files, at Lucid's import path."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_from_session_graph,
)

from lucidx.errors import CorruptFileError, InvalidValueError, UnknownLayerError, did_you_mean
from lucidx.misc.io import load
from lucidx.misc.io.saving import ClarityJSONEncoder
from lucidx.modelzoo import files, graphs
from lucidx.modelzoo.graphs import GraphDef, NodeDef, node_of

tf1 = tf.compat.v1

metadata_node_name = "lucid_metadata_json"

# Labels and layers of the largest models take far less.
_LARGEST_METADATA = 2**24


class NothingToSaveError(InvalidValueError, RuntimeError):
    """There is no graph, or no session with the values of its variables."""


def load_text_labels(labels_path: str | os.PathLike) -> list[str]:
    """The lines of a text file, at a path or an address."""
    return load(files.local(labels_path), split=True)


def load_graphdef(model_url: str | os.PathLike, reset_device: bool = True) -> GraphDef:
    """The GraphDef in a .pb file.

    Parameters
    ----------
    model_url : path or address of the file.
    reset_device : forget on which device each node was placed.

    Raises
    ------
    WeightsNotFoundError, CorruptFileError, DownloadError
    """
    graph_def = graphs.read_graphdef(files.local(model_url))
    if reset_device:
        _forget_devices(graph_def)
    return graph_def


def _forget_devices(graph_def: GraphDef) -> None:
    for node in graph_def.node:
        node.device = ""


def forget_xy(t: tf.Tensor) -> tf.Tensor:
    """The same images `[N, H, W, C]` with H and W statically unknown."""
    return tf1.placeholder_with_default(t, (t.shape[0], None, None, t.shape[3]))


def frozen_default_graph_def(
    input_node_names: Sequence[str], output_node_names: Sequence[str]
) -> GraphDef:
    """The part of the default graph that leads to some nodes, its variables made constants.

    Identities that hold nothing up are taken out.

    Parameters
    ----------
    input_node_names : nodes to keep in any case.
    output_node_names : nodes to compute.

    Raises
    ------
    NothingToSaveError : (a RuntimeError) the default graph is empty, or there is no default session
        for it.
    UnknownLayerError : the graph has no node of one of these names.
    InvalidValueError : a variable has no value yet, or the graph is beyond protobuf's 2 GB.
    """
    session, graph = tf1.get_default_session(), tf1.get_default_graph()
    if session is None or session.graph is not graph:
        raise NothingToSaveError(
            "Saved is the default graph, with the values of its variables in the default session, "
            "and there is no default session for this graph. Save inside `with "
            "tf.compat.v1.Session(graph=graph):`; a model of lucidx is saved with model.export."
        )
    if not graph.get_operations():
        raise NothingToSaveError("The default graph is empty: there is nothing to save.")
    kept = [*input_node_names, *output_node_names]
    names = dict.fromkeys(op.name for op in graph.get_operations())
    for name in kept:
        if name not in names:
            raise UnknownLayerError(
                f"The default graph has no node {name!r}. {did_you_mean(name, names)}"
            )
    try:
        graph_def = graphs.prune(graph.as_graph_def(), output_node_names)
        frozen = convert_variables_to_constants_from_session_graph(
            session, graph_def, list(output_node_names)
        )
    except tf.errors.FailedPreconditionError as error:
        raise InvalidValueError(
            "A variable has no value yet: restore the weights, or run tf.compat.v1."
            f"global_variables_initializer(). {error.message.partition('[[')[0].strip()}"
        ) from error
    except ValueError as error:
        raise InvalidValueError(f"The default graph cannot be frozen: {error}") from error
    _forget_devices(frozen)
    for node in frozen.node:
        node.attr.pop("_class", None)  # next to which variable a node was placed
    return _without_identities(frozen, set(kept))


def _without_identities(graph_def: GraphDef, kept: Collection[str]) -> GraphDef:
    """The same graph with readers going to the source of identities that are not in `kept`."""
    controls = {node_of(i) for node in graph_def.node for i in node.input if i.startswith("^")}
    sources = {
        node.name: node.input[0]
        for node in graph_def.node
        if node.op in ("Identity", "CheckNumerics")
        and len(node.input) == 1
        and node.name not in kept
        and node.name not in controls
    }
    slim = GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        if node.name not in sources:
            slim.node.add().CopyFrom(node)
            slim.node[-1].input[:] = [_source(name, sources) for name in node.input]
    return slim


def _source(name: str, sources: dict[str, str]) -> str:
    while node_of(name) in sources:
        name = sources[node_of(name)]
    return name


def infuse_metadata(graph_def: GraphDef, info: dict[str, Any]) -> None:
    """Put a record into a graph, in place: a constant that nothing reads, with JSON in it.

    Parameters
    ----------
    graph_def : if it holds a record, that is replaced.
    info : what JSON can hold, and arrays.
    """
    old = [i for i, node in enumerate(graph_def.node) if node.name == metadata_node_name]
    for i in reversed(old):
        del graph_def.node[i]
    text = json.dumps(info, cls=ClarityJSONEncoder)
    node = graph_def.node.add(name=metadata_node_name, op="Const")
    node.attr["dtype"].type = tf.string.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(text, tf.string, []))


def extract_metadata(graph_def: GraphDef) -> dict[str, Any] | None:
    """The record that `infuse_metadata` put into a graph; None if there is none.

    Raises
    ------
    CorruptFileError : there is more than one, or it is not a JSON object.
    """
    found = [node for node in graph_def.node if node.name == metadata_node_name]
    if not found:
        return None
    values = [value for node in found for value in node.attr["value"].tensor.string_val]
    if len(found) > 1 or len(values) != 1 or len(values[0]) > _LARGEST_METADATA:
        raise CorruptFileError(
            f"The node {metadata_node_name!r}, which says how to use the graph, is there "
            f"{len(found)} times with {len(values)} texts of {sum(map(len, values))} bytes; it is "
            f"one text of at most {_LARGEST_METADATA}."
        )
    try:
        metadata = json.loads(values[0])
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(
            f"The node {metadata_node_name!r}, which says how to use the graph, does not hold "
            f"JSON: {error}"
        ) from error
    if not isinstance(metadata, dict):
        raise CorruptFileError(
            f"The node {metadata_node_name!r} holds a {type(metadata).__name__}, not a dictionary "
            "that says how to use the graph."
        )
    return metadata


class GraphDefHelper:
    """A GraphDef with its nodes by operation, by name and by what they read.

    Attributes
    ----------
    graph_def : the graph.
    by_op, by_input : lists of nodes, by type of operation, and by name of a node they read.
    by_name : nodes by name.

    Raises
    ------
    CorruptFileError : two nodes have one name.
    """

    def __init__(self, graph_def: GraphDef):
        self.graph_def = graph_def
        self.by_op: dict[str, list[NodeDef]] = defaultdict(list)
        self.by_name: dict[str, NodeDef] = {}
        self.by_input: dict[str, list[NodeDef]] = defaultdict(list)
        for node in graph_def.node:
            if node.name in self.by_name:
                raise CorruptFileError(f"Two nodes are called {node.name!r}.")
            self.by_name[node.name] = node
            self.by_op[node.op].append(node)
            for name in dict.fromkeys(map(node_of, node.input)):
                self.by_input[name].append(node)

    def neighborhood(self, node: NodeDef, degree: int = 4) -> list[NodeDef]:
        """The nodes at most `degree` steps away, along or against the flow; nearest first."""
        found = {node.name: node}
        frontier = [node]
        for _ in range(degree):
            around = [near for n in frontier for near in self._next_to(n)]
            frontier = [n for name, n in _by_name(around).items() if name not in found]
            found |= _by_name(frontier)
        return list(found.values())

    def _next_to(self, node: NodeDef) -> list[NodeDef]:
        read = (self.by_name.get(node_of(name)) for name in node.input)
        return [*filter(None, read), *self.by_input.get(node.name, ())]


def _by_name(nodes: Iterable[NodeDef]) -> dict[str, NodeDef]:
    return {node.name: node for node in nodes}
