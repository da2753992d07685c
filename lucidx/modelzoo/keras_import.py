"""Turning a Keras 3 image model into a frozen GraphDef whose nodes carry the layers' names.

The model is run once on a symbolic image while every layer call is watched. Each output of a layer
is replaced by an identity of itself, on which everything downstream then depends. Renamed to the
layer's path, these identities are where activations are read, where the graph can be cut, and where
gradients arrive. Watching calls rather than reading `model.layers` is what makes nested, subclassed
and shared layers all the same case.
"""

from __future__ import annotations

import contextlib
import contextvars
import hashlib
import itertools
import operator
import re
import threading
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from lucidx.errors import InvalidTypeError, InvalidValueError, LucidxError
from lucidx.modelzoo.graphs import prune

GraphDef = tf.compat.v1.GraphDef
NodeDef = tf.compat.v1.NodeDef
AttrValue = tf.compat.v1.AttrValue
NameAttrList = tf.compat.v1.NameAttrList
ImageShape = tuple[int | None, int | None, int]

_TAGS = {2: "dense", 3: "tokens", 4: "conv"}

# What is below 6e-8 is zero in float16, and gradients of a mean over a layer easily are. The
# variables of mixed-precision models are float32 anyway. What is done with a layer (objectives,
# directions, attribution) is done in float32, which is why doubles change too.
_FLOAT32 = {
    tf.float16.as_datatype_enum: tf.float32.as_datatype_enum,
    tf.bfloat16.as_datatype_enum: tf.float32.as_datatype_enum,
    tf.float64.as_datatype_enum: tf.float32.as_datatype_enum,
    tf.complex128.as_datatype_enum: tf.complex64.as_datatype_enum,
}
# No gradient passes through the rounding at the entrance of a model made for integer images.
_FLOAT32_IMAGES = {tf.uint8.as_datatype_enum: tf.float32.as_datatype_enum}

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
        The model does not take one image, its image shape is not known, or Keras or TensorFlow
        failed to run or freeze it: the message names the layer, if that is known, and the
        original error is the `__cause__`.
    """
    _check_model(keras_model)
    # Weights live in the eager context even when the caller is building a graph.
    with _lock, tf.__internal__.eager_context.eager_mode():
        _check_weights(keras_model)
        shape = _nominal_shape(keras_model, image_shape)
        _build(keras_model, shape)
        return _imported(keras_model, shape)


# What the model takes


def _check_model(keras_model: keras.Model) -> None:
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


def _check_weights(keras_model: keras.Model) -> None:
    if any(hasattr(weight.value, "graph") for weight in keras_model.weights):
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


def _data_formats(layer: keras.Layer) -> Iterator[str]:
    own = getattr(layer, "data_format", None)
    if own:
        yield own
    for inner in layer._flatten_layers(include_self=False, recursive=False):
        yield from _data_formats(inner)


def _is_channels_first(keras_model: keras.Model) -> bool:
    return next(_data_formats(keras_model), "channels_last") == "channels_first"


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
    unbuilt = [layer.name for layer in keras_model._flatten_layers() if not layer.built]
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


# Watching the layers


class _Output(NamedTuple):
    path: str
    index: int  # among the outputs of the call
    tensor: tf.Tensor


class _Trace:
    """One run of a model on a symbolic image, and what its layers returned."""

    def __init__(self, keras_model: keras.Model, weights: Sequence[keras.Variable]):
        self.keras_model = keras_model
        self.weights = weights
        self.outputs: list[_Output] = []
        self.failed_at: str | None = None
        self.function: Any = None
        self._channels_first = _is_channels_first(keras_model)
        self._graph: tf.Graph | None = None
        self._enclosing: list[str] = []
        self._passed_on: list[tf.Tensor] = []

    def run(self, image: tf.Tensor, *values: tf.Tensor) -> None:
        """Run the model on an image, with `values` in place of those of its weights."""
        self._graph = image.graph
        image = tf.transpose(image, [0, 3, 1, 2]) if self._channels_first else image
        with keras.StatelessScope(list(zip(self.weights, values, strict=True))):
            result = self.keras_model(_structured(self.keras_model, image), training=False)
        recorded = {id(tensor) for tensor in self._passed_on}
        for index, tensor in enumerate(tf.nest.flatten(result)):
            if id(tensor) not in recorded:
                self._recorded(tensor, "output", index)

    def call(self, layer: keras.Layer, call: Callable[[], Any]) -> Any:
        if layer is self.keras_model:
            return call()
        self._enclosing.append(layer.name)
        path = "/".join(self._enclosing)
        try:
            result = call()
        except Exception:
            self.failed_at = self.failed_at or path
            raise
        finally:
            self._enclosing.pop()
        self.failed_at = None
        # Layers that work on any format (activations, additions) keep that of the layer before.
        own_format = getattr(layer, "data_format", None)
        if own_format:
            self._channels_first = own_format == "channels_first"
        flat = [
            self._recorded(tensor, path, index)
            for index, tensor in enumerate(tf.nest.flatten(result))
        ]
        return tf.nest.pack_sequence_as(result, flat)

    def _recorded(self, tensor: Any, path: str, index: int) -> Any:
        """What is passed on in place of `tensor`, an output of a layer."""
        # Layers are also called on Keras's symbolic tensors while others are being built, and in
        # the graphs of the bodies of loops.
        if not (isinstance(tensor, tf.Tensor) and tf.is_symbolic_tensor(tensor)):
            return tensor
        if tensor.graph is not self._graph:
            return tensor
        transposed = self._channels_first and tensor.shape.rank == 4
        node = tf.identity(tf.transpose(tensor, [0, 2, 3, 1]) if transposed else tensor)
        passed_on = tf.transpose(node, [0, 3, 1, 2]) if transposed else node
        mask = getattr(tensor, "_keras_mask", None)
        if mask is not None:
            passed_on._keras_mask = mask
        self.outputs.append(_Output(path, index, node))
        self._passed_on.append(passed_on)
        return passed_on


def _structured(keras_model: keras.Model, image: tf.Tensor) -> Any:
    """`image` in the list or dictionary in which the model wants its one input."""
    try:
        return tf.nest.pack_sequence_as(keras_model.input, [image])
    except (AttributeError, ValueError):
        return image


_current: contextvars.ContextVar[_Trace | None] = contextvars.ContextVar("trace", default=None)


@contextlib.contextmanager
def _watching(trace: _Trace) -> Iterator[None]:
    """Send the layer calls of this thread through `trace`."""
    original = keras.Layer.__call__

    def watched(self: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        current = _current.get()
        if current is None:
            return original(self, *args, **kwargs)
        return current.call(self, lambda: original(self, *args, **kwargs))

    token = _current.set(trace)
    keras.Layer.__call__ = watched
    try:
        yield
    finally:
        keras.Layer.__call__ = original
        _current.reset(token)


@contextlib.contextmanager
def _functions_inlined(inlined: bool) -> Iterator[None]:
    """Run the bodies of `tf.function`s, jit-compiled ones too, as part of the traced graph.

    Nothing of this trace then remains in their caches, nor do layers in earlier traces go unseen.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(inlined or before)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _imported(keras_model: keras.Model, shape: ImageShape) -> ImportedKeras:
    """Import with open height and width if that works, else with the nominal ones.

    Functions are inlined, unless their Python needs AutoGraph: then they are left to freezing to
    inline, and the layers called inside them are not seen.
    """
    *size, channels = shape
    open_shape = (None, None, channels)
    traced_shapes = [open_shape] if None in size else [open_shape, shape]
    *attempts, last = itertools.product([True, False], traced_shapes)
    for inlined, traced_shape in attempts:
        with contextlib.suppress(InvalidValueError):
            return _imported_as(keras_model, shape, traced_shape, inlined)
    inlined, traced_shape = last
    return _imported_as(keras_model, shape, traced_shape, inlined)


