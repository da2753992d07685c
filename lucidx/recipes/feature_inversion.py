"""Feature inversion: what of a photo a layer still knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis import transform
from lucidx.optvis.objectives import Objective, wrap_objective
from lucidx.optvis.objectives_util import dimension, static_index
from lucidx.recipes.image_activations import names_of
from lucidx.recipes.images import as_model_takes, to_optimise
from lucidx.recipes.rendering import rendered

SHIFT = 4  # pixels, at most, by which the images are moved


class Inversions(NamedTuple):
    """Images that are to a layer what a photo is.

    Attributes
    ----------
    photo : as the model takes it: float32 `[H, W, C]` in 0..1.
    images : for L layers and S strengths: float32 `[L, S, H, W, C]` in 0..1.
    distances : how far from the photo's the activations of the images are, in lengths of the
        photo's: float32 `[L, S]`. An image that a layer cannot tell from the photo has 0.
    """

    photo: np.ndarray
    images: np.ndarray
    distances: np.ndarray


@wrap_objective(traced=("strength",))
def inversion(layer: str, batch: int = 1, strength: float = 1.0) -> Objective:
    """Minus the distance of an image from the first of the batch, as a layer sees them.

    The squared distance of the activations in squared lengths of the first image's; plus `strength`
    times what natural images have little of: the mean difference between neighbouring pixels (total
    variation), and the mean sixth power of the difference from grey, -1 being black and 1 white.

    Parameters
    ----------
    layer : name of a layer.
    batch : which image of the batch is compared with the first.
    strength : of the preference for natural images.
    """

    def inner(T):
        acts = T(layer)
        n = static_index(batch, dimension(acts, 0), f"The batch of {layer!r}", "images")
        apart = tf.reduce_sum((acts[n] - acts[0]) ** 2) / (1e-6 + tf.reduce_sum(acts[0] ** 2))
        image = T("input")[n]
        down, across = image[1:] - image[:-1], image[:, 1:] - image[:, :-1]
        rough = tf.reduce_mean(tf.abs(down)) + tf.reduce_mean(tf.abs(across))
        unnatural = rough + tf.reduce_mean((2 * image - 1) ** 6)
        return -apart - tf.cast(strength, tf.float32) * unnatural

    return inner


def invert(
    model: Model,
    photo: np.ndarray,
    layers: str | Layer | Sequence[str | Layer],
    *,
    strengths: float | Sequence[float] = 1.0,
    steps: int = 256,
    seed: int | None = None,
    progress: bool | None = None,
) -> Inversions:
    """Find images that layers cannot tell from a photo: what differs, they do not know.

    From "Understanding Deep Image Representations by Inverting Them" (Mahendran and Vedaldi, 2015),
    with its two preferences for natural images: bounded values and little total variation. The
    images are parameterized by decorrelated Fourier coefficients ("Feature Visualization", Distill
    2017) and, with the photo, moved at random by a few pixels, the same for all in each step.
    A caricature surpasses the photo; this agrees with it.

    Parameters
    ----------
    model : what to look at; of any proportions and number of channels.
    photo : `[H, W, C]`, floats in 0..1 or uint8; stretched to what the model takes.
    layers : a layer, or several.
    strengths : of the preference for natural images: one, or several; see `inversion`. With little
        the images are noisier, with much they lose what the layer hardly knows.
    steps : updates of Adam with learning rate 0.05, for each layer.
    seed : decides everything random.
    progress : whether to show a progress bar; by default in terminals and notebooks.

    Returns
    -------
    `Inversions`. When interrupted (Ctrl-C), of the layers so far, the last as it is by then.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    names, chosen = names_of(layers, "layers"), _checked_strengths(strengths)
    start = as_model_takes(model, photo)
    model.function(names)  # refuses those that are not there, before the first takes its time
    images, distances = [], []
    for name in names:
        batch, finished = rendered(
            model,
            Objective.sum(inversion(name, n, strength) for n, strength in enumerate(chosen, 1)),
            lambda: _with_photo(model, start, len(chosen)),
            steps=steps,
            transforms=[transform.pad(SHIFT), transform.jitter(2 * SHIFT)],
            relu_gradient_override=False,
            seed=seed,
            progress=progress,
        )
        images.append(batch[1:])
        distances.append(_distances(model, name, batch))
        if not finished:
            break
    return Inversions(start, np.stack(images), np.stack(distances))


def _checked_strengths(strengths: float | Sequence[float]) -> list[float]:
    numbers = np.atleast_1d(strengths)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iuf" or not numbers.size:
        raise InvalidTypeError(f"strengths is a number or a list of them; got {strengths!r}.")
    if not (np.isfinite(numbers).all() and numbers.min() >= 0):
        raise InvalidValueError(f"strengths are at least 0, and finite; got {strengths!r}.")
    return numbers.astype(float).tolist()


def _with_photo(model: Model, photo: np.ndarray, number: int) -> tf.Tensor:
    height, width, _ = photo.shape
    drawn = to_optimise(model, width, height, number)
    return tf.concat([tf.constant(photo)[tf.newaxis], drawn], 0)


def _distances(model: Model, layer: str, batch: np.ndarray) -> np.ndarray:
    acts = model.activations(batch, layer).reshape(len(batch), -1)
    lengths = np.linalg.norm(acts[1:] - acts[0], axis=1)
    return lengths / max(np.linalg.norm(acts[0]), np.finfo(np.float32).tiny)
