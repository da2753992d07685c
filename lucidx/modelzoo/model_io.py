"""The three ways of using a model's graph: imported whole, as a function, and from numpy to numpy.

Functions, and rendering, import only the part of the graph that is asked for: `import_layers`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from lucidx.errors import (
    InvalidTypeError,
    InvalidValueError,
    UnknownLayerError,
    did_you_mean,
)
from lucidx.misc.graph_analysis.property_inference import infer_data_format
from lucidx.modelzoo import graphs
from lucidx.optvis.overrides import frozen_weights, gradient_override_map, redirected_relu_map

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model

tf1 = tf.compat.v1

LARGE = 2**26  # bytes of a graph from which on functions share its weights
SHAPES = 1024  # bytes of a constant up to which it may be a shape, which has to stay one
KEPT = 64  # traced functions kept per model; the oldest go first


def create_input(
    model: Model, t_input: tf.Tensor | None, forget_xy_shape: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """See `Model.create_input`."""
    if t_input is None:
        if tf.executing_eagerly():
            raise InvalidValueError(graphs.NO_GRAPH)
        t_input = tf1.placeholder(tf.float32, model.image_shape)
    elif not tf.is_tensor(t_input):
        t_input = tf.convert_to_tensor(t_input)
    if not t_input.dtype.is_floating:
        raise InvalidTypeError(
            f"Images are floats in 0..1; these are {t_input.dtype.name}: divide by 255, if that is "
            "white."
        )
    images = t_input[tf.newaxis] if t_input.shape.rank == 3 else t_input
    check_images_shape(model, images.shape)
    if forget_xy_shape:
        shape = [tf.compat.dimension_value(images.shape[i]) for i in (0, -1)]
        images = tf1.placeholder_with_default(images, [shape[0], None, None, shape[1]])
    return t_input, _to_value_range(model, tf.cast(images, tf.float32))


def _to_value_range(model: Model, images: tf.Tensor) -> tf.Tensor:
    lo, hi = (np.asarray(bound, np.float32) for bound in model.image_value_range)
    channels = tf.compat.dimension_value(images.shape[-1])
    if channels and not {lo.shape, hi.shape} <= {(), (1,), (channels,)}:
        raise InvalidValueError(
            "The bounds of image_value_range are numbers, or one number for each of the "
            f"{channels} channels; {model.name} has {model.image_value_range}."
        )
    if model.is_BGR is True:
        images = tf.reverse(images, [-1])
    return lo + images * (hi - lo)


def check_images_shape(
    model: Model, shape: tf.TensorShape, advice: Callable[[int, int], str] | None = None
) -> None:
    """Refuse images that are not a batch, or have another number of channels than the model takes.

    Parameters
    ----------
    advice : what to do about images of the wrong number of channels, from the number of channels
        that the model takes and that of the images; by default, how to render others.

    Raises
    ------
    InvalidValueError
    """
    channels = model.image_shape[-1]
    if shape.rank != 4:
        raise InvalidValueError(
            f"{model.name} takes images [N, H, W, {channels}] or one image [H, W, {channels}]; "
            f"these have shape {shape}."
        )
    given = tf.compat.dimension_value(shape[-1])
    if None not in (channels, given) and given != channels:
        plural = "" if channels == 1 else "s"
        raise InvalidValueError(
            f"{model.name} takes images of {channels} channel{plural}; these have {given}."
            f"{(advice or _how_to_render)(channels, given)}"
        )


def _how_to_render(channels: int, given: int) -> str:
    if (channels, given) == (3, 4):
        return " To render with transparency, add transform.collapse_alpha_random()."
    if (channels, given) == (3, 1):
        return " For grey images, use param.grayscale_image_rgb."
    return f" Make them with param.image(..., channels={channels})." if channels != 3 else ""


def _how_to_convert(channels: int, given: int) -> str:
    if (channels, given) == (3, 4):
        return " Leave transparency out: images[..., :3]."
    if (channels, given) == (3, 1):
        return " Repeat the grey channel: np.repeat(images, 3, -1)."
    if channels == 1 and given in (3, 4):
        return " Make them grey: images[..., :3].mean(-1, keepdims=True)."
    if channels == 1:
        return (
            " If they are [N, H, W] or [H, W], add the axis of channels: images[..., np.newaxis]."
        )
    return ""


def import_graph(
    model: Model,
    t_input: tf.Tensor | None,
    scope: str,
    forget_xy_shape: bool,
    input_map: Mapping[str, tf.Tensor] | None,
) -> graphs.T:
    """See `Model.import_graph`."""
    graph_def = model.graph_def
    _, t_prep_input = create_input(model, t_input, forget_xy_shape)
    image = graphs.tensor_of(model.input_name)
    replaced = {graphs.tensor_of(name): tensor for name, tensor in (input_map or {}).items()}
    inputs = {image: t_prep_input, **replaced}
    _check_nodes(model, inputs)
    full_scope = graphs.import_graphdef(graph_def, scope, inputs, model.name)
    model.post_import(full_scope)
    layers = [layer.name for layer in model.layers]
    return graphs.lookup(full_scope, model.name, layers, {image: inputs[image]})


def _check_nodes(model: Model, tensors: Iterable[str]) -> None:
    nodes = {node.name for node in model.graph_def.node}
    for name in map(graphs.node_of, tensors):
        if name not in nodes:
            raise UnknownLayerError(
                f"The graph of {model.name} has no node {name!r}. {did_you_mean(name, nodes)}"
            )


class LayerInfo(NamedTuple):
    """What is known of a layer before any image: its tensor's static shape, type and layout."""

    shape: tf.TensorShape
    dtype: tf.DType
    data_format: str | None
    op_type: str