def _imported_as(
    keras_model: keras.Model, shape: ImageShape, traced_shape: ImageShape, inlined: bool
) -> ImportedKeras:
    trace = _traced(keras_model, traced_shape, inlined)
    image, *_ = trace.function.inputs
    nodes = [tensor.op.name for tensor in (image, *(output.tensor for output in trace.outputs))]
    with _explained(keras_model, "be frozen"):
        graph_def = _freeze(trace, nodes)
    with _explained(keras_model, f"be run on images of shape {shape}"):
        tensors = _outputs_for(graph_def, shape, nodes)
    if traced_shape != shape and not all(t.shape[1:].is_fully_defined() for t in tensors):
        raise InvalidValueError(
            f"The shapes of layers of the Keras model {keras_model.name!r} cannot be told from "
            f"{shape}, that of its images."
        )
    _fill_in_weights(graph_def, trace)
    names = _node_names(trace.outputs)
    input_name = _unique("input", names)
    _rename_nodes(graph_def, dict(zip(nodes, [input_name, *names], strict=True)))
    layers = [
        (name, tensor.shape[-1], [_TAGS[tensor.shape.rank]])
        for name, tensor in zip(names, tensors, strict=True)
        if tensor.dtype == tf.float32 and tensor.shape.rank in _TAGS and tensor.shape[-1]
    ]
    return ImportedKeras(graph_def, input_name, shape, layers)


