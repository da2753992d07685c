"""Models from SavedModel directories, without running anything of what is in them.

`tf.saved_model.load` runs a SavedModel's own restoring and initializing operations. Here, only its
description is read: the graph of one signature, and which tensor of the checkpoint is the value of
which variable. Values then come through TensorFlow's checkpoint reader.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, TensorInfo
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from lucidx.errors import (
    CorruptFileError,
    InvalidValueError,
    LucidxError,
    WeightsNotFoundError,
    did_you_mean,
)
from lucidx.misc.io import scope_url
from lucidx.modelzoo import graphs, importing
from lucidx.modelzoo.description import as_image_shape, as_value_range
from lucidx.modelzoo.graph_functions import inline_calls, with_own_functions
from lucidx.modelzoo.graphs import GraphDef, NodeDef, node_of, tensor_of
from lucidx.modelzoo.safety import check_ops
from lucidx.modelzoo.vision_base import Model

# These are replaced by constants before anything can run.
_VARIABLES = {"VarHandleOp", "Variable", "VariableV2"}
_READS = {"ReadVariableOp", "ResourceGather"}

_IMAGE_TYPES = (tf.float32, tf.uint8, tf.float16, tf.bfloat16, tf.float64)
_CALL_SCOPES = re.compile(r"((Stateful)?PartitionedCall(_\d+)?/)+")


def from_saved_model(
    path: str | os.PathLike,
    image_value_range: tuple[Any, Any] | None,
    image_shape: Sequence[int | None] | None,
    *,
    signature: str,
    is_BGR: bool,
    labels: Sequence[str] | None,
    name: str | None,
    allow_unsafe_ops: bool,
) -> Model:
    """See `Model.from_saved_model`."""
    as_value_range(image_value_range)
    directory = _directory(path)
    meta = _meta_graph(directory)
    image, outputs = _ends(meta, signature, str(directory))
    shape = _image_shape(image, image_shape, str(directory))
    graph_def = _signature_graph(meta, image, outputs, str(directory), allow_unsafe_ops)
    values = _variable_values(graph_def, meta, directory)
    with tf.__internal__.eager_context.eager_mode():
        frozen = _frozen(graph_def, values, image, outputs, shape, str(directory))
    return importing.from_graphdef(
        frozen,
        "input",
        image_value_range,
        shape,
        is_BGR=is_BGR,
        labels=labels,
        name=name or directory.name,
        allow_unsafe_ops=allow_unsafe_ops,
    )


def _directory(path: str | os.PathLike) -> Path:
    directory = Path(scope_url(path)).absolute()
    if directory.name == "saved_model.pb":
        directory = directory.parent
    if not (directory / "saved_model.pb").is_file():
        raise WeightsNotFoundError(
            f"{directory} is not the directory of a SavedModel: there is no saved_model.pb in it."
        )
    return directory


def _meta_graph(directory: Path) -> MetaGraphDef:
    file = directory / "saved_model.pb"
    try:
        metas = list(SavedModel.FromString(file.read_bytes()).meta_graphs)
    except DecodeError as error:
        raise CorruptFileError(f"{file} is not a SavedModel, or is truncated: {error}") from error
    serving = [meta for meta in metas if "serve" in meta.meta_info_def.tags] or metas
    if len(serving) != 1:
        tags = [sorted(meta.meta_info_def.tags) for meta in serving]
        raise CorruptFileError(
            f"{file} is to have one graph with the tag 'serve'; it has graphs with the tags {tags}."
        )
    return serving[0]


def _ends(meta: MetaGraphDef, signature: str, source: str) -> tuple[TensorInfo, dict[str, str]]:
    """The image of a signature, and its outputs that are numbers: names of tensors by key."""
    if signature not in meta.signature_def:
        known = sorted(key for key in meta.signature_def if not key.startswith("__"))
        raise InvalidValueError(
            f"{source} has no signature {signature!r}. {did_you_mean(str(signature), known)} A "
            "tf.Module gets one by tf.saved_model.save(module, path, signatures=function)."
        )
    definition = meta.signature_def[signature]
    if len(definition.inputs) != 1:
        raise InvalidValueError(
            f"The signature {signature!r} of {source} has the inputs {sorted(definition.inputs)}; "
            "one image is needed. Save a signature in which the others are held fixed."
        )
    (image,) = definition.inputs.values()
    dtype = _dtype(image)
    if dtype not in _IMAGE_TYPES:
        kind = dtype.name if dtype else "something that is no single tensor"
        pictures = " (pictures as the bytes of files, perhaps)" if dtype == tf.string else ""
        raise InvalidValueError(
            f"The signature {signature!r} of {source} takes {kind}{pictures}, through which no "
            "gradient can pass. Save a signature that takes float32 images [N, H, W, C]."
        )
    outputs = {
        key: info.name
        for key, info in definition.outputs.items()
        if (dtype := _dtype(info)) and (dtype.is_floating or dtype.is_integer)
    }
    if not outputs:
        raise InvalidValueError(f"The signature {signature!r} of {source} returns no numbers.")
    return image, outputs


def _dtype(info: TensorInfo) -> tf.DType | None:
    try:
        return tf.as_dtype(info.dtype) if info.name else None
    except TypeError:
        return None


def _image_shape(info: TensorInfo, given: Any, source: str) -> list[int | None]:
    if given is not None:
        return as_image_shape(given)
    dims = [dim.size if dim.size > 0 else None for dim in info.tensor_shape.dim]
    if len(dims) != 4:
        stated = "no shape" if info.tensor_shape.unknown_rank else f"the shape {dims}"
        raise InvalidValueError(
            f"The images of {source} are to be [N, H, W, C], and it says {stated}. Pass "
            "image_shape=(height, width, channels), or save a signature with an input of rank 4."
        )
    return as_image_shape(dims[1:])


def _signature_graph(
    meta: MetaGraphDef,
    image: TensorInfo,
    outputs: Mapping[str, str],
    source: str,
    allow_unsafe_ops: bool,
) -> GraphDef:
    """The part of the graph between image and outputs, checked, with its calls expanded."""
    graphs.check_wiring(meta.graph_def, source)
    names = {node.name for node in meta.graph_def.node}
    for tensor in (image.name, *outputs.values()):
        if node_of(tensor) not in names:
            raise CorruptFileError(f"{source} is not whole: it has no node {node_of(tensor)!r}.")
    entrance = tensor_of(image.name)
    graph_def = graphs.prune(meta.graph_def, outputs.values(), {entrance})
    functions = graph_def.library.function
    nodes = [*graph_def.node, *(node for function in functions for node in function.node_def)]
    defined = {function.signature.name for function in functions}
    if not allow_unsafe_ops:
        check_ops({node.op for node in nodes} - defined - _VARIABLES - _READS, source)
    graphs.prepare(graph_def, source, allow_unsafe_ops=True)
    graph_def = graphs.prune(graph_def, outputs.values(), {entrance})
    if entrance not in graphs.tensors_read(graph_def):
        raise InvalidValueError(f"What {source} returns does not depend on the image.")
    unfed = [node.name for node in graph_def.node if node.op in graphs.PLACEHOLDERS]
    if unfed:
        raise InvalidValueError(
            f"What {source} returns also depends on {unfed}, which nothing is fed to. Save a "
            "signature in which they are constants."
        )
    tables = [node.name for node in graph_def.node if "HashTable" in node.op]
    if tables:
        raise InvalidValueError(
            f"What {source} returns depends on the tables {tables}, and a frozen graph can hold "
            "none. Save a signature without them."
        )
    return graph_def


def _variable_values(
    graph_def: GraphDef, meta: MetaGraphDef, directory: Path
) -> dict[str, np.ndarray]:
    """Values of the variables in a graph, by node."""
    nodes = [node for node in graph_def.node if node.op in _VARIABLES]
    if not nodes:
        return {}
    prefix = directory / "variables" / "variables"
    try:
        keys = _checkpoint_keys(meta, str(directory))
        checkpoint = tf.train.load_checkpoint(str(prefix))
        _check_sizes(checkpoint, {keys.get(node.name, node.name) for node in nodes}, prefix)
        return {node.name: _value(node, checkpoint, keys) for node in nodes}
    except LucidxError:
        raise
    # The reader raises builtin exceptions and TensorFlow's.
    except Exception as error:
        raise CorruptFileError(f"The weights at {prefix} cannot be read: {error}") from error


def _check_sizes(checkpoint: Any, needed: Collection[str], prefix: Path) -> None:
    """Refuse a checkpoint that says it holds more than its files do, or more than a graph can."""
    types = checkpoint.get_variable_to_dtype_map()
    sizes = {
        key: int(np.prod(shape, dtype=object)) * types[key].size
        for key, shape in checkpoint.get_variable_to_shape_map().items()
    }
    held = sum(file.stat().st_size for file in prefix.parent.glob(f"{prefix.name}.data-*"))
    if sum(sizes.values()) > held:
        raise CorruptFileError(
            f"The weights at {prefix} are not whole: {sum(sizes.values())} bytes by their index, "
            f"{held} in fact."
        )
    size = sum(size for key, size in sizes.items() if key in needed)
    if size > importing.LARGEST_GRAPH:
        raise InvalidValueError(
            f"The weights at {prefix} have {size / 1e9:.1f} GB, and a graph can have 2 GB "
            "(protobuf's limit)."
        )


def _value(node: NodeDef, checkpoint: Any, keys: Mapping[str, str]) -> np.ndarray:
    key = keys.get(node.name, node.name)
    if not checkpoint.has_tensor(key):
        raise CorruptFileError(f"The checkpoint has no value for the variable {node.name!r}.")
    value = np.asarray(checkpoint.get_tensor(key))
    dtype, shape = graphs.dtype_of(node), tf.TensorShape(node.attr["shape"].shape)
    if (
        dtype is None
        or value.dtype != dtype.as_numpy_dtype
        or not shape.is_compatible_with(value.shape)
    ):
        raise CorruptFileError(
            f"The variable {node.name!r} is {dtype and dtype.name} {shape}; its value in the "
            f"checkpoint is {value.dtype} {value.shape}."
        )
    return value


def _checkpoint_keys(meta: MetaGraphDef, source: str) -> dict[str, str]:
    """What variables are called in the checkpoint, as the SavedModel's restoring graph has it."""
    restore = node_of(meta.saver_def.restore_op_name)
    if restore not in {node.name for node in meta.graph_def.node}:
        return {}
    graph_def = graphs.prune(meta.graph_def, [restore])
    inline_calls(graph_def, source)
    nodes = {node.name: node for node in graph_def.node}
    keys = {}
    for node in graph_def.node:
        if node.op not in ("Assign", "AssignVariableOp"):
            continue
        tensor = _behind_identities(node.input[1], nodes)
        restored = nodes[node_of(tensor)]
        if restored.op == "RestoreV2":
            names = nodes[node_of(restored.input[1])].attr["value"].tensor.string_val
            keys[node_of(node.input[0])] = names[int(tensor.partition(":")[2] or 0)].decode()
    return keys


