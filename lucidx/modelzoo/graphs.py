"""Frozen graphs: reading, checking, pruning and importing them.

There is one way into TensorFlow for a model, `tf.graph_util.import_graph_def`, and one place where
the graph is cut to what is needed, `prune`.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.python.eager import record
from tensorflow.python.framework import op_def_registry
from tensorflow.python.framework.ops import get_gradient_function

from lucidx.errors import (
    CorruptFileError,
    InvalidTypeError,
    InvalidValueError,
    UnknownLayerError,
    did_you_mean,
)
from lucidx.modelzoo.graph_checks import (
    check_attributes,
    check_constants,
    check_imported,
    check_signatures,
    check_sizes,
)
from lucidx.modelzoo.graph_checks import dtype_of as dtype_of
from lucidx.modelzoo.graph_files import read_bytes
from lucidx.modelzoo.graph_functions import (
    functions_of,
    inline_calls,
    keep_used_functions,
    node_of,
    with_own_functions,
)
from lucidx.modelzoo.safety import check_ops

tf1 = tf.compat.v1
GraphDef = tf1.GraphDef
NodeDef = tf1.NodeDef
T = Callable[[str], tf.Tensor]

# Of the attributes that no operation declares, the one that makes loops and branches fast.
_KEPT = ("_lower_using_switch_merge",)
_SCOPE = re.compile(r"[A-Za-z0-9.]([A-Za-z0-9_.\\/>-]*[A-Za-z0-9_.>-])?")
PLACEHOLDERS = ("Placeholder", "PlaceholderV2")
NO_GRAPH = (
    "A model is imported into a graph: call this inside a tf.function or a tf.Graph. In eager "
    "code, use model.function(layers) or model.activations(images, layers)."
)


def read_graphdef(path: str | Path) -> GraphDef:
    """The GraphDef in a binary .pb file.

    Raises
    ------
    WeightsNotFoundError : there is no such file.
    CorruptFileError : the file is not a GraphDef, or not a whole one. If it is of another known
        kind, the message says which, and what to do with it.
    """
    path = Path(path)
    try:
        graph_def = GraphDef.FromString(read_bytes(path))
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
    """Check a graph, and make it one that can be imported and differentiated anywhere; in place.

    Goes: what only means something where the graph was made (placements, and attributes that the
    operations do not declare). Calls of functions become the functions' operations.

    Raises
    ------
    UnsafeFileError : an operation does more than compute.
    CorruptFileError : a constant, setting or function is not what it has to be.
    """
    functions = graph_def.library.function
    nodes = [*graph_def.node, *(node for function in functions for node in function.node_def)]
    defined = {function.signature.name for function in functions}
    if not allow_unsafe_ops:
        check_ops({node.op for node in nodes} - defined, source)
    for node in nodes:
        node.device = ""
        _drop_annotations(node)
        for missing in functions_of(node) - defined:
            raise CorruptFileError(
                f"{source} is not whole: node {node.name!r} calls the function {missing!r}, which "
                "is missing."
            )
    check_constants(nodes, source)
    check_sizes(nodes, source)
    check_attributes(functions, source)
    check_signatures(nodes, functions, source)
    inline_calls(graph_def, source)


def _drop_annotations(node: NodeDef) -> None:
    definition = op_def_registry.get(node.op)
    meant = {*_KEPT, *(attr.name for attr in definition.attr)} if definition else node.attr.keys()
    for name in set(node.attr) - set(meant):
        del node.attr[name]


def tensor_of(layer: str) -> str:
    """Name of the tensor meant by a layer's name: its first output, unless it says otherwise.

    A control input, `^` and a name, is no tensor and stays what it is.
    """
    return layer if ":" in layer or layer.startswith("^") else f"{layer}:0"


def prune(
    graph_def: GraphDef,
    outputs: Iterable[str],
    cuts: Collection[str] = (),
    added: Iterable[NodeDef] = (),
) -> GraphDef:
    """The part of a graph that `outputs` depend on.

    Parameters
    ----------
    graph_def : the whole graph.
    outputs : names of layers or tensors to keep.
    cuts : names of tensors at which the graph is cut: what makes them is left out, so the result
        can only be imported with these tensors in its input map.
    added : further nodes of the graph.
    """
    nodes = [*graph_def.node, *added]
    by_name = {node.name: node for node in nodes}
    before_cuts = {f"^{node_of(name)}" for name in cuts}
    needed: set[str] = set()
    stack = list(outputs)
    while stack:
        name = stack.pop()
        if node_of(name) in needed or name in before_cuts or tensor_of(name) in cuts:
            continue
        needed.add(node_of(name))
        stack.extend(by_name[node_of(name)].input)
    pruned = GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in nodes:
        if node.name in needed:
            kept = pruned.node.add()
            kept.CopyFrom(node)
            if before_cuts.intersection(kept.input):
                kept.input[:] = [name for name in kept.input if name not in before_cuts]
    keep_used_functions(pruned)
    return pruned


def tensors_read(graph_def: GraphDef) -> set[str]:
    """Names of the tensors, and control inputs, that the nodes of a graph read."""
    return {tensor_of(name) for node in graph_def.node for name in node.input}


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
    InvalidValueError : no graph is being built, or `scope` is in use or not a name.
    CorruptFileError : TensorFlow does not accept the graph.
    """
    if tf.executing_eagerly():
        raise InvalidValueError(NO_GRAPH)
    if not (isinstance(scope, str) and _SCOPE.fullmatch(scope)):
        raise InvalidValueError(f"A scope is a name such as 'import'; got {scope!r}.")
    graph = tf1.get_default_graph()
    outer = graph.get_name_scope()
    full_scope = f"{outer}/{scope}" if outer else scope
    if graph.unique_name(scope, mark_as_used=False) != full_scope:
        raise InvalidValueError(
            f"The scope {full_scope!r} is already in use in this graph. When you import several "
            "models, or one model several times, give each its own scope."
        )
    before = len(graph.get_operations())
    try:
        tf.graph_util.import_graph_def(with_own_functions(graph_def), dict(input_map), name=scope)
    except Exception as error:
        # Whatever TensorFlow's code happens to meet. Messages can quote whole tensors.
        raise CorruptFileError(f"TensorFlow cannot import {source}: {str(error)[:500]}") from error
    imported = graph.get_operations()[before:]
    if not all(tensor.shape.is_fully_defined() for tensor in input_map.values()):
        check_imported(imported, source)
    if record.could_possibly_record():
        _record_on_tapes(imported)
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
                backward = functools.partial(_gradients, gradient, op)
                record.record_operation(op.type, list(op.outputs), list(op.inputs), backward)


