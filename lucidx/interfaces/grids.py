"""Activation grids: one picture in which each position is drawn by what is active there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from lucidx import picture_cache
from lucidx.errors import InvalidValueError
from lucidx.modelzoo import model_io
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import defaults, objectives, param, transform
from lucidx.optvis.objectives_util import dot_cossim, matched
from lucidx.optvis.visualization import Visualization

ALGORITHM = 1  # to be raised when grids come out different, so that old ones are not used
_PURITY = 1
_RATE = 0.1
_TRANSFORMS = [
    transform.jitter(8),
    transform.random_scale([0.95, 0.975, 1, 1.025, 1.05]),
    transform.random_rotate([-5, -2, 0, 2, 5]),
    transform.jitter(4),
]


def pooled(activations: np.ndarray, cells: int) -> np.ndarray:
    """Activations averaged over neighbouring positions.

    Parameters
    ----------
    activations : `[h, w, C]`.
    cells : rows and columns that are wanted at most.

    Returns
    -------
    float32 `[min(h, cells), min(w, cells), C]`.
    """
    for axis in (0, 1):
        size = activations.shape[axis]
        number = min(size, cells)
        edges = np.arange(number + 1) * size // number
        parts = np.add.reduceat(activations, edges[:-1], axis)
        widths = np.diff(edges).astype(np.float32)
        activations = parts / np.expand_dims(widths, [a for a in range(3) if a != axis])
    return activations.astype(np.float32)


@objectives.wrap_objective(require_format="NHWC", traced=("vectors",))
def arrangement(layer: str, vectors: np.ndarray, cossim_pow: float = 0) -> objectives.Objective:
    """Activations everywhere in the directions of an arrangement stretched over the image.

    Parameters
    ----------
    layer : name of a layer with activations `[N, H, W, C]`.
    vectors : directions, `[h, w, C]`.
    cossim_pow : weight by this power of the cosine, which favours purity over magnitude.
    """

    def inner(T: Callable[[str], tf.Tensor]) -> tf.Tensor:
        acts = matched(T(layer), vectors, layer)
        stretched = tf.image.resize(
            tf.convert_to_tensor(vectors)[tf.newaxis], tf.shape(acts)[1:3], method="nearest"
        )
        return dot_cossim(acts, stretched, cossim_pow)

    return inner


def draw(
    model: Model,
    layer: str,
    vectors: np.ndarray,
    cell_size: int,
    steps: int,
    *,
    seed: int = 0,
    cache: bool = True,
    on_step: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Draw an arrangement of activation vectors as one picture.

    The activation grid of "The Building Blocks of Interpretability" (Distill 2018). Its cells were
    pictures of their own, made to resemble their neighbours by shared parameters. Here they are
    parts of one picture, all of which is optimised at once: neighbours fit because they are seen
    together, and no pixel is computed twice.

    Parameters
    ----------
    model : whose layer it is.
    layer : name of the layer.
    vectors : `[h, w, C]`; only their directions matter. Zeros are left undrawn.
    cell_size : height and width of a cell in pixels. Where the layer can be computed for images of
        one size only, the picture has that size.
    steps : of optimisation.
    seed : decides everything random.
    cache : take the picture from where icons are kept, and keep it there.
    on_step : called after each step with how many there have been.

    Returns
    -------
    float32 `[H, W, 3]` in 0..1, in steps of 1/255; the same from the cache or not.

    Raises
    ------
    InvalidValueError : all vectors are zero.
    """
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not lengths.any():
        raise InvalidValueError(
            f"Nothing is active in {layer!r} of {model.name} for this photo: there is nothing to "
            "draw. lucidx.diagnose(model) looks for reasons."
        )
    directions = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    height, width = (number * cell_size for number in vectors.shape[:2])
    if not defaults.takes_any_size(model, [layer]):
        width, height = defaults.size_for(model, [layer])
    settings = {
        "what": "grid",
        "algorithm": ALGORITHM,
        "model": picture_cache.model_digest(model),
        "layer": layer,
        "cells": vectors.shape[:2],
        "size": (height, width),
        "steps": steps,
        "seed": seed,
    }
    key = picture_cache.key(settings, directions)
    picture = picture_cache.load(key, height, width) if cache else None
    if picture is None:
        picture = _draw(model, layer, directions, (height, width), steps, seed, on_step)
        if cache and picture_cache.save(key, picture):
            picture_cache.make_room()
    return picture / np.float32(255)


def _draw(
    model: Model,
    layer: str,
    directions: np.ndarray,
    size: tuple[int, int],
    steps: int,
    seed: int,
    on_step: Callable[[int], None] | None,
) -> np.ndarray:
    """The picture, uint8 `[H, W, 3]`, of directions `[h, w, C]`."""
    height, width = size
    depth = model.image_shape[-1]
    with model_io.eagerly():
        vis = Visualization(
            model,
            arrangement(layer, directions, _PURITY),
            lambda: param.image(width, height, channels=None if depth in (3, None) else depth),
            lambda: tf.compat.v1.train.AdamOptimizer(_RATE),
            defaults.transforms_for(model, [layer], _TRANSFORMS),
            seed=seed,
        )
        for _ in range(steps):
            vis.advance()
            if on_step is not None:
                on_step(vis.step)
        image = np.broadcast_to(vis.image()[0], (height, width, 3))  # one channel is grey
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
