"""Concepts: what recurs in parts of images, as directions in a layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from lucidx.basis import Basis, depth_of, layer_name
from lucidx.errors import InvalidValueError
from lucidx.modelzoo import model_io
from lucidx.optvis import ascent, objectives
from lucidx.optvis.expressions import T

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Layer, Model

_DESIGNS = 32  # masks drawn for Sobol indices, before columns are exchanged


class Concepts(NamedTuple):
    """What `concepts` finds.

    Attributes
    ----------
    basis : the K concepts, most important first.
    importances : total Sobol index of each for the score, float32 `[K]`: how much of the score's
        variance depends on it, alone or with others, when concepts are masked at random. None where
        no score was given; the concepts that the activations are mostly made of are then first.
    crops : where crops were taken, int `[M, 4]`: number of the image, top, left, side in pixels.
    coefficients : how each crop is made of the concepts, float32 `[M, K]`. The crops with the
        largest are the examples of a concept.
    """

    basis: Basis
    importances: np.ndarray | None
    crops: np.ndarray
    coefficients: np.ndarray


def concepts(
    model: Model,
    images: np.ndarray,
    layer: str | Layer,
    n: int = 10,
    *,
    score: Any = None,
    crops: int = 16,
    crop: float = 1 / 3,
    seed: int = 0,
) -> Concepts:
    """Concepts that images of one kind are made of, and how much a score depends on each.

    CRAFT (Fel et al., "CRAFT: Concept Recursive Activation FacTorization for Explainability", CVPR
    2023, arXiv:2211.10154), one level of it: the mean activations of random crops are factorized
    by NMF, and concepts are masked in whole images to see how the score changes.

    Parameters
    ----------
    model : what to look at.
    images : `[N, H, W, C]`, RGB, floats in 0..1 or uint8: pictures that the model takes for the
        same thing, some dozens.
    layer : a layer with non-negative activations `[N, h, w, C]`, or its name.
    n : number of concepts.
    score : an `Objective` or another function of T that reads layers behind `layer`, or
        `"layer:channel"`; what the concepts are important for.
    crops : taken of each image.
    crop : side of the crops as a part of the image's shorter side; they are scaled to the size
        that the model is made for.
    seed : decides where the crops are.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError : an argument cannot work; activations are negative, or all zero; or there are
        more concepts than crops or channels.
    """
    from sklearn.decomposition import NMF

    layer = layer_name(layer)
    depth = depth_of(model, layer)
    images = model_io.as_floats(model_io.as_images(model, images))
    evaluate = None if score is None else _head(model, layer, objectives.as_objective(score))
    boxes = _random_boxes(images.shape, crops, crop, seed)
    acts = model.activations(_cut(model, images, boxes), layer)
    if acts.shape[-1] != depth:
        raise InvalidValueError(
            f"Layer {layer!r} of {model.name} has its channels first; concepts are found in layers "
            "[N, H, W, C]."
        )
    acts = acts.reshape(len(acts), -1, depth).mean(1)
    _check_factorizable(acts, n, layer)
    factors = NMF(n, init="nndsvda", max_iter=1000, random_state=seed)
    coefficients = factors.fit_transform(acts)
    used = factors.components_.any(1) & coefficients.any(0)
    found, coefficients = factors.components_[used], coefficients[:, used]
    basis = Basis(layer, found, origin={"method": "CRAFT"}, nonnegative=True)
    if evaluate is None:
        importances, weights = None, (coefficients * found.sum(1)).sum(0)
    else:
        weights = importances = _sobol_importances(model, images, basis, evaluate)
    order = np.argsort(-weights, kind="stable")
    names = tuple(f"concept {k}" for k in range(len(order)))
    return Concepts(
        dataclasses.replace(basis, directions=basis.directions[order], names=names),
        None if importances is None else importances[order].astype(np.float32),
        boxes,
        coefficients[:, order].astype(np.float32),
    )


def _random_boxes(shape: tuple[int, ...], crops: int, crop: float, seed: int) -> np.ndarray:
    number, height, width, _ = shape
    if crops < 1 or not 0 < crop <= 1:
        raise InvalidValueError(f"crops is at least 1 and crop in 0..1; got {crops} and {crop}.")
    side = max(1, round(crop * min(height, width)))
    rng = np.random.default_rng(seed)
    image = np.repeat(np.arange(number), crops)
    top = rng.integers(0, height - side, len(image), endpoint=True)
    left = rng.integers(0, width - side, len(image), endpoint=True)
    return np.stack([image, top, left, np.full(len(image), side)], axis=1)


def _cut(model: Model, images: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    height, width = (
        made_for or given
        for made_for, given in zip(model.image_shape[:2], images.shape[1:3], strict=True)
    )
    pieces = np.stack([images[i, y : y + side, x : x + side] for i, y, x, side in boxes])
    with model_io.eagerly():
        return np.clip(tf.image.resize(pieces, [height, width], "bicubic", antialias=True), 0, 1)


def _check_factorizable(acts: np.ndarray, n: int, layer: str) -> None:
    if not 1 <= n <= min(acts.shape):
        raise InvalidValueError(
            f"{n} concepts cannot be found in {len(acts)} crops of {acts.shape[1]} channels in "
            f"{layer!r}: no more than there are of either. Give more images, or take more crops."
        )
    if acts.min() < 0:
        raise InvalidValueError(
            f"Activations of {layer!r} are negative (down to {acts.min():.3g}): what concepts add "
            "up to is not. Take a layer behind a ReLU."
        )
    if not acts.any():
        raise InvalidValueError(f"Activations of {layer!r} are all zero: there are no concepts.")


def _sobol_importances(
    model: Model, images: np.ndarray, basis: Basis, evaluate: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Mean over images of the total Sobol index of each member, `[K]`, by Jansen's estimator."""
    from scipy.stats import qmc

    points = qmc.Sobol(2 * len(basis), scramble=False).fast_forward(_DESIGNS).random(_DESIGNS)
    masks, others = np.split(points.astype(np.float32), 2, axis=1)
    exchanged = np.repeat(masks[None], len(basis), axis=0)  # [K, designs, K]
    for k in range(len(basis)):
        exchanged[k, :, k] = others[:, k]
    indices = []
    for acts in model.activations(images, basis.layer):
        parts = basis.coefficients(acts)

        def scores(masks: np.ndarray, parts: np.ndarray = parts) -> np.ndarray:
            shape = (len(masks), *[1] * (parts.ndim - 1), len(basis))
            return evaluate(basis.reconstruct(parts * masks.reshape(shape)))

        plain = scores(masks)
        changes = np.stack([scores(mask) - plain for mask in exchanged])
        variance = plain.var()
        indices.append((changes**2).mean(1) / (2 * variance) if variance else np.zeros(len(basis)))
    return np.mean(indices, axis=0)


def _head(
    model: Model, layer: str, objective: Callable[[T], Any]
) -> Callable[[np.ndarray], np.ndarray]:
    """Function from activations `[N, ...]` of a layer to an objective for each of them, `[N]`."""
    spec = tf.TensorSpec([1, None, None, model.image_shape[-1]], tf.float32)
    read = ascent.layers_read(model, objective, spec)
    shape = model_io.skeleton(model).layer(layer).shape

    def values(acts: tf.Tensor) -> tf.Tensor:
        T = model_io.import_layers(model, read, acts, layer)
        layers = {name: T(name) for name in read}

        def value(n: tf.Tensor) -> tf.Tensor:
            one = ascent.with_input(lambda name: layers[name][n][tf.newaxis], acts, model)
            return tf.reduce_sum(objective(one))

        return tf.map_fn(value, tf.range(tf.shape(acts)[0]), fn_output_signature=tf.float32)

    with model_io.eagerly():
        spec = tf.TensorSpec([None, *shape[1:]], tf.float32)
        traced = tf.function(values, autograph=False).get_concrete_function(spec)

    def evaluate(acts: np.ndarray) -> np.ndarray:
        with model_io.eagerly():
            return traced(tf.constant(acts)).numpy()

    return evaluate
