"""Freezing a traced function into a GraphDef that stands by itself.

The graph computes in float32, calls nothing that belongs to the process or the devices it was made
with, has no effects, and its nodes can be renamed.
"""

from __future__ import annotations

import collections
import hashlib
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from lucidx.errors import InvalidValueError
from lucidx.modelzoo.graphs import GraphDef, NodeDef, prune
from lucidx.modelzoo.keras_trace import unique_name

FunctionDef = type(GraphDef().library.function.add())
AttrValue = tf.compat.v1.AttrValue
NameAttrList = tf.compat.v1.NameAttrList

# What is below 6e-8 is zero in float16, and gradients of a mean over a layer easily are. The
# variables of mixed-precision models are float32 anyway. What is done with a layer (objectives,
# directions, attribution) is done in float32, which is why doubles change too.
_FLOAT32 = {
    tf.float16: tf.float32,
    tf.bfloat16: tf.float32,
    tf.float64: tf.float32,
    tf.complex128: tf.complex64,
}
# No gradient passes through the rounding at the entrance of a model made for integer images.
_FLOAT32_IMAGES = {tf.uint8: tf.float32}

# With the variables frozen, nothing is left for these to change.
_STATELESS = {
    "Case": "StatelessCase",
    "If": "StatelessIf",
    "While": "StatelessWhile",
    "StatefulPartitionedCall": "PartitionedCall",
}
# A custom gradient is a Python function that this process alone knows by that name. Locations are
# those of variables that no longer exist.
_LEFT_BEHIND = ("_gradient_op_type", "_class")
_PYTHON_OPS = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


def freeze(
    function: Any,
    inputs: Sequence[tf.Tensor],
    outputs: Sequence[tf.Tensor],
    *,
    takes_uint8: bool,
) -> GraphDef:
    """Graph of the part of a wrapped function that leads from `inputs` to `outputs`.

    Parameters
    ----------
    function : what `tf.compat.v1.wrap_function` returns.
    inputs : placeholders of the function, which stay placeholders; images come first.
    outputs : tensors of the function; their nodes keep their names.
    takes_uint8 : whether the images are cast to uint8.

    Raises
    ------
    InvalidValueError : the function depends on Python functions or tables.
    """
    kept = [tensor.op.name for tensor in (inputs[0], *outputs)]
    given = {tensor.op.name for tensor in inputs}
    graph = function.graph
    graph_def = _without_effects(graph.as_graph_def(), kept)
    if graph_def.library.function or _placeholders(graph_def) - given:
        # It calls functions, or reads variables and tensors from outside. What resolves these takes
        # several times as long as the tracing. Updates of moving averages and seeds it cannot
        # handle at all: pruning leaves them out.
        graph = convert_variables_to_constants_v2(
            function.prune(inputs, outputs), lower_control_flow=False, aggressive_inlining=True
        ).graph
        graph_def = _without_effects(graph.as_graph_def(), kept)
    _check_self_contained(graph_def, given)
    _make_depthwise(graph_def, graph)
    _normalize(graph_def, {**_FLOAT32, **_FLOAT32_IMAGES} if takes_uint8 else _FLOAT32)
    _isolate_functions(graph_def)
    return graph_def


def fill_in(graph_def: GraphDef, weights: Mapping[str, keras.Variable]) -> None:
    """Replace placeholders, in place, by the values that the variables of their names have now."""
    for node in graph_def.node:
        if node.name in weights:
            value = np.asarray(tf.convert_to_tensor(weights[node.name].value))
            dtype = tf.as_dtype(node.attr["dtype"].type)
            node.op = "Const"
            node.attr.pop("shape")
            _set_tensor(node.attr["value"], value.astype(dtype.as_numpy_dtype, copy=False))


def _set_tensor(attribute: AttrValue, value: np.ndarray) -> None:
    """Set a constant; `tf.make_tensor_proto` takes seconds for the largest layers."""
    attribute.Clear()
    attribute.tensor.dtype = tf.as_dtype(value.dtype).as_datatype_enum
    attribute.tensor.tensor_shape.CopyFrom(tf.TensorShape(value.shape).as_proto())
    attribute.tensor.tensor_content = value.tobytes()


def rename_nodes(graph_def: GraphDef, names: Mapping[str, str]) -> None:
    """Rename nodes, in place, moving others that have one of the new names out of the way."""
    names = dict(names)
    wanted = set(names.values())
    present = {node.name for node in graph_def.node}
    for name in sorted(wanted & present - names.keys()):
        names[name] = unique_name(name, wanted | present | set(names.values()))
    for node in graph_def.node:
        node.name = names.get(node.name, node.name)
        node.input[:] = [_renamed_input(source, names) for source in node.input]


def _renamed_input(source: str, names: Mapping[str, str]) -> str:
    name, colon, output = source.partition(":")
    return f"{names.get(name, name)}{colon}{output}"


def _without_effects(graph_def: GraphDef, nodes: Sequence[str]) -> GraphDef:
    """The part of a graph that computes `nodes`, without assertions, prints and the like.

    What runs after them by way of control inputs could not be cut off from the layers before.
    """
    for node in graph_def.node:
        node.input[:] = [source for source in node.input if not source.startswith("^")]
    return prune(graph_def, nodes)


def _placeholders(graph_def: GraphDef) -> set[str]:
    return {node.name for node in graph_def.node if node.op == "Placeholder"}


def _all_nodes(graph_def: GraphDef) -> Iterator[NodeDef]:
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def