class Skeleton(NamedTuple):
    """A model's graph after import: for looking things up, and for cutting parts out of.

    Attributes
    ----------
    graph_def : copy of the model's graph, by which edits of the original are noticed.
    feeding : how the model was fed.
    added : nodes that `post_import` adds.
    T : the layers' tensors, in a graph of their own.
    functions : traced functions that use the model, by what they do; the last used.
    facts : what has been found out about the model.
    weights : values of constants, by tensor name, for functions to share.
    """

    graph_def: graphs.GraphDef
    feeding: tuple[Any, ...]
    added: tuple[graphs.NodeDef, ...]
    T: graphs.T
    functions: dict[Any, Any]
    facts: dict[Any, Any]
    weights: dict[str, tf.Tensor]

    def layer(self, name: str) -> LayerInfo:
        """What is known of a layer.

        Raises
        ------
        UnknownLayerError
        """
        tensor = self.T(name)
        return LayerInfo(tensor.shape, tensor.dtype, infer_data_format(tensor), tensor.op.type)

    def function(self, key: Any, make: Callable[[], Any]) -> Any:
        """`make()`, or what it returned before for the same `key`; not kept if `key` is None."""
        if key is None:
            return make()
        made = self.functions.pop(key) if key in self.functions else make()
        self.functions[key] = made
        if len(self.functions) > KEPT:
            self.functions.pop(next(iter(self.functions)), None)
        return made

    def fact(self, key: Any, find: Callable[[], Any]) -> Any:
        """`find()`, or what it returned before for the same `key`: kept as long as the model."""
        if key not in self.facts:
            self.facts[key] = find()
        return self.facts[key]


def skeleton(model: Model) -> Skeleton:
    """The model's skeleton, made anew when the model has been edited."""
    kept = getattr(model, "_skeleton", None)
    if kept is None or kept.feeding != _feeding(model) or kept.graph_def != model.graph_def:
        kept = model._skeleton = _make_skeleton(model)
    return kept


def _feeding(model: Model) -> tuple[Any, ...]:
    bounds = [np.asarray(bound, np.float32).tolist() for bound in model.image_value_range]
    return (model.input_name, tuple(model.image_shape), model.is_BGR, *bounds)


