"""Pictures that turn one objective into another, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.arguments import whole
from lucidx.attribution.scores import as_score
from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import param
from lucidx.optvis.objectives import Objective
from lucidx.recipes.mixtures import in_image, layers_of, suited
from lucidx.recipes.rendering import own_channels, rendered

_OWN = 0.25  # how fast what an image has for itself changes, relative to what it shares


def interpolate(
    model: Model,
    objectives: Sequence[Any],
    n: int = 6,
    *,
    size: int | None = None,
    steps: int = 256,
    seed: int = 0,
    progress: bool | None = None,
) -> np.ndarray:
    """Pictures on the way from one objective to the next, aligned.

    They are optimised together, each for its mixture of two objectives, and share most of their
    parameters: some are common to all, some fade from one end to the other, and few are a picture's
    own. So neighbours differ where that pays, and not by accident ("Differentiable Image
    Parameterizations", Mordvintsev et al., Distill 2018, on aligned feature visualization
    interpolation).

    Parameters
    ----------
    model : what to look at.
    objectives : at least two, each what `attribution.as_score` takes: `"layer:channel"`, a label of
        the model, an `Objective` or a function of T. One can rise further than another: they are
        mixed as they are, so scale them where that matters.
    n : pictures from one objective to the next, both included.
    size : width and height in pixels; by default 128, or the model's own where it takes no other.
    steps : updates of Adam with learning rate 0.05.
    seed : decides everything random.
    progress : whether to show a progress bar; by default in terminals and notebooks.

    Returns
    -------
    float32 `[(K - 1) (n - 1) + 1, H, W, C]` in 0..1 for K objectives: number `k (n - 1)` is for
    objective k alone. When interrupted (Ctrl-C), as they are by then.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work; found out before the first step.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    check_model(model)
    if not isinstance(objectives, list | tuple):
        raise InvalidTypeError(f"objectives is a list of them; got {objectives!r}.")
    if len(objectives) < 2:
        raise InvalidValueError("A way has two ends: give at least two objectives.")
    goals = [as_score(model, each).objective for each in objectives]
    shares = _shares(len(goals), whole("n", n, 2))
    layers = layers_of(model, goals)
    (width, height), transforms = suited(model, layers, size)
    mixtures = Objective.sum(
        float(share) * in_image(goals[k], i)
        for i, row in enumerate(shares)
        for k, share in enumerate(row)
        if share
    )
    images, _ = rendered(
        model,
        mixtures,
        lambda: _aligned(shares, width, height, own_channels(model)),
        transforms=transforms,
        steps=steps,
        seed=seed,
        progress=progress,
    )
    return images


def _shares(ends: int, n: int) -> np.ndarray:
    """How much of each end is in each picture: float32 `[pictures, ends]`, rows sum to 1."""
    place = np.linspace(0, ends - 1, (ends - 1) * (n - 1) + 1)
    return np.maximum(0, 1 - np.abs(place[:, np.newaxis] - np.arange(ends))).astype(np.float32)


def _aligned(shares: np.ndarray, width: int, height: int, channels: int | None) -> tf.Tensor:
    pictures, ends = shares.shape
    common, each_end, own = (
        param.fft_image([count, height, width, channels or 3]) for count in (1, ends, pictures)
    )
    fading = tf.tensordot(tf.constant(shares), each_end, 1)
    return param.to_valid_rgb(common + fading + _OWN * own, decorrelate=channels is None)