def _behind_identities(tensor: str, nodes: Mapping[str, NodeDef]) -> str:
    for _ in nodes:
        if nodes[node_of(tensor)].op != "Identity":
            break
        tensor = nodes[node_of(tensor)].input[0]
    return tensor


def _frozen(
    graph_def: GraphDef,
    values: Mapping[str, np.ndarray],
    image: TensorInfo,
    outputs: Mapping[str, str],
    shape: Sequence[int | None],
    source: str,
) -> GraphDef:
    """The graph with its variables made constants, from "input" to the outputs' keys."""
    from lucidx.modelzoo.keras_freeze import freeze, rename_nodes

    wanted = [tensor_of(name) for name in outputs.values()]
    entrance = tensor_of(image.name)
    handles = [node.name for node in graph_def.node if node.op == "VarHandleOp"]
    variables = [tf.Variable(values[name], trainable=False) for name in handles]
    cut = with_own_functions(graphs.prune(graph_def, wanted, {entrance, *map(tensor_of, handles)}))
    results: list[tf.Tensor] = []

    def run(images: tf.Tensor) -> None:
        graph = tf.compat.v1.get_default_graph()
        inputs = {entrance: tf.cast(images, image.dtype)}
        for name, variable in zip(handles, variables, strict=True):
            graph.watch_variable(variable)
            inputs[tensor_of(name)] = graph.capture(variable.handle, name=name)
        tensors = tf.graph_util.import_graph_def(cut, inputs, wanted, name="")
        results.extend(tf.identity(tensor, name="result") for tensor in tensors)

    try:
        _give_values(cut, values)
        spec = tf.TensorSpec([None, *shape], tf.float32)
        function = tf.compat.v1.wrap_function(run, [spec])
        images = function.inputs[0]
        frozen = freeze(function, [images], results, takes_uint8=image.dtype == tf.uint8)
    except LucidxError:
        raise
    except Exception as error:
        raise CorruptFileError(f"TensorFlow cannot import {source}: {str(error)[:500]}") from error
    result_names = (result.op.name for result in results)
    names = {images.op.name: "input", **dict(zip(result_names, outputs, strict=True))}
    rename_nodes(frozen, names | _short_names(frozen, names))
    return frozen