def _make_skeleton(model: Model) -> Skeleton:
    graph_def = graphs.GraphDef()
    graph_def.CopyFrom(model.graph_def)
    with tf.Graph().as_default() as graph:
        images = tf1.placeholder(tf.float32, [None, None, None, model.image_shape[-1]])
        T = import_graph(model, images, "import", True, None)
    original = {node.name for node in graph_def.node}
    added = []
    for op in graphs.ops_under("import", graph):
        name = op.name.removeprefix("import/")
        if name not in original:
            node = graphs.NodeDef()
            node.CopyFrom(op.node_def)
            node.name = name
            node.input[:] = [i.removeprefix("import/") for i in op.node_def.input]
            added.append(node)
    return Skeleton(graph_def, _feeding(model), tuple(added), T, {}, {}, {})


def import_layers(
    model: Model,
    layers: Iterable[str],
    t_input: tf.Tensor,
    inputs: str | None = None,
    relu: str = "exact",
) -> graphs.T:
    """Import into the graph being built what `layers` need of a model.

    Parameters
    ----------
    layers : names.
    t_input : images `[N, H, W, C]`, RGB in 0..1, or the tensor of the layer `inputs`.
    inputs : a hidden layer to cut the graph at.
    relu : `"exact"` or `"redirected"`, see `Model.function`.
    """
    image = graphs.tensor_of(model.input_name)
    if inputs is None:
        cut, (_, tensor) = image, create_input(model, t_input, True)
    else:
        cut, tensor = graphs.tensor_of(inputs), t_input
    parts = skeleton(model)
    layers = list(layers)
    pruned = graphs.prune(parts.graph_def, layers, {cut, image}, parts.added)
    reached = graphs.tensors_read(pruned) | set(map(graphs.tensor_of, layers))
    if inputs is not None:
        _check_cut(model, layers, cut, reached)
    _check_complete(model, layers, pruned)
    weights = {}
    # Small models keep their constants: the kernels remember how they have rearranged them. A
    # tf.Graph cannot hold on to values of outside.
    if pruned.ByteSize() >= LARGE and hasattr(tf1.get_default_graph(), "capture"):
        weights = share_weights(parts, pruned)
    gradients = frozen_weights | (redirected_relu_map if relu == "redirected" else {})
    with gradient_override_map(gradients):
        mapped = {cut: tensor} if cut in graphs.tensors_read(pruned) else {}
        scope = graphs.import_graphdef(pruned, "import", mapped | weights, model.name)
    return graphs.lookup(scope, model.name, given={cut: tensor, **weights})


def share_weights(parts: Skeleton, graph_def: graphs.GraphDef) -> dict[str, tf.Tensor]:
    """Take the weights out of a graph, in place, and give them to the function being traced.

    TensorFlow keeps half a dozen copies of a function's constants, for as long as the process
    lives, and takes seconds to make them.

    Parameters
    ----------
    parts : of the model; holds the weights that its functions share.
    graph_def : a part of its graph.

    Returns
    -------
    The weights as tensors of the function being traced, by name.
    """
    weights, rest = {}, []
    waited_for = {name[1:] for node in graph_def.node for name in node.input if name[:1] == "^"}
    for node in graph_def.node:
        constant = node.attr["value"].tensor if node.op == "Const" else None
        is_shape = constant is None or len(constant.tensor_content) < SHAPES
        if is_shape or node.name in waited_for:
            rest.append(node.SerializeToString())
            continue
        name = f"{node.name}:0"
        if name not in parts.weights:
            with tf.init_scope():
                parts.weights[name] = tf.constant(tf.make_ndarray(constant))
        # Without the stop, tapes would compute gradients of all weights.
        captured = tf1.get_default_graph().capture(parts.weights[name])
        weights[name] = tf.stop_gradient(captured)
    del graph_def.node[:]
    graph_def.node.extend(map(graphs.NodeDef.FromString, rest))
    return weights


def _check_cut(model: Model, layers: list[str], cut: str, reached: set[str]) -> None:
    name = cut.removesuffix(":0")
    if cut not in reached:
        raise InvalidValueError(f"In {model.name}, {name!r} does not come before {layers}.")
    image = graphs.tensor_of(model.input_name)
    if image in reached and image != cut:
        raise InvalidValueError(
            f"In {model.name}, {layers} depend on the image in other ways than through {name!r} (a "
            "connection skips it). Cut where everything passes, for instance at the end of a block."
        )


