"""Feeding a network hidden activations, in batches, in whatever layout its layers have.

The layer need not be a cut of the graph: what does not pass through it (other branches of a block,
residual streams) is computed from the image. What attribution and factorization compute of hidden
layers goes through `import_part`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo import graphs, model_io
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis.overrides.smoothed_maxpool_grad import l2_smoothed_maxpool_grad

INPUT = "input"
_MAXPOOL_GRADIENTS: dict[str, dict[str, Any]] = {
    "exact": {},
    "smoothed": {"MaxPool": l2_smoothed_maxpool_grad},
}


def as_images(model: Model, images: Any) -> np.ndarray:
    """Images as float32 `[N, H, W, C]` in 0..1, from one image or several, floats or bytes.

    Raises
    ------
    InvalidTypeError : not an array, or of another type: says how to get one.
    InvalidValueError : of another form, or values outside of 0..1.
    """
    if isinstance(images, str | os.PathLike):
        raise InvalidTypeError(
            f"An image is an array, not the path {os.fspath(images)!r}. {how_to_read(model)}"
        )
    try:
        return model_io.as_floats(model_io.as_images(model, images))
    except (InvalidTypeError, InvalidValueError) as error:
        raise type(error)(f"{error}{_how_to_scale(images)}") from error


def how_to_read(model: Model) -> str:
    """How a picture in a file becomes what a model takes: a sentence."""
    height, width, channels = (size or "..." for size in model.image_shape)
    return (
        f"lucidx.modelzoo.pictures.read_image(path, ({height}, {width}, {channels})) makes a file "
        f"what {model.name} takes."
    )


def _how_to_scale(images: Any) -> str:
    """For images that would do if they were of another type or range: how to make them so."""
    try:
        array = np.asarray(images)
    except ValueError:
        return ""
    if array.dtype.kind not in "iuf" or not array.size or array.min() < 0 or array.max() > 255:
        return ""
    if array.dtype.kind == "f":
        return " If 255 is white, divide by it: image / 255." if array.max() > 1 else ""
    return " If 255 is white: image.astype(np.uint8)." if array.dtype != np.uint8 else ""


def maxpool_gradients(maxpool: str) -> dict[str, Any]:
    """Gradient overrides for `maxpool`, `"exact"` or `"smoothed"`.

    Raises
    ------
    InvalidValueError : another word.
    """
    if maxpool not in _MAXPOOL_GRADIENTS:
        raise InvalidValueError(f"maxpool is 'exact' or 'smoothed', not {maxpool!r}.")
    return _MAXPOOL_GRADIENTS[maxpool]


def import_part(
    model: Model, layers: Iterable[str], t_input: tf.Tensor, fed: Mapping[str, tf.Tensor]
) -> graphs.T:
    """Import what `layers` need of a model, with other tensors in place of some layers' own.

    What does not pass through those is computed from the images.

    Parameters
    ----------
    layers : names.
    t_input : images `[N, H, W, C]`, RGB in 0..1.
    fed : activations by the layer's name, in the layer's own layout.
    """
    parts = model_io.skeleton(model)
    _, images = model_io.create_input(model, t_input, True)
    given = {graphs.tensor_of(name): t for name, t in fed.items()}
    given.setdefault(graphs.tensor_of(model.input_name), images)
    pruned = graphs.prune(parts.graph_def, layers, given, parts.added)
    # Attribution asks a few things of many layers: each function would hold copies of all weights.
    given |= model_io.share_weights(parts, pruned)
    read = graphs.tensors_read(pruned)
    # Without the gradients of convolutions made for many steps, `overrides.frozen_weights`:
    # preparing them takes longer than they save here.
    mapped = {name: tensor for name, tensor in given.items() if name in read}
    scope = graphs.import_graphdef(pruned, "import", mapped, model.name)
    return graphs.lookup(scope, model.name, given=given)


def check_between(model: Model, cut: str, layers: Iterable[str], what: str) -> None:
    """Refuse a layer that `layers` do not depend on.

    Parameters
    ----------
    cut : name of the layer.
    layers : names.
    what : that is computed from them, for the message.

    Raises
    ------
    InvalidValueError
    UnknownLayerError
    """
    parts = model_io.skeleton(model)
    layers = list(layers)
    for name in (cut, *layers):
        parts.layer(name)
    read = graphs.tensors_read(graphs.prune(parts.graph_def, layers, (), parts.added))
    if graphs.tensor_of(cut) not in read | set(map(graphs.tensor_of, layers)):
        raise InvalidValueError(
            f"In {model.name}, {what} (computed from {', '.join(layers)}) does not depend on "
            f"{cut!r}, which is not before it. Choose an earlier layer, or a later score."
        )


def needs_image(model: Model, cut: str, layers: Iterable[str]) -> bool:
    """Whether `layers` depend on the image in other ways than through `cut`."""
    parts = model_io.skeleton(model)
    image = graphs.tensor_of(model.input_name)
    layers = list(layers)
    pruned = graphs.prune(parts.graph_def, layers, {image, graphs.tensor_of(cut)}, parts.added)
    return image in graphs.tensors_read(pruned) | set(map(graphs.tensor_of, layers))


def fed_spec(model: Model, layer: str, batch: int) -> tf.TensorSpec:
    """Shape and type of what is fed to a layer: channels last."""
    info = model_io.skeleton(model).layer(layer)
    shape = info.shape.as_list()
    if info.data_format == "NCHW":
        shape = [shape[i] for i in (0, 2, 3, 1)]
    return tf.TensorSpec([batch, *shape[1:]], tf.float32)


def channels_last(model: Model, layer: str, acts: Any) -> Any:
    """Activations of a layer, array or tensor, with channels last whatever the layer's layout."""
    if model_io.skeleton(model).layer(layer).data_format != "NCHW":
        return acts
    return tf.transpose(acts, [0, 2, 3, 1]) if tf.is_tensor(acts) else np.moveaxis(acts, -3, -1)


