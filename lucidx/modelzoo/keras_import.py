"""Turning a Keras 3 image model into a frozen GraphDef whose nodes carry the layers' names.

Here is what is asked of the model, its shapes, and the way through: `keras_trace` runs it, and
`keras_freeze` makes a graph of the run.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import operator
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError, LucidxError
from lucidx.modelzoo.graphs import GraphDef
from lucidx.modelzoo.keras_freeze import fill_in, freeze, rename_nodes
from lucidx.modelzoo.keras_trace import Trace, all_layers, all_weights, node_names, unique_name

ImageShape = tuple[int | None, int | None, int]

LARGEST_GRAPH = 2**31 - 1  # bytes of a protocol buffer

_TAGS = {2: "dense", 3: "tokens", 4: "conv"}

# Tracing patches `keras.Layer` and changes a global setting of TensorFlow.
_lock = threading.Lock()


class ImportedKeras(NamedTuple):
    """A Keras model as a graph.

    Attributes
    ----------
    graph_def : frozen GraphDef; float32 throughout, channels last.
    input_name : node that takes images, float32 `[N, H, W, C]` in the Keras model's value range.
    image_shape : nominal `(height, width, channels)`; None for a size that the model leaves open.
    layers : `(name, depth, tags)` of every layer output that is a float tensor of rank 2 to 4 with
        a known number of channels (`depth`, the last axis), in the order of computation. Tags are
        `["conv"]` for `[N, H, W, C]`, `["tokens"]` for `[N, T, C]`, `["dense"]` for `[N, C]`.
    """

    graph_def: GraphDef
    input_name: str
    image_shape: ImageShape
    layers: list[tuple[str, int, list[str]]]


@tf.autograph.experimental.do_not_convert
def keras_to_graphdef(
    keras_model: keras.Model, image_shape: Sequence[int | None] | None = None
) -> ImportedKeras:
    """Freeze a Keras 3 model, in inference mode, into a GraphDef with one node per layer call.

    A layer's node has the layer's name, or inside a nested model or layer its path: "base/conv5",
    "outer/inner/conv". Further calls of a shared layer are "conv_1", "conv_2", ...; further outputs
    of one call are "name_output1", "name_output2", ...; names of other layers are skipped. What the
    model returns, if not the output of a layer (a softmax applied in `call`, say), is "output".
    A name that no node of a graph can have ("_conv") gets "layer" in front. Weights are constants
    named by their Keras paths ("conv5/kernel"), as far as layers leave these names free.

    The batch size is left open, and so are height and width if the layers can be traced that way:
    images of other sizes can then be used at least up to the first layer that needs a fixed one.
    All floats, those of mixed-precision policies included, become float32, because small gradients
    vanish in half floats. Gradients are those of the operations in the graph: a
    `tf.custom_gradient` is Python and cannot be part of it. Channels-first models take and give
    channels-last tensors.

    The Keras model is not changed, except that one without weights yet is built.

    Parameters
    ----------
    keras_model : any model with one image as input: Sequential, functional or subclassed.
    image_shape : `(height, width, channels)`, also for channels-first models; height and width may
        be None. Needed for models that are not built or do not know their number of channels; for
        others it replaces the nominal size.

    Returns
    -------
    ImportedKeras
        Graph, name of the input, nominal image shape, layers.

    Raises
    ------
    InvalidTypeError
        `keras_model` is not a Keras 3 model.
    InvalidValueError
        The model does not take one image, its image shape is not known, it has quantized layers or
        more than 2 GB of weights, or Keras or TensorFlow failed to run or freeze it: the message
        names the layer, if that is known, and the original error is the `__cause__`.
    """
    _check_model(keras_model)
    _check_layers(keras_model)
    _check_size(keras_model)
    # Weights live in the eager context even when the caller is building a graph.
    with _lock, tf.__internal__.eager_context.eager_mode():
        _check_weights(keras_model)
        shape = _nominal_shape(keras_model, image_shape)
        _build(keras_model, shape)
        _check_size(keras_model)
        return _imported(keras_model, shape)


# What the model takes


def _check_model(keras_model: keras.Model) -> None:
    if isinstance(keras_model, str | os.PathLike):
        raise InvalidTypeError(
            "Model.from_keras takes a model, not the path of one. Load it first: "
            f"Model.from_keras(keras.saving.load_model({os.fspath(keras_model)!r}), ...)."
        )
    if not isinstance(keras_model, keras.Model):
        kind = f"{type(keras_model).__module__}.{type(keras_model).__qualname__}"
        raise InvalidTypeError(
            f"A Keras 3 model (keras.Model) is needed, not a {kind}. A model of tf_keras (Keras 2) "
            "can be saved with model.save('m.keras') and opened with keras.models.load_model."
        )
    if keras.backend.backend() != "tensorflow":
        raise InvalidValueError(
            f"Keras computes with {keras.backend.backend()} here. Set the environment variable "
            "KERAS_BACKEND=tensorflow before keras is imported, and load the model again."
        )


def _check_size(keras_model: keras.Model, rest: int = 0) -> None:
    """Refuse a model that is too large for a graph, from the shapes of its weights alone.

    Parameters
    ----------
    rest : bytes of the graph without the weights.
    """
    size = sum(_bytes_in_graph(weight) for weight in all_weights(keras_model)) + rest
    if size > LARGEST_GRAPH:
        raise InvalidValueError(
            f"The Keras model {keras_model.name!r} has {size / 2**30:.2f} GB of weights as float32 "
            "constants. TensorFlow keeps a graph in a protocol buffer, of 2 GB at most. Import the "
            "part up to the layer of interest, keras.Model(model.input, model.get_layer(name)"
            ".output), or a smaller model of the family."
        )


def _bytes_in_graph(weight: keras.Variable) -> int:
    dtype = tf.as_dtype(weight.dtype)
    return math.prod(weight.shape) * (4 if dtype.is_floating else dtype.size)


def _check_layers(keras_model: keras.Model) -> None:
    quantized = [
        f"{layer.name!r} ({layer.quantization_mode})"
        for layer in all_layers(keras_model)
        if getattr(layer, "quantization_mode", None)
    ]
    if quantized:
        raise InvalidValueError(
            f"The Keras model {keras_model.name!r} has quantized layers: "
            f"{', '.join(quantized[:5])}. Rounding has no gradient, and what Keras puts in its "
            "place cannot be part of a graph. Import the model as it was before quantize()."
        )


def _check_weights(keras_model: keras.Model) -> None:
    if any(hasattr(weight.value, "graph") for weight in all_weights(keras_model)):
        raise InvalidValueError(
            f"The weights of the Keras model {keras_model.name!r} belong to a tf.Graph and have no "
            "values of their own. Make or load the model outside of any tf.Graph().as_default()."
        )


def _inputs(keras_model: keras.Model) -> list[keras.KerasTensor]:
    """Symbolic inputs; none where only `call` knows them."""
    try:
        return list(keras_model.inputs)
    except (AttributeError, ValueError):
        return []


def _is_channels_first(keras_model: keras.Model) -> bool:
    formats = (getattr(layer, "data_format", None) for layer in all_layers(keras_model))
    return next(filter(None, formats), "channels_last") == "channels_first"


def _nominal_shape(
    keras_model: keras.Model, image_shape: Sequence[int | None] | None
) -> ImageShape:
    own = _own_shape(keras_model)
    asked = None if image_shape is None else _checked_shape(image_shape)
    shape = asked or own
    if shape is None:
        raise InvalidValueError(
            f"The Keras model {keras_model.name!r} has not been built, so the shape of its images "
            "is not known. Pass image_shape=(height, width, channels), or first call it on one."
        )
    if own and own[2] not in (None, shape[2]):
        raise InvalidValueError(
            f"image_shape={shape} has {shape[2]} channels; the images of the Keras model "
            f"{keras_model.name!r} have {own[2]}."
        )
    if shape[2] is None:
        raise InvalidValueError(
            f"The Keras model {keras_model.name!r} does not say how many channels its images have. "
            "Pass image_shape=(height, width, channels); height and width may be None."
        )
    return shape


def _checked_shape(image_shape: Sequence[int | None]) -> ImageShape:
    try:
        shape = tuple(None if size is None else operator.index(size) for size in image_shape)
    except TypeError:
        shape = ()
    if len(shape) != 3 or any(size is not None and size < 1 for size in shape):
        raise InvalidValueError(
            f"image_shape={image_shape!r} is not (height, width, channels): positive integers, or "
            "None for a height and width that the model leaves open."
        )
    return shape


def _own_shape(keras_model: keras.Model) -> ImageShape | None:
    """`(height, width, channels)` the model was made for or built with; None if it was not yet."""
    inputs = _inputs(keras_model)
    shapes = [tuple(tensor.shape) for tensor in inputs]
    shapes = shapes or list(_shapes_in(keras_model.get_build_config()))
    if not shapes:
        return None
    if len(shapes) > 1 or len(shapes[0]) != 4:
        raise InvalidValueError(
            "One image input is needed, [batch, height, width, channels]. The Keras model "
            f"{keras_model.name!r} has {len(shapes)}: {', '.join(map(str, shapes))}. Make a "
            "keras.Model of the part that takes the image, with any other inputs held fixed."
        )
    if inputs and not (tf.as_dtype(inputs[0].dtype).is_floating or inputs[0].dtype == "uint8"):
        raise InvalidValueError(
            f"The Keras model {keras_model.name!r} takes {inputs[0].dtype} images, through which "
            "no gradient can pass. Give it a float32 or uint8 input."
        )
    _, *sizes = shapes[0]
    return (*sizes[1:], sizes[0]) if _is_channels_first(keras_model) else tuple(sizes)


def _shapes_in(config: Any) -> Iterator[tuple[int | None, ...]]:
    """Shapes in the nested lists and dictionaries of a build configuration."""
    entries = list(config.values()) if isinstance(config, Mapping) else config
    if not isinstance(entries, Sequence) or not entries:
        return
    if all(size is None or isinstance(size, int) for size in entries):
        yield tuple(entries)
    else:
        for entry in entries:
            yield from _shapes_in(entry)


def _build(keras_model: keras.Model, shape: ImageShape) -> None:
    """Make the weights of a model that has not made them all."""
    unbuilt = [layer.name for layer in all_layers(keras_model) if not layer.built]
    if not unbuilt:
        return
    height, width, channels = shape
    if height is None or width is None:
        raise InvalidValueError(
            f"The Keras model {keras_model.name!r} has not been built ({', '.join(unbuilt[:5])}), "
            f"for which an image needs a height and a width: pass them in image_shape, not {shape}."
        )
    sizes = (channels, height, width) if _is_channels_first(keras_model) else shape
    with _explained(keras_model, "be built"):
        if isinstance(keras_model, keras.Sequential):
            keras_model.build((None, *sizes))
        else:
            keras_model(tf.zeros([1, *sizes]), training=False)


# The way through


def _imported(keras_model: keras.Model, shape: ImageShape) -> ImportedKeras:
    """Import with open height and width if that works, else with the nominal ones.

    Functions are inlined, unless their Python needs AutoGraph: then they are left to freezing to
    inline, and the layers called inside them are not seen.
    """
    *size, channels = shape
    open_shape = (None, None, channels)
    traced_shapes = [open_shape] if None in size else [open_shape, shape]
    *attempts, last = itertools.product([True, False], traced_shapes)
    for attempt in attempts:
        with contextlib.suppress(InvalidValueError):
            return _imported_as(keras_model, shape, *attempt)
    return _imported_as(keras_model, shape, *last)


def _imported_as(
    keras_model: keras.Model, shape: ImageShape, inlined: bool, traced_shape: ImageShape
) -> ImportedKeras:
    trace = Trace(keras_model, channels_first=_is_channels_first(keras_model), inlined=inlined)
    with _explained(keras_model, f"be run on images of shape {traced_shape}", trace):
        trace.run(traced_shape)
    image, *placeholders = (tensor.op.name for tensor in trace.inputs)
    outputs = [output.tensor for output in trace.outputs]
    nodes = [tensor.op.name for tensor in outputs]
    takes_uint8 = any(tensor.dtype == "uint8" for tensor in _inputs(keras_model))
    with _explained(keras_model, "be frozen"):
        graph_def = freeze(trace.function, trace.inputs, outputs, takes_uint8=takes_uint8)
    with _explained(keras_model, f"be run on images of shape {shape}"):
        tensors = _outputs_for(graph_def, image, shape, nodes)
    if traced_shape != shape and not all(t.shape[1:].is_fully_defined() for t in tensors):
        raise InvalidValueError(
            f"The shapes of layers of the Keras model {keras_model.name!r} cannot be told from "
            f"{shape}, that of its images."
        )
    _check_size(keras_model, graph_def.ByteSize())
    fill_in(graph_def, dict(zip(placeholders, trace.weights, strict=True)))
    names = node_names(trace.outputs)
    input_name = unique_name("input", names)
    rename_nodes(graph_def, {image: input_name, **dict(zip(nodes, names, strict=True))})
    layers = [
        (name, tensor.shape[-1], [_TAGS[tensor.shape.rank]])
        for name, tensor in zip(names, tensors, strict=True)
        if tensor.dtype == tf.float32 and tensor.shape.rank in _TAGS and tensor.shape[-1]
    ]
    return ImportedKeras(graph_def, input_name, shape, layers)


def _outputs_for(
    graph_def: GraphDef, image: str, shape: ImageShape, nodes: Sequence[str]
) -> list[tf.Tensor]:
    """What `nodes` make of one image put into the node `image`, symbolically."""
    with tf.Graph().as_default():
        images = {image: tf.compat.v1.placeholder(tf.float32, [1, *shape])}
        outputs = [f"{node}:0" for node in nodes]
        return tf.import_graph_def(graph_def, images, return_elements=outputs, name="")


@contextlib.contextmanager
def _explained(
    keras_model: keras.Model, failure: str, trace: Trace | None = None
) -> Iterator[None]:
    try:
        yield
    except LucidxError:
        raise
    except Exception as error:
        where = f", at the layer {trace.failed_at!r}" if trace and trace.failed_at else ""
        message = re.sub(r"\x1b\[\d*m", "", str(error))  # Keras prints in bold.
        raise InvalidValueError(
            f"The Keras model {keras_model.name!r} could not {failure}{where}. "
            f"{type(error).__name__}: {message}"
        ) from error
