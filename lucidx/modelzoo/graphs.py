"""Frozen graphs: reading, checking, pruning and importing them.

There is one way into TensorFlow for a model, `tf.graph_util.import_graph_def`, and one place where
the graph is cut to what is needed, `prune`.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.python.eager import record
from tensorflow.python.framework.ops import get_gradient_function

from lucidx.errors import CorruptFileError, InvalidValueError, UnknownLayerError, did_you_mean
from lucidx.modelzoo.safety import check_ops

tf1 = tf.compat.v1
GraphDef = tf1.GraphDef
T = Callable[[str], tf.Tensor]


def read_graphdef(path: str | Path) -> GraphDef:
    """The GraphDef in a binary .pb file.

    Raises
    ------
    CorruptFileError : the file is not a GraphDef, or not a whole one.
    """
    data = Path(path).read_bytes()
    try:
        graph_def = GraphDef.FromString(data)
    except DecodeError as error:
        raise CorruptFileError(f"{path} is not a frozen graph, or is truncated: {error}") from error
    check_wiring(graph_def, str(path))
    return graph_def


def check_wiring(graph_def: GraphDef, source: str) -> None:
    """Refuse a graph without nodes, or whose nodes read from nodes that are not there.

    Raises
    ------
    CorruptFileError : names what is missing.
    """
    if not graph_def.node:
        raise CorruptFileError(f"{source} holds no TensorFlow graph (it has no nodes).")
    present = {node.name for node in graph_def.node}
    for node in graph_def.node:
        for name in map(node_of, node.input):
            if name not in present:
                raise CorruptFileError(
                    f"{source} is not whole: node {node.name!r} reads from {name!r}, which is "
                    "missing."
                )


def prepare(graph_def: GraphDef, source: str, allow_unsafe_ops: bool = False) -> None:
    """Check a graph's operations and strip, in place, what only means something where it was made.

    That is: device placements, and the names of gradient functions in the registry of another
    process.
    """
    functions = graph_def.library.function
    nodes = [*graph_def.node, *(node for function in functions for node in function.node_def)]
    if not allow_unsafe_ops:
        check_ops({node.op for node in nodes} - {f.signature.name for f in functions}, source)
    for node in nodes:
        node.device = ""
        node.attr.pop("_gradient_op_type", None)


def fingerprint(graph_def: GraphDef) -> bytes:
    """Digest of a graph, weights included: equal for equal graphs, new after an edit in place."""
    data = graph_def.SerializeToString(deterministic=True)
    return hashlib.blake2b(data, digest_size=16).digest()


def node_of(tensor_name: str) -> str:
    """Name of the node that makes a tensor: without `^` in front and `:output` behind."""
    return tensor_name.removeprefix("^").partition(":")[0]


def tensor_of(layer: str) -> str:
    """Name of the tensor meant by a layer's name: its first output, unless it says otherwise."""
    return layer if ":" in layer else f"{layer}:0"


def prune(graph_def: GraphDef, outputs: Iterable[str], inputs: Collection[str] = ()) -> GraphDef:
    """The part of a graph that `outputs` depend on, with `inputs` as placeholders.

    Parameters
    ----------
    graph_def : the whole graph.
    outputs : names of layers or tensors to keep.
    inputs : names of nodes at which the graph is cut; they become placeholders.
    """
    by_name = {node.name: node for node in graph_def.node}
    needed: set[str] = set()
    stack = [node_of(name) for name in outputs]
    while stack:
        name = stack.pop()
        if name in needed:
            continue
        needed.add(name)
        if name not in inputs:
            stack.extend(map(node_of, by_name[name].input))
    pruned = GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        if node.name in inputs and node.name in needed:
            placeholder = pruned.node.add(name=node.name, op="Placeholder")
            placeholder.attr["dtype"].type = tf.float32.as_datatype_enum
        elif node.name in needed:
            pruned.node.add().CopyFrom(node)
    return pruned


