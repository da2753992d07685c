"""How features go together: pictures of sums and differences of objectives."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.arguments import whole
from lucidx.attribution.scores import as_score
from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import param, randomness
from lucidx.optvis.objectives import Objective
from lucidx.optvis.param.lowres import DEFAULT_SD
from lucidx.optvis.param.spatial import image_from_spectrum, n_rfft_freqs
from lucidx.recipes.mixtures import in_image, layers_of, suited
from lucidx.recipes.rendering import own_channels, rendered

Mixture = tuple[tuple[float, Objective], tuple[float, Objective]]

_BATCH = 16  # pictures at once
_BATCH_PIXELS = 2**18  # and fewer of larger ones, for memory


def interaction_grid(
    model: Model,
    a: Any,
    b: Any,
    weights: Sequence[float] = (-1, 0, 1),
    *,
    size: int | None = None,
    steps: int = 256,
    seed: int = 0,
    progress: bool | None = None,
) -> np.ndarray:
    """Pictures of `x a + y b` for weights x and y of two objectives.

    What two neurons look for together can be neither of what they look for alone ("Feature
    Visualization", Olah et al., Distill 2017, on the interaction between neurons). Only the
    direction of (x, y) counts, not its length, for Adam's steps have one length.

    Parameters
    ----------
    model : what to look at.
    a, b : what `attribution.as_score` takes: `"layer:channel"`, a label of the model, an
        `Objective` or a function of T. One can rise further than the other: they are added as they
        are, so scale them where that matters.
    weights : W numbers, for a and for b. Where both are 0 nothing is asked for, and the picture is
        grey.
    size : width and height in pixels; by default 128, or the model's own where it takes no other.
    steps : updates of Adam with learning rate 0.05.
    seed : decides everything random. All pictures start from the same noise.
    progress : whether to show progress bars; by default in terminals and notebooks.

    Returns
    -------
    float32 `[W, W, H, W, C]` in 0..1: entry [i, j] has `weights[i]` of a and `weights[j]` of b.
    When interrupted (Ctrl-C), as they are by then; those not begun are grey.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work; found out before the first step.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    check_model(model)
    wanted = _checked_weights(weights)
    one, other = _goals(model, [a, b])
    mixtures = [((x, one), (y, other)) for x in wanted for y in wanted]
    pictures = _drawn(model, mixtures, size, steps, seed, progress)
    return pictures.reshape(len(wanted), len(wanted), *pictures.shape[1:])


def interaction_pairs(
    model: Model,
    a: Sequence[Any],
    b: Sequence[Any] | None = None,
    *,
    size: int | None = None,
    steps: int = 256,
    seed: int = 0,
    progress: bool | None = None,
) -> np.ndarray:
    """Pictures of `a[i] + b[j]` for every pair of objectives.

    Parameters
    ----------
    model : what to look at.
    a : A objectives, see `interaction_grid`.
    b : B objectives; by default those of `a`: each pair is then drawn once and is at [i, j] and
        [j, i], and on the diagonal is each objective alone.
    size, steps, seed, progress : as in `interaction_grid`.

    Returns
    -------
    float32 `[A, B, H, W, C]` in 0..1. When interrupted (Ctrl-C), as they are by then; those not
    begun are grey.

    Raises
    ------
    As `interaction_grid`.
    """
    check_model(model)
    rows = _goals(model, a)
    columns = rows if b is None else _goals(model, b)
    places = [(i, j) for i in range(len(rows)) for j in range(i if b is None else 0, len(columns))]
    mixtures = [
        ((1.0, rows[i]), (0.0 if b is None and i == j else 1.0, columns[j])) for i, j in places
    ]
    pictures = _drawn(model, mixtures, size, steps, seed, progress)
    grid = np.empty((len(rows), len(columns), *pictures.shape[1:]), np.float32)
    for (i, j), picture in zip(places, pictures, strict=True):
        grid[i, j] = picture
        if b is None:
            grid[j, i] = picture
    return grid


def _goals(model: Model, objectives: Sequence[Any]) -> list[Objective]:
    if not isinstance(objectives, list | tuple):
        raise InvalidTypeError(f"This takes a list of objectives; got {objectives!r}.")
    if not objectives:
        raise InvalidValueError("There are no objectives: name at least one.")
    return [as_score(model, each).objective for each in objectives]


def _checked_weights(weights: Sequence[float]) -> list[float]:
    try:
        numbers = list(weights)
    except TypeError:
        numbers = [None]
    if not all(isinstance(number, Real) for number in numbers):
        raise InvalidTypeError(f"weights is a list of numbers; got {weights!r}.")
    if not numbers or not np.isfinite(numbers).all():
        raise InvalidValueError(f"weights are one or more finite numbers; got {weights!r}.")
    return [float(number) for number in numbers]


def _drawn(
    model: Model,
    mixtures: Sequence[Mixture],
    size: int | None,
    steps: int,
    seed: int,
    progress: bool | None,
) -> np.ndarray:
    """Pictures `[K, H, W, C]` of K mixtures, made in batches."""
    goals = {id(goal): goal for mixture in mixtures for _, goal in mixture}
    (width, height), transforms = suited(model, layers_of(model, goals.values()), size)
    channels = own_channels(model)
    pictures = np.full([len(mixtures), height, width, channels or 3], 0.5, np.float32)
    asked = [k for k, mixture in enumerate(mixtures) if any(weight for weight, _ in mixture)]
    largest = max(1, min(_BATCH, _BATCH_PIXELS // (width * height)))
    for start in range(0, len(asked), largest):
        batch = asked[start : start + largest]
        objective = Objective.sum(
            weight * in_image(goal, i) for i, k in enumerate(batch) for weight, goal in mixtures[k]
        )
        pictures[batch], finished = rendered(
            model,
            objective,
            lambda batch=batch: _from_one_start(len(batch), width, height, channels),
            transforms=transforms,
            steps=steps,
            seed=whole("seed", seed, 0),
            progress=progress,
        )
        if not finished:
            break
    return pictures


def _from_one_start(number: int, width: int, height: int, channels: int | None) -> tf.Tensor:
    """Images as of `param.image`, each with variables of its own and all with the same noise."""
    shape = [2, number, channels or 3, height, n_rfft_freqs(width)]

    def start() -> np.ndarray:
        noise = randomness.initial_noise([2, 1, *shape[2:]], DEFAULT_SD, batch_axis=1)
        return np.broadcast_to(noise, shape)

    spectrum = tf.Variable(start, shape=shape, dtype=tf.float32)
    t = image_from_spectrum(spectrum, height, width, 1)
    return param.to_valid_rgb(t, decorrelate=channels is None)
