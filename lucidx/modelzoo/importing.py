"""Models from elsewhere: frozen graphs and Keras models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError, did_you_mean
from lucidx.misc.graph_analysis.property_inference import infer_data_format
from lucidx.modelzoo import graphs, model_io
from lucidx.modelzoo.vision_base import Layer, Model

# Operations whose outputs people look at: what a frozen graph without a list of layers offers.
LAYER_OPS = frozenset(
    """
    Relu Relu6 Elu Selu LeakyRelu Tanh Softplus Concat ConcatV2 Add AddV2 MaxPool AvgPool Mean
    Conv2D DepthwiseConv2dNative BiasAdd MatMul Softmax
    """.split()
)

USUAL_RANGES = "(0, 1), (-1, 1), (0, 255), (-117, 138) or, per channel, (-mean, 255 - mean)"


def from_graphdef(
    path_or_graphdef: str | Path | graphs.GraphDef,
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
    check_value_range(image_value_range)
    graph_def = graphs.GraphDef()
    if isinstance(path_or_graphdef, graphs.GraphDef):
        source = name or "The graph"
        graph_def.CopyFrom(path_or_graphdef)
        graphs.check_wiring(graph_def, source)
    elif isinstance(path_or_graphdef, str | Path):
        source = str(path_or_graphdef)
        graph_def = graphs.read_graphdef(path_or_graphdef)
    else:
        raise InvalidTypeError(
            "A frozen graph is a GraphDef or the path of a .pb file, not a "
            f"{type(path_or_graphdef).__name__}."
        )
    graphs.prepare(graph_def, source, allow_unsafe_ops)
    node = _input_node(graph_def, input_name, source)
    model = Model()
    if isinstance(path_or_graphdef, str | Path):
        model.model_path = str(Path(path_or_graphdef).absolute())
    model._graph_def = graph_def
    model._allow_unsafe_ops = allow_unsafe_ops
    model.model_name = name or (Path(source).stem if model.model_path else "Model")
    model.input_name = (input_name or node.name).removesuffix(":0")
    model.image_shape = _image_shape(_static_shape(node) if image_shape is None else image_shape)
    _describe(model, image_value_range, is_BGR, labels)
    model.layers = tuple(_discover_layers(model))
    return model


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
    check_value_range(image_value_range)
    from lucidx.modelzoo.keras_import import keras_to_graphdef

    imported = keras_to_graphdef(keras_model, image_shape)
    model = Model()
    model._graph_def = imported.graph_def
    model.model_name = name or keras_model.name
    model.input_name = imported.input_name
    model.image_shape = list(imported.image_shape)
    _describe(model, image_value_range, is_BGR, labels)
    model.layers = tuple(Layer(model, *layer) for layer in imported.layers)
    return model


def _describe(
    model: Model, value_range: tuple[Any, Any], is_BGR: bool, labels: Sequence[str] | None
) -> None:
    model.image_value_range = value_range
    model.is_BGR = is_BGR
    model._labels = None if labels is None else list(labels)


def check_value_range(value_range: tuple[Any, Any] | None) -> None:
    """Refuse anything but two increasing bounds, each a number or one number per channel.

    Raises
    ------
    InvalidValueError
    """
    if value_range is None:
        raise InvalidValueError(
            "image_value_range is needed: what the model expects for black and for white, usually "
            f"{USUAL_RANGES}. A wrong one is the commonest cause of bad pictures."
        )
    try:
        lo, hi = (np.asarray(bound, np.float32) for bound in value_range)
        sound = bool(np.all(np.isfinite(lo)) and np.all(np.isfinite(hi)) and np.all(lo < hi))
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise InvalidValueError(
            f"image_value_range is (lo, hi) with lo < hi, usually {USUAL_RANGES}; "
            f"got {value_range!r}."
        )


def _input_node(graph_def: graphs.GraphDef, input_name: str | None, source: str) -> graphs.NodeDef:
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


def _image_shape(shape: Sequence[int | None]) -> list[int | None]:
    sides = list(shape)
    if len(sides) != 3 or not all(side is None or side > 0 for side in sides):
        raise InvalidValueError(
            f"image_shape is (height, width, channels), None where any will do; got {shape!r}."
        )
    return sides


def _discover_layers(model: Model) -> Iterator[Layer]:
    # Importing also finds out whether TensorFlow accepts the graph.
    T = model_io.skeleton(model).T
    names = {node.name for node in model.graph_def.node}
    image = T(model.input_name)
    downstream = {image.op}
    for op in graphs.ops_under("import", image.graph):
        if downstream.isdisjoint(tensor.op for tensor in op.inputs):
            continue
        downstream.add(op)
        name = op.name.removeprefix("import/")
        if op.type not in LAYER_OPS or name not in names:
            continue
        tensor = op.outputs[0]
        channel_axis = 1 if infer_data_format(tensor) == "NCHW" else -1
        if tensor.shape.rank in (2, 4):
            depth = tf.compat.dimension_value(tensor.shape[channel_axis])
            tag = "conv" if tensor.shape.rank == 4 else "dense"
            if depth is not None:
                yield Layer(model, name, depth, {tag})


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