def import_graphdef(
    graph_def: GraphDef, scope: str, input_map: Mapping[str, tf.Tensor], source: str
) -> str:
    """Import a graph into the graph being built.

    Parameters
    ----------
    graph_def : what to import.
    scope : name scope for its nodes; must not be in use.
    input_map : tensors of the graph being built that replace tensors of `graph_def`.
    source : what the graph is called in messages.

    Returns
    -------
    The full scope: `scope`, inside the name scopes that are open.

    Raises
    ------
    InvalidValueError : no graph is being built, or `scope` is in use.
    CorruptFileError : TensorFlow does not accept the graph.
    """
    if tf.executing_eagerly():
        raise InvalidValueError(
            "A model is imported into a graph: call this inside a tf.function or a tf.Graph. In "
            "eager code, use model.function(layers) or model.activations(images, layers)."
        )
    graph = tf1.get_default_graph()
    outer = graph.get_name_scope()
    full_scope = f"{outer}/{scope}" if outer else scope
    if graph.unique_name(scope, mark_as_used=False) != full_scope:
        raise InvalidValueError(
            f"The scope {full_scope!r} is already in use in this graph. When you import several "
            "models, or one model several times, give each its own scope."
        )
    before = len(graph.get_operations()) if record.could_possibly_record() else 0
    try:
        tf.graph_util.import_graph_def(graph_def, dict(input_map), name=scope)
    except (ValueError, tf.errors.OpError) as error:
        raise CorruptFileError(f"TensorFlow cannot import {source}: {error}") from error
    if record.could_possibly_record():
        _record_on_tapes(graph.get_operations()[before:])
    return full_scope


def _record_on_tapes(ops: Iterable[tf.Operation]) -> None:
    """Show imported operations to the gradient tapes that are open inside a tf.function.

    `import_graph_def` adds operations behind the tapes' back, so their gradient would silently be
    None.
    """
    for op in ops:
        if not op.inputs:
            continue
        with contextlib.suppress(LookupError):
            gradient = get_gradient_function(op)
            if gradient is not None:
                record.record_operation(
                    op.type,
                    list(op.outputs),
                    list(op.inputs),
                    lambda *upstream, op=op, gradient=gradient: gradient(op, *upstream),
                )


def lookup(scope: str, source: str, layers: Iterable[str] = ()) -> T:
    """Function from a layer's name to its tensor in the graph being built, under `scope`.

    Parameters
    ----------
    scope : full name scope of the imported model.
    source : what the model is called in messages.
    layers : names offered first when a name is unknown.
    """
    graph = tf1.get_default_graph()
    offered = list(layers)

    def T(layer: str) -> tf.Tensor:
        name = getattr(layer, "name", layer)
        try:
            return graph.get_tensor_by_name(f"{scope}/{tensor_of(name)}")
        except (KeyError, ValueError):
            nodes = (op.name.removeprefix(f"{scope}/") for op in ops_under(scope, graph))
            raise UnknownLayerError(unknown_layer(source, name, [*offered, *nodes])) from None

    return T


def unknown_layer(source: str, name: str, known: Iterable[str]) -> str:
    """Message for a layer that a model does not have."""
    return f"{source} has no layer {name!r}. {did_you_mean(str(name), known)}"


def ops_under(scope: str, graph: tf.Graph) -> Iterator[tf.Operation]:
    """Operations of `graph` in a name scope."""
    return (op for op in graph.get_operations() if op.name.startswith(f"{scope}/"))


def add_pre_relu_concats(scope: str) -> None:
    """Add `<block>_pre_relu` for every concatenation directly under `scope`.

    Inception's blocks concatenate the outputs of ReLUs. What Lucid's users render is the same
    concatenation before the ReLUs, which has a gradient where the units are not active.
    """
    graph = tf1.get_default_graph()
    for op in list(ops_under(scope, graph)):
        name = op.name.removeprefix(f"{scope}/")
        if op.type not in ("Concat", "ConcatV2") or "/" in name:
            continue
        towers = list(op.inputs)[1:] if op.type == "Concat" else list(op.inputs)[:-1]
        before = [t.op.inputs[0] if t.op.type == "Relu" else t for t in towers]
        with tf1.name_scope(None):
            tf.concat(before, -1, name=f"{scope}/{name}_pre_relu")
