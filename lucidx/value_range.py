"""What range of numbers a network expects its images in, found out by trying.

A network in its right range tells pictures apart, and gives the same answer for the same picture
mirrored, darkened or noisy. How well it does so, the cosine between its answers to variants of one
picture minus that between different pictures, needs no labels and is independent of the scale of
its outputs. In a wrong range it drops; ranges that differ little, such as (0, 1) and (-1, 1) for
many networks, it cannot tell apart. What the answers say about which picture it is, their mutual
information, often can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
    "mean 0, deviation 1": (  # ImageNet's
        (-2.118, -2.036, -1.804),
        (2.249, 2.429, 2.640),
    ),
}


PLAIN = 0.2  # separation below which a network does not tell photos apart
CLOSE = 0.9  # part of the best separation that cannot be told from it


@dataclass(frozen=True)
class Trial:
    """How a classifier fares with images in one value range.

    Attributes
    ----------
    name : of the range, such as `"(-1, 1)"`.
    bounds : what black and white become; numbers, or one for each channel in the order R, G, B.
    separation : how well photos are told apart: 1 is perfect, 0 not at all; can be NaN.
    information : how much the class says about which photo it is, in nats; can be NaN.
    """

    name: str
    bounds: tuple[Any, Any]
    separation: float
    information: float


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
    count = 2 if quick else 4
    variants = photo_variants(model.image_shape[:2], count)[:count]
    ranges = {name_of(model.image_value_range): declared(model), **USUAL}
    return [_trial(model, name, bounds, variants) for name, bounds in ranges.items()]


def with_channels_reversed(model: Model) -> Trial:
    """A trial in the range that a model declares, with red and blue exchanged.

    Parameters
    ----------
    model : for which `class_scores` is not None.
    """
    variants = [photos[..., ::-1] for photos in photo_variants(model.image_shape[:2], 4)]
    return _trial(model, "channels reversed", declared(model), variants)


def _trial(
    model: Model, name: str, bounds: tuple[Any, Any], variants: Sequence[np.ndarray]
) -> Trial:
    answers = answers_in(model)
    found = np.stack([answers(photos, bounds) for photos in variants])
    return Trial(name, bounds, _separation(found), _information(found))


def contenders(tried: Iterable[Trial]) -> list[Trial]:
    """The trials that tell photos apart best, and those about as well.

    Returns
    -------
    Most informative first; empty if photos are told apart in none, as by untrained networks.
    """
    finite = [trial for trial in tried if np.isfinite(trial.separation)]
    best = max((trial.separation for trial in finite), default=0)
    if best < PLAIN:
        return []
    close = [trial for trial in finite if trial.separation >= CLOSE * best]
    return sorted(close, key=lambda trial: -trial.information)


def typed(model: Model, trial: Trial) -> str:
    """The bounds of a trial as `image_value_range` takes them, in the model's order of channels."""
    order = -1 if model.is_BGR else 1
    lo, hi = (np.atleast_1d(np.asarray(bound, float))[::order].tolist() for bound in trial.bounds)
    return name_of((lo[0], hi[0]) if len(lo) == len(hi) == 1 else (tuple(lo), tuple(hi)))


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
    if skeleton.layer(name).shape.rank != 2 or model.layers[-1].depth < 5:
        return None
    return before_softmax(skeleton, name) or name


def before_softmax(skeleton: model_io.Skeleton, name: str) -> str | None:
    """Name of the layer whose softmax `name` is; None if it is not one."""
    op = skeleton.T(name).op
    while op.type == "Identity":
        op = op.inputs[0].op
    return op.inputs[0].op.name.removeprefix("import/") if op.type == "Softmax" else None


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


def _information(answers: np.ndarray) -> float:
    """Mutual information between picture and class, in nats.

    Parameters
    ----------
    answers : `[variants, pictures, classes]`.
    """
    probabilities = special.softmax(answers, -1).mean(0)
    entropy = special.entr(probabilities.mean(0)).sum()
    return float(entropy - special.entr(probabilities).sum(-1).mean())
