"""The three ways of using a model's graph: imported whole, as a function, and from numpy to numpy.

Functions, and rendering, import only the part of the graph that is asked for: `import_layers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.graph_analysis.property_inference import infer_data_format
from lucidx.modelzoo import graphs
from lucidx.optvis.overrides import frozen_weights, gradient_override_map, redirected_relu_map

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model

tf1 = tf.compat.v1

KEPT = 32  # traced functions kept per model; the oldest go first


def create_input(
    model: Model, t_input: tf.Tensor | None, forget_xy_shape: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """See `Model.create_input`."""
    if t_input is None:
        t_input = tf1.placeholder(tf.float32, model.image_shape)
    images = t_input[tf.newaxis] if t_input.shape.rank == 3 else t_input
    check_images_shape(model, images.shape)
    if forget_xy_shape:
        shape = [tf.compat.dimension_value(images.shape[i]) for i in (0, -1)]
        images = tf1.placeholder_with_default(images, [shape[0], None, None, shape[1]])
    return t_input, _to_value_range(model, images)


def _to_value_range(model: Model, images: tf.Tensor) -> tf.Tensor:
    lo, hi = (np.asarray(bound, np.float32) for bound in model.image_value_range)
    if model.is_BGR is True:
        images = tf.reverse(images, [-1])
    return lo + images * (hi - lo)


def check_images_shape(model: Model, shape: tf.TensorShape) -> None:
    """Refuse images that are not a batch, or have another number of channels than the model takes.

    Raises
    ------
    InvalidValueError
    """
    channels, given = model.image_shape[-1], None
    if shape.rank == 4:
        given = tf.compat.dimension_value(shape[-1])
    else:
        raise InvalidValueError(
            f"{model.name} takes images [N, H, W, {channels}] or one image [H, W, {channels}]; "
            f"these have shape {shape}."
        )
    if None not in (channels, given) and given != channels:
        hint = ""
        if given == 4 and channels == 3:
            hint = " To render with transparency, add transform.collapse_alpha_random()."
        elif given == 1 and channels == 3:
            hint = " For grey images, use param.grayscale_image_rgb."
        raise InvalidValueError(
            f"{model.name} takes images of {channels} channels; these have {given}.{hint}"
        )


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
    inputs = {graphs.tensor_of(model.input_name): t_prep_input, **(input_map or {})}
    full_scope = graphs.import_graphdef(graph_def, scope, inputs, model.name)
    model.post_import(full_scope)
    return graphs.lookup(full_scope, model.name, [layer.name for layer in model.layers])


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
    fingerprint : of the graph it was made from.
    graph_def : the model's graph with what `post_import` adds.
    T : the layers' tensors, in a graph of their own.
    functions : traced functions that use the model, by what they do.
    """

    fingerprint: bytes
    graph_def: graphs.GraphDef
    T: graphs.T
    functions: dict[Any, Any]

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
        made = self.functions.pop(key, None)
        self.functions[key] = make() if made is None else made
        if len(self.functions) > KEPT:
            del self.functions[next(iter(self.functions))]
        return self.functions[key]


def skeleton(model: Model) -> Skeleton:
    """The model's skeleton, made anew when its graph has been edited."""
    fingerprint = graphs.fingerprint(model.graph_def)
    kept = getattr(model, "_skeleton", None)
    if kept is None or kept.fingerprint != fingerprint:
        kept = model._skeleton = _make_skeleton(model, fingerprint)
    return kept