def _gradients(gradient: Callable[..., Any], op: tf.Operation, *upstream: tf.Tensor) -> list[Any]:
    result = gradient(op, *upstream)
    return list(result) if isinstance(result, list | tuple) else [result]


def lookup(
    scope: str,
    source: str,
    layers: Iterable[str] = (),
    given: Mapping[str, tf.Tensor] | None = None,
) -> T:
    """Function from a layer's name to its tensor in the graph being built, under `scope`.

    Parameters
    ----------
    scope : full name scope of the imported model.
    source : what the model is called in messages.
    layers : names offered first when a name is unknown.
    given : tensors that were put in place of the model's own, by name.
    """
    graph = tf1.get_default_graph()
    offered, given = list(layers), dict(given or {})

    def T(layer: str) -> tf.Tensor:
        name = getattr(layer, "name", layer)
        if not isinstance(name, str):
            raise InvalidTypeError(f"Layers are named by strings; got {layer!r}.")
        if tensor_of(name) in given:
            return given[tensor_of(name)]
        try:
            return graph.get_tensor_by_name(f"{scope}/{tensor_of(name)}")
        except (KeyError, TypeError, ValueError):  # TypeError: for text that is not Unicode
            known = offered
            if not did_you_mean(name, offered).startswith("Did"):
                computed = (op.name for op in ops_under(scope, graph) if op.type != "Const")
                known = [*offered, *(n.removeprefix(f"{scope}/") for n in computed)]
            raise UnknownLayerError(unknown_layer(source, name, known)) from None

    return T


def unknown_layer(source: str, name: str, known: Iterable[str]) -> str:
    """Message for a layer that a model does not have."""
    return f"{source} has no layer {name!r}. {did_you_mean(name, known)}"


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