def as_layer(model: Model, layer: str, t: tf.Tensor) -> tf.Tensor:
    """A tensor with its channels last in the layer's own layout and type."""
    info = model_io.skeleton(model).layer(layer)
    t = tf.transpose(t, [0, 3, 1, 2]) if info.data_format == "NCHW" else t
    return tf.cast(t, info.dtype)


def check_layer(model: Model, layer: str) -> None:
    """Refuse what attribution cannot be to: a layer that is not `[N, ..., C]` of floats.

    Raises
    ------
    InvalidValueError
    UnknownLayerError
    """
    if layer == INPUT:
        return
    info = model_io.skeleton(model).layer(layer)
    rank = info.shape.rank or 0
    if not info.dtype.is_floating or rank < 2 or info.shape[0] is not None:
        raise InvalidValueError(
            f"{layer!r} of {model.name} is {info.dtype.name} of shape {info.shape}, not the "
            "activations of a layer, [N, h, w, C] or [N, C]."
        )


def check_batch_size(batch_size: int) -> None:
    """Refuse what is not a whole number of at least 1.

    Raises
    ------
    InvalidValueError
    """
    whole = isinstance(batch_size, int | np.integer) and not isinstance(batch_size, bool)
    if not whole or batch_size < 1:
        raise InvalidValueError(f"batch_size is a whole number of at least 1, not {batch_size!r}.")


def batches(
    arrays: Iterable[np.ndarray], count: int, batch_size: int
) -> Iterator[tuple[np.ndarray, int]]:
    """Stack the first `count` arrays in batches of one size, so that one trace serves them all.

    Returns
    -------
    Pairs of a batch and of how many in it are meant: the last one is filled up.
    """
    arrays = iter(arrays)
    size = math.ceil(count / math.ceil(count / batch_size))
    for start in range(0, count, size):
        chunk = list(islice(arrays, min(size, count - start)))
        yield np.stack(chunk + chunk[-1:] * (size - len(chunk))), len(chunk)