def _make_skeleton(model: Model, fingerprint: bytes) -> Skeleton:
    with tf.Graph().as_default() as graph:
        images = tf1.placeholder(tf.float32, [None, None, None, model.image_shape[-1]])
        T = import_graph(model, images, "import", True, None)
    original = {node.name for node in model.graph_def.node}
    graph_def = graphs.GraphDef()
    graph_def.CopyFrom(model.graph_def)
    for op in graphs.ops_under("import", graph):
        name = op.name.removeprefix("import/")
        if name not in original:
            added = graph_def.node.add()
            added.CopyFrom(op.node_def)
            added.name = name
            added.input[:] = [i.removeprefix("import/") for i in op.node_def.input]
    return Skeleton(fingerprint, graph_def, T, {})


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
    if inputs is None:
        start, (_, tensor) = model.input_name, create_input(model, t_input, True)
    else:
        start, tensor = inputs, t_input
    start = graphs.node_of(start)
    pruned = graphs.prune(skeleton(model).graph_def, layers, {start})
    reached = {node.name for node in pruned.node}
    if inputs is not None:
        _check_cut(model, list(layers), start, reached)
    gradients = frozen_weights | (redirected_relu_map if relu == "redirected" else {})
    with gradient_override_map(gradients):
        mapped = {graphs.tensor_of(start): tensor} if start in reached else {}
        scope = graphs.import_graphdef(pruned, "import", mapped, model.name)
    return graphs.lookup(scope, model.name)


def _check_cut(model: Model, layers: list[str], cut: str, reached: set[str]) -> None:
    if cut not in reached:
        raise InvalidValueError(f"In {model.name}, {cut!r} does not come before {layers}.")
    if graphs.node_of(model.input_name) in reached:
        raise InvalidValueError(
            f"In {model.name}, {layers} depend on the image in other ways than through {cut!r} (a "
            "connection skips it). Cut where everything passes, for instance at the end of a block."
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
    parts = skeleton(model)
    for name in names:
        parts.layer(name)
    if inputs is None:
        spec = tf.TensorSpec([None, None, None, model.image_shape[-1]], tf.float32, "images")
    else:
        spec = tf.TensorSpec(parts.layer(inputs).shape, tf.float32)

    def build(t_input: tf.Tensor) -> Any:
        T = import_layers(model, names, t_input, inputs, relu)
        return T(names[0]) if single else [T(name) for name in names]

    key = ("function", *names, single, inputs, relu)
    return parts.function(key, lambda: tf1.wrap_function(build, [spec]))


def as_images(model: Model, images: np.ndarray) -> np.ndarray:
    """Images as float32 `[N, H, W, C]` in 0..1.

    Raises
    ------
    InvalidValueError : wrong rank, number of channels, or range.
    InvalidTypeError : not numbers.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        images = images / np.float32(255)
    if not np.issubdtype(images.dtype, np.floating):
        raise InvalidTypeError(f"Images are floats in 0..1 or uint8, not {images.dtype}.")
    images = images[np.newaxis] if images.ndim == 3 else images
    check_images_shape(model, tf.TensorShape(images.shape))
    if images.size and not (images.min() >= -0.01 and images.max() <= 1.01):
        raise InvalidValueError(
            "Images are in 0..1, whatever range the model works in; these span "
            f"{images.min():.4g} to {images.max():.4g}."
        )
    return images.astype(np.float32)


def activations(
    model: Model, images: np.ndarray, layers: str | Sequence[str], batch_size: int
) -> np.ndarray | dict[str, np.ndarray]:
    """See `Model.activations`."""
    if batch_size < 1:
        raise InvalidValueError(f"batch_size is at least 1, not {batch_size}.")
    single_layer = isinstance(layers, str) or not isinstance(layers, Sequence)
    names = [getattr(name, "name", name) for name in ([layers] if single_layer else layers)]
    batch = as_images(model, images)
    if not len(batch):
        raise InvalidValueError("There are no images.")
    run = function(model, names, None, "exact")
    parts = [run(tf.constant(batch[i : i + batch_size])) for i in range(0, len(batch), batch_size)]
    joined = [
        np.concatenate([np.asarray(t) for t in tensors]) for tensors in zip(*parts, strict=True)
    ]
    if np.ndim(images) == 3:
        joined = [array[0] for array in joined]
    return joined[0] if single_layer else dict(zip(names, joined, strict=True))
