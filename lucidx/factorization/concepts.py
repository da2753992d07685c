"""Concepts: what recurs in parts of images, as directions in a layer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from lucidx.attribution.feeding import as_images
from lucidx.attribution.probes import probes_at
from lucidx.attribution.scoring import Scorer
from lucidx.basis import Basis, depth_of, layer_name
from lucidx.errors import InvalidValueError
from lucidx.factorization import groups
from lucidx.factorization.signs import check_adds
from lucidx.modelzoo import model_io

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Layer, Model

_DESIGNS = 32  # masks drawn for Sobol indices, before columns are exchanged
_AT_ONCE = 32  # evaluations of the network


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

    def __repr__(self) -> str:
        weights = [""] * len(self.basis)
        if self.importances is not None:
            weights = [f" {importance:.2g}" for importance in self.importances]
        named = (name + weight for name, weight in zip(self.basis.names, weights, strict=True))
        return f"<Concepts in {self.basis.layer!r}: {', '.join(named)}>"


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
    layer : a layer that is not negative, or its name.
    n : number of concepts.
    score : what the concepts are important for, as in `attribute`: a label, an `Objective` or
        another function of T that reads layers behind `layer`, `"layer:label"`, `"layer:channel"`.
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
    depth_of(model, layer)  # refuses layers that have none
    images = as_images(model, images)
    scorer = None if score is None else Scorer(model, score, layer)
    boxes = _random_boxes(images.shape, crops, crop, seed)
    acts = groups.as_nhwc(model, layer, model.activations(_cut(model, images, boxes), layer))
    acts = acts.mean((1, 2))
    _check_factorizable(model, layer, acts, n)
    factors = NMF(n, init="nndsvda", max_iter=1000, random_state=seed)
    coefficients = factors.fit_transform(acts)
    used = factors.components_.any(1) & coefficients.any(0)
    found, coefficients = factors.components_[used], coefficients[:, used]
    basis = Basis(layer, found, origin={"method": "CRAFT"}, nonnegative=True)
    if scorer is None:
        importances, weights = None, (coefficients * found.sum(1)).sum(0)
    else:
        weights = importances = _sobol_importances(scorer, images, basis)
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


def _check_factorizable(model: Model, layer: str, acts: np.ndarray, n: int) -> None:
    if not 1 <= n <= min(acts.shape):
        raise InvalidValueError(
            f"{n} concepts cannot be found in {len(acts)} crops of {acts.shape[1]} channels in "
            f"{layer!r}: no more than there are of either. Give more images, or take more crops."
        )
    check_adds(model, layer, acts, "NMF")
    if not acts.any():
        raise InvalidValueError(f"Activations of {layer!r} are all zero: there are no concepts.")


def _sobol_importances(scorer: Scorer, images: np.ndarray, basis: Basis) -> np.ndarray:
    """Mean over images of the total Sobol index of each member, `[K]`, by Jansen's estimator."""
    from scipy.stats import qmc

    points = qmc.Sobol(2 * len(basis), scramble=False).fast_forward(_DESIGNS).random(_DESIGNS)
    masks, others = np.split(points.astype(np.float32), 2, axis=1)
    exchanged = np.repeat(masks[None], len(basis), axis=0)  # [K, designs, K]
    for k in range(len(basis)):
        exchanged[k, :, k] = others[:, k]
    points = np.concatenate([masks, *exchanged])
    indices = []
    for probe in probes_at(scorer, images, _AT_ONCE, gradients=False):
        parts = basis.coefficients(probe.activations)
        masked = (basis.reconstruct(parts * mask) for mask in points)
        scores = np.fromiter(probe.scores(masked, len(points)), np.float32)
        plain, *exchanging = scores.reshape(-1, _DESIGNS)
        changes = np.stack(exchanging) - plain
        variance = plain.var()
        indices.append((changes**2).mean(1) / (2 * variance) if variance else np.zeros(len(basis)))
    return np.mean(indices, axis=0)
