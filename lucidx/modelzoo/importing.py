"""Models from elsewhere: frozen graphs and Keras models."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError, did_you_mean
from lucidx.misc.graph_analysis.property_inference import infer_data_format
from lucidx.modelzoo import files, graphs, model_io, util
from lucidx.modelzoo.description import (
    as_image_shape,
    as_layers,
    as_names,
    as_value_range,
    check_labels,
)
from lucidx.modelzoo.layer import Layer
from lucidx.modelzoo.vision_base import Model

# Operations whose outputs people look at: what a frozen graph without a list of layers offers.
LAYER_OPS = frozenset(
    """
    Relu Relu6 Elu Selu LeakyRelu Tanh Softplus Concat ConcatV2 Add AddV2 MaxPool AvgPool Mean
    Conv2D DepthwiseConv2dNative BiasAdd MatMul Softmax
    """.split()
)

_TAGS = {2: "dense", 4: "conv"}

# What protobuf can hold.
LARGEST_GRAPH = 2**31 - 1


def from_graphdef(
    path_or_graphdef: str | os.PathLike | graphs.GraphDef,
    input_name: str | None,
    image_value_range: tuple[Any, Any] | None,
    image_shape: Sequence[int | None] | None,
    *,
    is_BGR: bool,
    labels: Sequence[str] | None,
    name: str | None,
    allow_unsafe_ops: bool,
) -> Model:
    """See `Model.from_graphdef`."""
    if image_value_range is None and isinstance(path_or_graphdef, str | os.PathLike):
        _check_is_not_described(path_or_graphdef)
    as_value_range(image_value_range)
    model = Model()
    model._allow_unsafe_ops = allow_unsafe_ops
    if isinstance(path_or_graphdef, graphs.GraphDef):
        source = name or "The graph"
        model.model_name = name or "Model"
        graph_def = _copied(path_or_graphdef, source)
    elif isinstance(path_or_graphdef, str | os.PathLike):
        path = files.local(path_or_graphdef)
        source = str(path_or_graphdef)
        model.model_path = str(path)
        model.model_name = name or path.stem
        graph_def = graphs.read_graphdef(path)
    else:
        raise InvalidTypeError(
            "A frozen graph is a GraphDef or the path of a .pb file, not a "
            f"{type(path_or_graphdef).__name__}."
        )
    graphs.prepare(graph_def, source, allow_unsafe_ops)
    node = input_node(graph_def, input_name, source)
    shape = _static_shape(node) if image_shape is None else image_shape
    model._graph_def = graph_def
    model.input_name = (input_name or node.name).removesuffix(":0")
    _describe(model, shape, image_value_range, is_BGR, labels)
    model.layers = layers_of(model)
    check_labels(model._labels, as_layers(model.layers), warn=True)
    return model


def _check_is_not_described(url: str | os.PathLike) -> None:
    if util.extract_metadata(graphs.read_graphdef(files.local(url))) is not None:
        raise InvalidValueError(
            f"{url} describes itself, its value range included: use Model.load({str(url)!r}). Pass "
            "image_value_range here only if what it says is wrong."
        )


def _copied(graph_def: graphs.GraphDef, source: str) -> graphs.GraphDef:
    check_size(graph_def, source)
    copy = graphs.GraphDef()
    copy.CopyFrom(graph_def)
    graphs.check_wiring(copy, source)
    return copy


def check_size(graph_def: graphs.GraphDef, source: str) -> None:
    """Refuse a graph that protobuf cannot write, and so neither TensorFlow import.

    Raises
    ------
    InvalidValueError
    """
    size = graph_def.ByteSize()
    if size > LARGEST_GRAPH:
        raise InvalidValueError(
            f"{source} has {size / 1e9:.1f} GB, and a graph can have 2 GB (protobuf's limit). "
            "Take the part of the network that you want to look at."
        )


def from_keras(
    keras_model: Any,
    image_value_range: tuple[Any, Any] | None,
    image_shape: Sequence[int | None] | None,
    *,
    is_BGR: bool,
    labels: Sequence[str] | None,
    name: str | None,
) -> Model:
    """See `Model.from_keras`."""
    as_value_range(image_value_range)
    from lucidx.modelzoo.keras_import import keras_to_graphdef

    imported = keras_to_graphdef(keras_model, image_shape)
    model = Model()
    model._graph_def = imported.graph_def
    model.model_name = name or keras_model.name
    model.input_name = imported.input_name
    _describe(model, imported.image_shape, image_value_range, is_BGR, labels)
    model.layers = tuple(Layer(model, *layer) for layer in imported.layers)
    check_labels(model._labels, as_layers(model.layers), warn=True)
    return model


def _describe(
    model: Model,
    image_shape: Sequence[int | None],
    value_range: tuple[Any, Any],
    is_BGR: bool,
    labels: Sequence[str] | None,
) -> None:
    model.image_shape = as_image_shape(image_shape)
    model.image_value_range = as_value_range(value_range, model.image_shape[-1])
    model.is_BGR = bool(is_BGR)
    model._labels = None if labels is None else as_names(labels, "labels")


def input_node(graph_def: graphs.GraphDef, input_name: str | None, source: str) -> graphs.NodeDef:
    """The node that takes images: the one of that name, or the only placeholder.

    Raises
    ------
    InvalidValueError : there is no such node, or it does not take float32.
    """
    by_name = {node.name: node for node in graph_def.node}
    placeholders = [name for name, node in by_name.items() if node.op in graphs.PLACEHOLDERS]
    if input_name is None:
        if len(placeholders) != 1:
            names = ", ".join(map(repr, placeholders)) or "none"
            raise InvalidValueError(
                f"Which node of {source} takes images? Pass input_name; its placeholders: {names}."
            )
        (input_name,) = placeholders
    name = graphs.node_of(input_name)
    if name not in by_name:
        raise InvalidValueError(
            f"{source} has no node {input_name!r} to take images. {did_you_mean(name, by_name)}"
        )
    node = by_name[name]
    dtype = graphs.dtype_of(node) if name in placeholders else tf.float32
    if dtype not in (tf.float32, None):
        raise InvalidValueError(
            f"{input_name!r} of {source} takes {dtype.name}, and lucidx feeds float32, through "
            "which gradients flow. Pass as input_name the node after it that makes float32 of it."
        )
    return node


def _static_shape(node: graphs.NodeDef) -> list[int | None]:
    # Reading an attribute that is not there would add it.
    shape = node.attr["shape"].shape if "shape" in node.attr else None
    dims = [dim.size if dim.size > 0 else None for dim in shape.dim] if shape else []
    if len(dims) == 4 and dims[1] in (1, 3) and dims[3] not in (1, 3, 4):
        raise InvalidValueError(
            f"{node.name!r} takes images of shape {dims}, channels first. lucidx feeds [N, H, W, "
            "C]: put a transposition at the entrance, or pass as input_name what comes after one."
        )
    return dims[-3:] if len(dims) in (3, 4) else [None, None, 3]


def layers_of(model: Model, names: Sequence[str] | None = None) -> tuple[Layer, ...]:
    """The layers of those names, or those that people look at, with depth and tags by the graph.

    Importing the graph for it also finds out whether TensorFlow accepts it.

    Raises
    ------
    UnknownLayerError : the graph has no node of such a name.
    InvalidValueError : the shape of a node's output does not tell its depth.
    CorruptFileError : TensorFlow cannot import the graph.
    """
    T = model_io.skeleton(model).T
    if names is None:
        found = {name: _layer(model, name, T(name)) for name in _worth_looking_at(model, T)}
        return tuple(layer for layer in found.values() if layer)
    return tuple(_named_layer(model, name, T(name)) for name in names)


def _named_layer(model: Model, name: str, tensor: tf.Tensor) -> Layer:
    layer = _layer(model, name, tensor)
    if layer is None:
        raise InvalidValueError(
            f"The depth of {name!r} of {model.name} cannot be told from its shape, {tensor.shape}. "
            "List layers with their name, depth and tags."
        )
    return layer


def _layer(model: Model, name: str, tensor: tf.Tensor) -> Layer | None:
    tag = _TAGS.get(tensor.shape.rank)
    channel_axis = 1 if infer_data_format(tensor) == "NCHW" else -1
    depth = tag and tf.compat.dimension_value(tensor.shape[channel_axis])
    return Layer(model, name, depth, {tag}) if depth else None


def _worth_looking_at(model: Model, T: graphs.T) -> Iterator[str]:
    names = {node.name for node in model.graph_def.node}
    image = T(model.input_name)
    downstream = {image.op}
    for op in graphs.ops_under("import", image.graph):
        if downstream.isdisjoint(tensor.op for tensor in op.inputs):
            continue
        downstream.add(op)
        name = op.name.removeprefix("import/")
        if op.type in LAYER_OPS and name in names:
            yield name


def check_model(model: Any) -> None:
    """Refuse what is not a model, and say how to make one of it.

    Raises
    ------
    InvalidTypeError
    """
    if not isinstance(model, Model):
        hint = ""
        if hasattr(model, "layers") and hasattr(model, "get_config"):
            hint = " Wrap a Keras model with Model.from_keras(keras_model, image_value_range=...)."
        elif isinstance(model, str):
            hint = f" lucidx.load({model!r}) gives a model of the catalogue."
        elif isinstance(model, type):
            hint = f" Make an instance: {model.__name__}()."
        raise InvalidTypeError(f"model is a lucidx Model, not a {type(model).__name__}.{hint}")
