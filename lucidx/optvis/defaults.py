"""What is rendered where nothing is said: an image, and transforms, that suit the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import tensorflow as tf

from lucidx.errors import CorruptFileError
from lucidx.modelzoo import graphs, model_io
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import param, transform

SIZE = 128
CHANGE = 24  # in pixels, what `standard_transforms` change the size by, about


def image_for(
    model: Model, layers: Iterable[str] = (), batch: int | None = None
) -> Callable[[], tf.Tensor]:
    """`param.image` with as many channels as the model takes, of the size `size_for` gives."""
    width, height = size_for(model, layers)
    channels = model.image_shape[-1]
    return lambda: param.image(
        width, height, batch, channels=None if channels in (3, None) else channels
    )


def size_for(model: Model, layers: Iterable[str]) -> tuple[int, int]:
    """Width and height: 128 pixels, or the one size that the layers can be computed for."""
    if takes_any_size(model, layers):
        return SIZE, SIZE
    height, width, _ = model.image_shape
    return width, height


def transforms_for(
    model: Model,
    layers: Iterable[str],
    transforms: Sequence[Callable[[tf.Tensor], tf.Tensor]] = transform.standard_transforms,
) -> Sequence[Callable[[tf.Tensor], tf.Tensor]]:
    """`transforms`, and a crop to the model's size if the layers can be computed for no other."""
    if takes_any_size(model, layers):
        return transforms
    height, width, _ = model.image_shape
    return [*transforms, transform.crop_or_pad_to(height, width)]


def takes_any_size(model: Model, layers: Iterable[str]) -> bool:
    """Whether layers can be computed for images of another size than the model was made for.

    Layers behind a flattening, or with embeddings of positions, cannot; some graphs then take the
    positions for further images. TensorFlow finds that out without computing anything.
    """
    height, width, _ = model.image_shape
    layers = sorted(set(layers))
    if None in (height, width) or not layers:
        return True
    others = [(SIZE, SIZE), (height + CHANGE, width + CHANGE)]
    return model_io.skeleton(model).fact(
        ("takes any size", *layers), lambda: all(_takes(model, layers, *size) for size in others)
    )


def _takes(model: Model, layers: list[str], height: int, width: int) -> bool:
    """Whether layers can be computed for an image of this size, and give one result for it."""
    parts = model_io.skeleton(model)
    image = graphs.tensor_of(model.input_name)
    pruned = graphs.prune(parts.graph_def, layers, {image}, parts.added)
    with tf.Graph().as_default():
        one = tf.compat.v1.placeholder(tf.float32, [1, height, width, model.image_shape[-1]])
        _, prepared = model_io.create_input(model, one, forget_xy_shape=False)
        fed = {image: prepared} if image in graphs.tensors_read(pruned) else {}
        try:
            scope = graphs.import_graphdef(pruned, "import", fed, model.name)
        except CorruptFileError:
            return False
        T = graphs.lookup(scope, model.name, given={image: prepared})
        shapes = [T(layer).shape for layer in layers]
    return all(not shape.rank or shape[0] in (1, None) for shape in shapes)