def _check_complete(model: Model, layers: list[str], pruned: graphs.GraphDef) -> None:
    unfed = [node.name for node in pruned.node if node.op in graphs.PLACEHOLDERS]
    if unfed:
        raise InvalidValueError(
            f"In {model.name}, {layers} depend on {unfed}, which nothing is fed to. Freeze the "
            f"model with constants in their place, or name another input than {model.input_name!r}."
        )


def function(
    model: Model, outputs: str | Sequence[str], inputs: str | None, relu: str
) -> Callable[[tf.Tensor], Any]:
    """See `Model.function`."""
    if relu not in ("exact", "redirected"):
        raise InvalidValueError(f"relu is 'exact' or 'redirected', not {relu!r}.")
    single = isinstance(outputs, str) or not isinstance(outputs, Sequence)
    names = [getattr(o, "name", o) for o in ([outputs] if single else outputs)]
    inputs = getattr(inputs, "name", inputs)
    return _function(model, skeleton(model), names, single, inputs, relu)


def _function(
    model: Model, parts: Skeleton, names: list[str], single: bool, inputs: str | None, relu: str
) -> Callable[[tf.Tensor], Any]:
    if not names:
        raise InvalidValueError("No layer is named: ask for a layer by its name, or for several.")
    for name in names:
        parts.layer(name)
    if inputs is None:
        spec = tf.TensorSpec([None, None, None, model.image_shape[-1]], tf.float32, "images")
    else:
        spec = tf.TensorSpec(parts.layer(inputs).shape, tf.float32)

    def build(t_input: tf.Tensor) -> Any:
        T = import_layers(model, names, t_input, inputs, relu)
        return T(names[0]) if single else [T(name) for name in names]

    def make() -> Callable[[tf.Tensor], Any]:
        traced = tf1.wrap_function(build, [spec])

        def checked(t_input: tf.Tensor) -> Any:
            t_input = tf.convert_to_tensor(t_input)
            if not t_input.dtype.is_floating:
                raise InvalidTypeError(
                    f"{model.name} takes floats, images in 0..1; got {t_input.dtype.name}."
                )
            if inputs is None and t_input.shape.rank == 3:
                raise InvalidValueError(
                    f"This function of {model.name} takes a batch of images; for one image, pass "
                    "image[tf.newaxis]."
                )
            if inputs is None:
                check_images_shape(model, t_input.shape)
            elif not spec.shape.is_compatible_with(t_input.shape):
                raise InvalidValueError(
                    f"Layer {inputs!r} of {model.name} has shape {spec.shape}; got {t_input.shape}."
                )
            try:
                return traced(tf.cast(t_input, tf.float32))
            except tf.errors.OpError as error:
                reason = _impossible(model, names, inputs, t_input.shape, error)
                raise InvalidValueError(reason) from error
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                # Under a tape, TensorFlow also makes the gradient here.
                raise InvalidValueError(
                    f"{model.name} cannot compute the gradient of {names}: {error}"
                ) from error

        checked.__wrapped__ = traced
        return checked

    return parts.function(("function", *names, single, inputs, relu), make)


def as_images(model: Model, images: np.ndarray) -> np.ndarray:
    """Images as an array `[N, H, W, C]` of floats or bytes; their values are not looked at.

    Raises
    ------
    InvalidValueError : wrong rank or number of channels, or none at all.
    InvalidTypeError : not an array of numbers.
    """
    try:
        images = np.asarray(images)
    except ValueError as error:
        raise InvalidTypeError("Images of different sizes do not make one array.") from error
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise InvalidTypeError(f"Images are floats in 0..1 or uint8, not {images.dtype}.")
    images = images[np.newaxis] if images.ndim == 3 else images
    check_images_shape(model, tf.TensorShape(images.shape), _how_to_convert)
    if not images.size:
        raise InvalidValueError(f"There are no images: their shape is {images.shape}.")
    return images