def _check_self_contained(graph_def: GraphDef, inputs: Container[str]) -> None:
    outside = [
        node.name
        for node in _all_nodes(graph_def)
        if node.op in _PYTHON_OPS or (node.op == "Placeholder" and node.name not in inputs)
    ]
    if outside:
        raise InvalidValueError(
            "A graph can hold neither Python functions (tf.py_function, tf.numpy_function) nor "
            f"tables: {', '.join(map(repr, outside))}. Use TensorFlow operations instead."
        )


def _isolate_functions(graph_def: GraphDef) -> None:
    """Keep the functions that are called (bodies of loops and branches), under names of their own.

    TensorFlow registers the gradients of functions by name, for the whole process, in which the
    model's own functions have the same names and a different content. The new names depend on
    nothing but the content, so that the same model always makes the same graph.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    called: dict[str, str] = {}
    nodes = collections.deque(graph_def.node)
    while nodes:
        for reference in _references(nodes.popleft()):
            if reference.name not in called:
                called[reference.name] = f"function{len(called)}"
                nodes.extend(functions[reference.name].node_def)
    kept = [functions[name] for name in called]
    graph_def.ClearField("library")
    graph_def.library.function.extend(kept)
    for function in graph_def.library.function:
        _rename_arguments(function)
    _rename_functions(graph_def, called)

    library = graph_def.library.SerializeToString(deterministic=True)
    suffix = hashlib.blake2b(library, digest_size=6).hexdigest()
    _rename_functions(graph_def, {name: f"{name}_{suffix}" for name in called.values()})


def _rename_arguments(function: FunctionDef) -> None:
    """Number the inputs, whose names hold numbers of functions of this process."""
    taken = {node.name for node in function.node_def}
    names = {
        argument.name: unique_name(f"argument{position}", taken)
        for position, argument in enumerate(function.signature.input_arg)
    }
    for argument in function.signature.input_arg:
        argument.name = names[argument.name]
    for node in function.node_def:
        node.input[:] = [_renamed_input(source, names) for source in node.input]
    for output in list(function.ret):
        function.ret[output] = _renamed_input(function.ret[output], names)


def _rename_functions(graph_def: GraphDef, names: Mapping[str, str]) -> None:
    for node in _all_nodes(graph_def):
        for reference in _references(node):
            reference.name = names[reference.name]
    for function in graph_def.library.function:
        function.signature.name = names[function.signature.name]


def _references(node: NodeDef) -> Iterator[NameAttrList]:
    # Protocol buffers do not keep their attributes in any order.
    for name in sorted(node.attr):
        attribute = node.attr[name]
        if attribute.func.name:
            yield attribute.func
        yield from attribute.list.func


def _make_depthwise(graph_def: GraphDef, graph: tf.Graph) -> None:
    """Change grouped convolutions with one channel per group (ConvNeXt's) into depthwise ones.

    Keras leaves grouped convolutions to XLA. Outside of it not every CPU has gradients for them.
    """
    for node in [node for node in graph_def.node if node.op == "Conv2D"]:
        images, filters = (source.shape for source in graph.get_operation_by_name(node.name).inputs)
        strides = node.attr["strides"].list.i
        is_depthwise = (
            node.attr["data_format"].s == b"NHWC"
            and filters[2] == 1
            and (images[-1] or 1) > 1
            and strides[1] == strides[2]
            and set(node.attr["dilations"].list.i) == {1}
        )
        if not is_depthwise:
            continue
        height, width, _, outputs = filters
        shape = np.array([height, width, images[-1], outputs // images[-1]], np.int32)
        shape_node = graph_def.node.add(op="Const", name=f"{node.name}/depthwise/shape")
        shape_node.attr["dtype"].type = tf.int32.as_datatype_enum
        shape_node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(shape))
        reshape = graph_def.node.add(op="Reshape", name=f"{node.name}/depthwise")
        reshape.input.extend([node.input[1], shape_node.name])
        reshape.attr["T"].CopyFrom(node.attr["T"])
        reshape.attr["Tshape"].type = tf.int32.as_datatype_enum
        node.op = "DepthwiseConv2dNative"
        node.input[1] = reshape.name
        node.attr.pop("use_cudnn_on_gpu")


def _normalize(graph_def: GraphDef, types: Mapping[tf.DType, tf.DType]) -> None:
    """Change types, and drop what belongs to this process, its devices and its variables."""
    enums = {old.as_datatype_enum: new.as_datatype_enum for old, new in types.items()}
    for node in _all_nodes(graph_def):
        node.op = _STATELESS.get(node.op, node.op)
        node.device = ""
        node.ClearField("experimental_type")
        for name in _LEFT_BEHIND:
            node.attr.pop(name, None)
        for attribute in node.attr.values():
            _change_types(attribute, enums)
    for function in graph_def.library.function:
        for argument in (*function.signature.input_arg, *function.signature.output_arg):
            argument.type = enums.get(argument.type, argument.type)


def _change_types(attribute: AttrValue, enums: Mapping[int, int]) -> None:
    kind = attribute.WhichOneof("value")
    if kind == "type":
        attribute.type = enums.get(attribute.type, attribute.type)
    elif kind == "tensor" and attribute.tensor.dtype in enums:
        dtype = tf.as_dtype(enums[attribute.tensor.dtype])
        _set_tensor(attribute, tf.make_ndarray(attribute.tensor).astype(dtype.as_numpy_dtype))
    elif kind == "list":
        attribute.list.type[:] = [enums.get(old, old) for old in attribute.list.type]
