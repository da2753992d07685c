"""Attribution between two hidden layers: which position of one made which position of the other."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.attribution.feeding import (
    INPUT,
    as_images,
    as_layer,
    batches,
    channels_last,
    check_batch_size,
    check_between,
    check_layer,
    fed_spec,
    import_part,
    maxpool_gradients,
    needs_image,
)
from lucidx.basis import layer_name
from lucidx.errors import InvalidValueError
from lucidx.modelzoo import model_io
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis.overrides import gradient_override_map


@dataclass(frozen=True, eq=False, repr=False)
class LayerAttribution:
    """How much each position of one layer did for each position of a later one.

    Attributes
    ----------
    model, from_layer, to_layer : names.
    values : `[H2, W2, H1, W1]` float32: at `[y2, x2, y1, x1]`, what position (y1, x1) of
        `from_layer` did for the strength of position (y2, x2) of `to_layer`. Dense layers have one
        position.
    strengths : Euclidean norms of the activation vectors of `to_layer`, `[H2, W2]` float32.
    """

    model: str
    from_layer: str
    to_layer: str
    values: np.ndarray
    strengths: np.ndarray

    def __repr__(self) -> str:
        from_shape, to_shape = ("x".join(map(str, self.values.shape[i : i + 2])) for i in (2, 0))
        return (
            f"<LayerAttribution of {to_shape} of {self.to_layer!r} to {from_shape} of "
            f"{self.from_layer!r}>"
        )

    def influenced_by(self, row: int, column: int) -> np.ndarray:
        """What the positions of `from_layer` did for one of `to_layer`: `[H1, W1]`."""
        return self.values[row, column]

    def influences(self, row: int, column: int) -> np.ndarray:
        """What one position of `from_layer` did for those of `to_layer`: `[H2, W2]`."""
        return self.values[:, :, row, column]


def layer_attribution(
    model: Model,
    image: np.ndarray,
    from_layer: str | Layer,
    to_layer: str | Layer,
    *,
    maxpool: str = "exact",
    batch_size: int = 16,
) -> LayerAttribution:
    """How much every position of one layer did for every position of a later one.

    The score of a position is the norm of its activation vector; its gradient with respect to the
    earlier layer, times the activations there, is summed over channels ("The Building Blocks of
    Interpretability", Distill 2018: spatial attribution). It costs a pass between the layers, back
    and forth, for each position of the later one; `batch_size` bounds the memory.

    Parameters
    ----------
    model : a model.
    image : `[H, W, C]` RGB, floats in 0..1 or uint8.
    from_layer : the earlier layer, or `"input"`.
    to_layer : the later layer.
    maxpool : `"smoothed"` for gradients of max pooling without checkerboards, as in the article.
    batch_size : how many positions are computed at once.

    Raises
    ------
    UnknownLayerError, InvalidValueError, InvalidTypeError
    """
    first, last = layer_name(from_layer), layer_name(to_layer)
    check_batch_size(batch_size)
    maxpool_gradients(maxpool)
    for name in (first, last):
        check_layer(model, name)
    if last == INPUT or first == last:
        raise InvalidValueError(f"{last!r} is not after {first!r}: there is nothing to attribute.")
    if first != INPUT:
        check_between(model, first, [last], f"{last!r}")
    images = as_images(model, image)
    if np.ndim(image) != 3:
        raise InvalidValueError(f"This takes one image [H, W, C], not {np.shape(image)}.")
    names = [last] if first == INPUT else [first, last]
    found = dict(zip(names, model_io.evaluator(model, names)(images), strict=True))
    start = images if first == INPUT else channels_last(model, first, found[first])
    vectors = channels_last(model, last, found[last])[0]
    *places, depth = vectors.shape
    flat = vectors.reshape(-1, depth)
    strengths = np.linalg.norm(flat, axis=1)
    # The gradient of the norm; 0 where there is nothing.
    directions = np.divide(
        flat, strengths[:, None], out=np.zeros_like(flat), where=strengths[:, None] > 0
    )
    maps = []
    indices = batches(np.arange(len(flat)), len(flat), batch_size)
    for chunk, kept in indices:
        seeds = np.zeros((len(chunk), *flat.shape), np.float32)
        seeds[np.arange(len(chunk)), chunk] = directions[chunk]
        run = _function(model, first, last, maxpool, len(chunk))
        with model_io.eagerly():
            seeds = tf.constant(seeds.reshape(-1, *vectors.shape))
            maps.append(np.asarray(run(tf.constant(images), tf.constant(start), seeds))[:kept])
    grids = [tuple(grid) or (1, 1) for grid in (places, start.shape[1:-1])]
    return LayerAttribution(
        model.name,
        first,
        last,
        np.concatenate(maps).reshape(*grids[0], *grids[1]),
        strengths.reshape(grids[0]),
    )


def _function(
    model: Model, first: str, last: str, maxpool: str, size: int
) -> Callable[..., tf.Tensor]:
    key = ("layer attribution", first, last, maxpool, size)
    make = functools.partial(_trace, model, first, last, maxpool, size)
    return model_io.skeleton(model).function(key, make)


def _trace(
    model: Model, first: str, last: str, maxpool: str, size: int
) -> Callable[..., tf.Tensor]:
    """Function of image, activations of `first` and gradients of `last` for each position."""
    image = tf.TensorSpec([1, None, None, model.image_shape[-1]], tf.float32)
    start = image if first == INPUT else fed_spec(model, first, 1)
    whole = first == INPUT or not needs_image(model, first, [last])

    def attribute(image: tf.Tensor, start: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
        def repeated(t: tf.Tensor) -> tf.Tensor:
            return tf.tile(t, [size, *(1 for _ in t.shape[1:])])

        at = repeated(start)
        images = at if first == INPUT else image if whole else repeated(image)
        fed: dict[str, Any] = {} if first == INPUT else {first: as_layer(model, first, at)}
        with gradient_override_map(maxpool_gradients(maxpool)):
            T = import_part(model, [last], images, fed)
        reached = tf.cast(channels_last(model, last, T(last)), tf.float32)
        (slope,) = tf.gradients(reached, at, grad_ys=tf.ensure_shape(seeds, reached.shape))
        if slope is None:
            raise InvalidValueError(
                f"No gradient passes from {last!r} to {first!r} in {model.name}."
            )
        return tf.reduce_sum(slope * at, -1)

    with model_io.eagerly():
        seeds = fed_spec(model, last, size)
        return tf.function(attribute, autograph=False).get_concrete_function(image, start, seeds)