def _traced(keras_model: keras.Model, shape: ImageShape, inlined: bool) -> _Trace:
    # As inputs, the weights stay out of the many copies that freezing makes of a graph. Functions
    # that are not inlined would remember these inputs.
    trace = _Trace(keras_model, keras_model.weights if inlined else [])
    inputs = [tf.TensorSpec([None, *shape], tf.float32)]
    inputs += [tf.TensorSpec(w.shape, w.dtype, name=w.path) for w in trace.weights]
    failure = f"be run on images of shape {shape}"
    with _explained(keras_model, failure, trace), _functions_inlined(inlined), _watching(trace):
        trace.function = tf.compat.v1.wrap_function(trace.run, inputs)
    return trace


@contextlib.contextmanager
def _explained(
    keras_model: keras.Model, failure: str, trace: _Trace | None = None
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


# The graph


def _freeze(trace: _Trace, nodes: Sequence[str]) -> GraphDef:
    """Graph from the first of `nodes`, the image, to the others, with placeholders for weights."""
    inputs = trace.function.inputs[: 1 + len(trace.weights)]
    # Freezing cannot handle updates of moving averages and seeds.
    pruned = trace.function.prune(inputs, [output.tensor for output in trace.outputs])
    frozen = convert_variables_to_constants_v2(
        pruned, lower_control_flow=False, aggressive_inlining=True
    )
    graph_def = _without_effects(frozen.graph.as_graph_def(), nodes)
    _check_self_contained(graph_def, {tensor.op.name for tensor in inputs})
    _isolate_functions(graph_def)
    _make_depthwise(graph_def, frozen.graph)
    _normalize(graph_def, _new_types(trace.keras_model))
    return graph_def


def _fill_in_weights(graph_def: GraphDef, trace: _Trace) -> None:
    placeholders = trace.function.inputs[1:]
    names = [tensor.op.name for tensor in placeholders[: len(trace.weights)]]
    weights = dict(zip(names, trace.weights, strict=True))
    for node in graph_def.node:
        if node.name in weights:
            value = tf.convert_to_tensor(weights[node.name].value).numpy()
            dtype = tf.as_dtype(node.attr["dtype"].type)
            node.op = "Const"
            node.attr.pop("shape")
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype))


def _without_effects(graph_def: GraphDef, nodes: Sequence[str]) -> GraphDef:
    """The part of a graph that computes `nodes`, without assertions, prints and the like.

    What runs after them by way of control inputs could not be cut off from the layers before.
    """
    for node in graph_def.node:
        node.input[:] = [source for source in node.input if not source.startswith("^")]
    return prune(graph_def, nodes)


def _all_nodes(graph_def: GraphDef) -> Iterator[NodeDef]:
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def