def as_floats(images: np.ndarray) -> np.ndarray:
    """Images, floats in 0..1 or bytes, as float32 in 0..1.

    Raises
    ------
    InvalidValueError : values outside of 0..1, or not finite.
    """
    if images.dtype == np.uint8:
        return images / np.float32(255)
    images = images.astype(np.float32, copy=False)
    lowest, highest = images.min(), images.max()
    if not (lowest >= -0.01 and highest <= 1.01):
        raise InvalidValueError(
            "Images are in 0..1, whatever range the model works in; these span "
            f"{lowest:.4g} to {highest:.4g}."
        )
    return images


def reason_of(error: tf.errors.OpError) -> str:
    """What went wrong, without where: TensorFlow says that before and after it."""
    return error.message.partition("\n\t [[")[0].strip().splitlines()[-1]


def evaluator(model: Model, layers: Sequence[str]) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Function from a batch of images to activations of layers, wherever it is called from.

    The model is looked at once, here: get the function once for many batches.

    Parameters
    ----------
    layers : names.

    Returns
    -------
    Function of images `[N, H, W, C]`, floats in 0..1 or bytes, returning for each layer a float32
    array `[N, ...]`, not to be written to.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError : a layer is not of real numbers. By the function: an image is not in 0..1,
        the network cannot take images of this size, or a layer is not `[N, ...]`.
    """
    parts = skeleton(model)
    for name in layers:
        dtype = parts.layer(name).dtype
        if not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
            raise InvalidValueError(
                f"In {model.name}, {name!r} is {dtype.name}: only real numbers are activations."
            )
    with eagerly():
        compute = _function(model, parts, list(layers), False, None, "exact")

    def evaluate(images: np.ndarray) -> list[np.ndarray]:
        floats = as_floats(images)
        with eagerly():
            values = compute(tf.constant(floats))
            arrays = [np.asarray(value).astype(np.float32, copy=False) for value in values]
        for name, array in zip(layers, arrays, strict=True):
            if array.shape[:1] != images.shape[:1]:
                raise InvalidValueError(
                    f"In {model.name}, {name!r} does not have one entry per image: for "
                    f"{len(images)} images its shape is {array.shape}."
                )
        return arrays

    return evaluate


def _impossible(
    model: Model,
    layers: Sequence[str],
    inputs: str | None,
    shape: Sequence[int | None],
    error: tf.errors.OpError,
) -> str:
    height, width, _ = model.image_shape
    made_for = ""
    if inputs is None and None not in (height, width) and tuple(shape[1:3]) != (height, width):
        made_for = f" It is made for height {height} and width {width}."
    source = "images" if inputs is None else repr(inputs)
    return (
        f"{model.name} cannot compute {list(layers)} from {source} of shape {tuple(shape)}: "
        f"{reason_of(error)}{made_for}"
    )


def eagerly() -> contextlib.AbstractContextManager[None]:
    """Context that leaves any graph being built, also where eager execution is switched off."""
    return tf.__internal__.eager_context.eager_mode()


def activations(
    model: Model, images: np.ndarray, layers: str | Sequence[str], batch_size: int
) -> np.ndarray | dict[str, np.ndarray]:
    """See `Model.activations`."""
    if batch_size < 1:
        raise InvalidValueError(f"batch_size is at least 1, not {batch_size}.")
    single_layer = isinstance(layers, str) or not isinstance(layers, Sequence)
    names = [getattr(name, "name", name) for name in ([layers] if single_layer else layers)]
    given = as_images(model, images)
    evaluate = evaluator(model, names)
    joined: list[np.ndarray] = []
    for start in range(0, len(given), batch_size):
        arrays = evaluate(given[start : start + batch_size])
        # Sizes can depend on those of the images.
        joined = joined or [np.empty((len(given), *a.shape[1:]), np.float32) for a in arrays]
        for whole, array in zip(joined, arrays, strict=True):
            whole[start : start + batch_size] = array
    if np.ndim(images) == 3:
        joined = [array[0] for array in joined]
    return joined[0] if single_layer else dict(zip(names, joined, strict=True))