def _give_values(graph_def: GraphDef, values: Mapping[str, np.ndarray]) -> None:
    """Do, in place, what TensorFlow's freezing leaves undone."""
    for node in graph_def.node:
        if node.name in values:
            _make_constant(node, values[node.name])
    _gather_from_values(graph_def.node, "{}")
    for function in graph_def.library.function:
        _gather_from_values(function.node_def, "{}:{}:0")


def _gather_from_values(nodes: Any, output: str) -> None:
    """Replace, in place, lookups of rows of a variable by lookups in its value.

    TensorFlow's freezing overlooks those in the bodies of loops.

    Parameters
    ----------
    nodes : of a graph or a function.
    output : how readers write a node and its output there.
    """
    for node in [node for node in nodes if node.op == "ResourceGather"]:
        read, axis = f"{node.name}/read_all", f"{node.name}/read_axis"
        dtype, batch_dims = node.attr["dtype"].type, node.attr["batch_dims"].i
        variable, *others = node.input
        nodes.add(name=read, op="ReadVariableOp", input=[variable]).attr["dtype"].type = dtype
        constant = nodes.add(name=axis)
        _make_constant(constant, np.int32(batch_dims))
        node.op = "GatherV2"
        value, dimension = output.format(read, "value"), output.format(axis, "output")
        node.input[:] = [value, others[0], dimension, *others[1:]]
        indices = node.attr["Tindices"].type
        node.attr.clear()
        for key, type_ in {"Tparams": dtype, "Tindices": indices, "Taxis": tf.int32}.items():
            node.attr[key].type = getattr(type_, "as_datatype_enum", type_)
        node.attr["batch_dims"].i = batch_dims


def _make_constant(node: NodeDef, value: np.ndarray) -> None:
    name = node.name
    node.Clear()
    node.name, node.op = name, "Const"
    node.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))


def _short_names(graph_def: GraphDef, renamed: Mapping[str, str]) -> dict[str, str]:
    """Names without the scopes of the calls that a SavedModel wraps a model in."""
    taken = {node.name for node in graph_def.node} | set(renamed.values())
    names = {}
    for node in graph_def.node:
        short = _CALL_SCOPES.sub("", node.name, count=1) if _CALL_SCOPES.match(node.name) else ""
        if short and short not in taken and node.name not in renamed:
            names[node.name] = short
            taken.add(short)
    return names
