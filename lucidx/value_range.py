"""What range of numbers a network expects its images in, found out by trying.

A network in its right range tells pictures apart, and gives the same answer for the same picture
mirrored, darkened or noisy. How well it does so, the cosine between its answers to variants of one
picture minus that between different pictures, needs no labels and is independent of the scale of
its outputs. In a wrong range it drops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from scipy import special

from lucidx.modelzoo import model_io
from lucidx.modelzoo.vision_base import Model

# What models are made to expect for black and white.
USUAL = {
    "(0, 1)": (0, 1),
    "(-1, 1)": (-1, 1),
    "(0, 255)": (0, 255),
    "(-117, 138)": (-117, 138),
    "ImageNet's mean 0 and standard deviation 1": (
        (-2.118, -2.036, -1.804),
        (2.249, 2.429, 2.640),
    ),
}


@dataclass(frozen=True)
class Trial:
    """How a classifier fares with images in one value range.

    Attributes
    ----------
    name : of the range, such as `"(-1, 1)"`.
    bounds : what black and white become; numbers, or one for each channel in the order R, G, B.
    separation : how well photos are told apart: 1 is perfect, 0 not at all; can be NaN.
    """

    name: str
    bounds: tuple[Any, Any]
    separation: float


def trials(model: Model, *, quick: bool = False) -> list[Trial]:
    """Try the value range that a model declares, then the usual ones.

    Parameters
    ----------
    model : a classifier of RGB images.
    quick : use fewer pictures.

    Returns
    -------
    One trial for each range, the declared first; empty if the model does not give one score per
    class for RGB images.
    """
    if class_scores(model) is None:
        return []
    answers = answers_in(model)
    count = 2 if quick else 4
    variants = photo_variants(model.image_shape[:2], count)[:count]
    ranges = {name_of(model.image_value_range): declared(model), **USUAL}
    return [
        Trial(name, bounds, _separation(np.stack([answers(v, bounds) for v in variants])))
        for name, bounds in ranges.items()
    ]


def top_classes(
    model: Model, images: np.ndarray, bounds: tuple[Any, Any]
) -> list[tuple[int, float]]:
    """What a classifier says of images in a value range.

    Parameters
    ----------
    model : for which `class_scores` is not None.
    images : `[N, H, W, 3]` in 0..1.
    bounds : what black and white become, in the order R, G, B.

    Returns
    -------
    For each image the index of the class that scores highest, and its softmax probability.
    """
    scores = answers_in(model)(images, bounds)
    probabilities = special.softmax(scores, -1)
    return [(int(np.argmax(p)), float(np.max(p))) for p in probabilities]


def answers_in(model: Model) -> Callable[[np.ndarray, tuple[Any, Any]], np.ndarray]:
    """Function from images `[N, H, W, 3]` in 0..1, and what 0 and 1 shall become, to class scores.

    Parameters
    ----------
    model : for which `class_scores` is not None.

    Returns
    -------
    Function that gives float64 `[N, classes]`, before any softmax.
    """
    run = model.function(class_scores(model))
    lo, hi = (np.asarray(bound, np.float32) for bound in declared(model))

    def answers(images: np.ndarray, bounds: tuple[Any, Any]) -> np.ndarray:
        black, white = (np.asarray(bound, np.float32) for bound in bounds)
        return np.asarray(run((black - lo + images * (white - black)) / (hi - lo)), np.float64)

    return answers


def declared(model: Model) -> tuple[Any, Any]:
    """The model's value range in the order R, G, B."""
    if not model.is_BGR:
        return tuple(model.image_value_range)
    lo, hi = (np.broadcast_to(np.asarray(b, np.float32), 3) for b in model.image_value_range)
    return lo[::-1], hi[::-1]


def name_of(value_range: tuple[Any, Any]) -> str:
    """Text for a value range, such as `"(-1, 1)"`."""
    lo, hi = (np.round(np.asarray(bound, float), 3).tolist() for bound in value_range)
    return (
        f"({lo:g}, {hi:g})" if isinstance(lo, float) and isinstance(hi, float) else f"({lo}, {hi})"
    )


def class_scores(model: Model) -> str | None:
    """Layer with one score per class, before any softmax; None where there seems to be none.

    Parameters
    ----------
    model : only one that takes RGB images can have such a layer here.
    """
    if not model.layers or model.image_shape[-1] != 3:
        return None
    name = model.layers[-1].name
    skeleton = model_io.skeleton(model)
    info = skeleton.layer(name)
    if info.shape.rank != 2 or model.layers[-1].depth < 5:
        return None
    return before_softmax(skeleton, name) if info.op_type == "Softmax" else name


def before_softmax(skeleton: model_io.Skeleton, name: str) -> str:
    """Name of the layer whose softmax `name` is."""
    return skeleton.T(name).op.inputs[0].op.name.removeprefix("import/")


def photo_variants(size: Any, per_photo: int) -> list[np.ndarray]:
    """Parts of scikit-learn's two photos, in four variants.

    Parameters
    ----------
    size : height and width, None for 224.
    per_photo : how many parts of each photo.

    Returns
    -------
    Four arrays `[N, H, W, 3]` in 0..1: as they are, mirrored with noise, darkened, and mirrored.
    """
    from sklearn.datasets import load_sample_images

    height, width = (side or 224 for side in size)
    crops = []
    for photo in load_sample_images().images:
        side = min(photo.shape[:2]) // 2
        for x in np.linspace(0, photo.shape[1] - side, per_photo).astype(int):
            y = (photo.shape[0] - side) * (len(crops) % 2)
            crop = Image.fromarray(photo[y : y + side, x : x + side])
            crops.append(np.asarray(crop.resize((width, height), Image.Resampling.BILINEAR)))
    plain = np.stack(crops).astype(np.float32) / 255
    noise = np.random.default_rng(0).normal(0, 0.04, plain.shape).astype(np.float32)
    return [plain, np.clip(plain[:, :, ::-1] + noise, 0, 1), 0.85 * plain, plain[:, :, ::-1]]


def _separation(answers: np.ndarray) -> float:
    """Mean cosine between variants of a picture, minus that between pictures.

    Parameters
    ----------
    answers : `[variants, pictures, classes]`.
    """
    centred = answers - answers.mean(-1, keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-12)
    cosines = np.einsum("apc,bqc->abpq", unit, unit)
    variants, pictures = answers.shape[:2]
    same = np.einsum("abpp->ab", cosines) / pictures
    other = (cosines.sum((2, 3)) - pictures * same) / (pictures * (pictures - 1))
    between_variants = ~np.eye(variants, dtype=bool)
    return float(same[between_variants].mean() - other.mean())