def _isolate_functions(graph_def: GraphDef) -> None:
    """Keep the functions that are called (bodies of loops and branches), under names of their own.

    TensorFlow registers the gradients of functions by name, for the whole process, in which the
    model's own functions have the same names and a different content.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    called: set[str] = set()
    nodes = list(graph_def.node)
    while nodes:
        found = {reference.name for reference in _references(nodes.pop())} - called
        called |= found
        nodes += [node for name in found for node in functions[name].node_def]
    kept = [functions[name] for name in sorted(called)]
    graph_def.ClearField("library")
    graph_def.library.function.extend(kept)

    library = graph_def.library.SerializeToString(deterministic=True)
    suffix = hashlib.blake2b(library, digest_size=6).hexdigest()
    for node in _all_nodes(graph_def):
        for reference in _references(node):
            reference.name += f"_{suffix}"
    for function in graph_def.library.function:
        function.signature.name += f"_{suffix}"


def _references(node: NodeDef) -> Iterator[NameAttrList]:
    for attribute in node.attr.values():
        if attribute.func.name:
            yield attribute.func
        yield from attribute.list.func


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


def _new_types(keras_model: keras.Model) -> Mapping[int, int]:
    takes_uint8 = any(tensor.dtype == "uint8" for tensor in _inputs(keras_model))
    return {**_FLOAT32, **_FLOAT32_IMAGES} if takes_uint8 else _FLOAT32


def _normalize(graph_def: GraphDef, types: Mapping[int, int]) -> None:
    """Change types, and drop what belongs to this process, its devices and its variables."""
    for node in _all_nodes(graph_def):
        node.op = _STATELESS.get(node.op, node.op)
        node.device = ""
        node.ClearField("experimental_type")
        for name in _LEFT_BEHIND:
            node.attr.pop(name, None)
        for attribute in node.attr.values():
            _change_types(attribute, types)
    for function in graph_def.library.function:
        for argument in (*function.signature.input_arg, *function.signature.output_arg):
            argument.type = types.get(argument.type, argument.type)


def _change_types(attribute: AttrValue, types: Mapping[int, int]) -> None:
    kind = attribute.WhichOneof("value")
    if kind == "type":
        attribute.type = types.get(attribute.type, attribute.type)
    elif kind == "tensor":
        new = types.get(attribute.tensor.dtype)
        if new is not None:
            values = tf.make_ndarray(attribute.tensor).astype(tf.as_dtype(new).as_numpy_dtype)
            attribute.tensor.CopyFrom(tf.make_tensor_proto(values))
    elif kind == "list":
        attribute.list.type[:] = [types.get(old, old) for old in attribute.list.type]


# Names


def _node_names(outputs: Sequence[_Output]) -> list[str]:
    """One name per output, in order; first calls are served first."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    plain = [_valid(output.path) for output in outputs]
    for position, name in enumerate(plain):
        if outputs[position].index == 0 and name not in taken:
            names[position] = name
            taken.add(name)
    for position, name in enumerate(plain):
        if position not in names:
            index = outputs[position].index
            names[position] = _unique(f"{name}_output{index}" if index else name, taken)
            taken.add(names[position])
    return [names[position] for position in range(len(outputs))]


def _valid(path: str) -> str:
    return path if path[0].isalnum() or path[0] == "." else f"layer{path}"


def _unique(name: str, taken: Container[str]) -> str:
    candidates = itertools.chain([name], (f"{name}_{n}" for n in itertools.count(1)))
    return next(candidate for candidate in candidates if candidate not in taken)


def _rename_nodes(graph_def: GraphDef, names: Mapping[str, str]) -> None:
    """Rename nodes, moving others that have one of the new names out of the way."""
    names = dict(names)
    wanted = set(names.values())
    present = {node.name for node in graph_def.node}
    for name in sorted(wanted & present - names.keys()):
        names[name] = _unique(name, wanted | present | set(names.values()))
    for node in graph_def.node:
        node.name = names.get(node.name, node.name)
        node.input[:] = [_renamed_input(source, names) for source in node.input]


def _renamed_input(source: str, names: Mapping[str, str]) -> str:
    name, colon, output = source.partition(":")
    return f"{names.get(name, name)}{colon}{output}"


def _outputs_for(graph_def: GraphDef, shape: ImageShape, nodes: Sequence[str]) -> list[tf.Tensor]:
    """What the nodes after the first make of one image put into the first, symbolically."""
    image, *outputs = nodes
    with tf.Graph().as_default():
        images = {image: tf.compat.v1.placeholder(tf.float32, [1, *shape])}
        outputs = [f"{node}:0" for node in outputs]
        return tf.import_graph_def(graph_def, images, return_elements=outputs, name="")
