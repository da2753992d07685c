"""MACO: pictures with the spectrum of natural images, for deep layers and modern networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lucidx.arguments import whole
from lucidx.attribution.scores import as_score
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import param, transform
from lucidx.recipes.attention import attending, mask_of, no_attention
from lucidx.recipes.images import sides_of
from lucidx.recipes.mixtures import layers_of
from lucidx.recipes.rendering import own_channels, rendered, window

_RATE = 0.1  # learning rate of Adam; radians for each step


class Maco(NamedTuple):
    """Pictures, and where the optimizer was at work in them.

    Attributes
    ----------
    images : float32 `[N, H, W, C]` in 0..1.
    masks : float32 `[N, H, W]` in 0..1: opacity by attention. The paper shows pictures with it:
        what is left of the noise that they start from disappears.
    """

    images: np.ndarray
    masks: np.ndarray


def maco(
    model: Model,
    objective: Any | Sequence[Any],
    size: int | tuple[int, int] | None = None,
    *,
    batch: int = 1,
    steps: int = 256,
    crops: int = 4,
    sides: tuple[float, float] = (0.25, 0.75),
    noise: float = 0.1,
    magnitude: ArrayLike | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> Maco:
    """Make pictures of what maximises objectives, with the amplitudes of natural images.

    Only the phases of the Fourier transform are optimised, looked at through random windows with
    noise: "Unlocking Feature Visualization for Deeper Networks with MAgnitude Constrained
    Optimization" (Fel et al., NeurIPS 2023, arXiv 2306.06805).

    In small networks, where it was measured (`tests/benchmarks/maco.py`), the windows matter most:
    with them another network recognises classes far more often than in pictures that `render_vis`
    makes by default, and as often or more with `param.image`. Fixed amplitudes keep fine structure
    down to what photos have, at the price of a lower objective.

    Parameters
    ----------
    model : what to look at; of any size and number of channels.
    objective : what `attribution.as_score` takes: `"layer:channel"`, a label of the model, an
        `Objective` or a function of T; or a list of them. Its "input" is the picture, its layers
        see `crops` windows.
    size : of the pictures in pixels, width and height if two; by default 3/2 of the size that the
        model was made for, which is what its windows have.
    batch : how many pictures of each objective. Picture n is the one of `seed + n`, whatever else
        is made; they are made one after the other, for each one's windows are a batch.
    steps : updates of Adam with learning rate 0.1.
    crops : windows for each step.
    sides : least and most of the picture's side that a window covers, see
        `transform.random_crops`.
    noise : standard deviation of the noise on windows.
    magnitude : amplitudes to use, from `param.magnitude_of` for photos of this size; by default
        `param.natural_magnitude`: falling with frequency, in the colours of ImageNet.
    seed : decides everything random.
    progress : whether to show progress bars; by default in terminals and notebooks.

    Returns
    -------
    Images and masks, objective by objective. When interrupted (Ctrl-C), those so far, the last one
    as it is by then.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work; found out before the first step.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    check_model(model)
    goals = _goals(model, objective)
    height, width = window(model)
    w, h = usual_size(model) if size is None else sides_of(size)
    looks = [transform.random_crops(height, width, sides, crops), transform.noise(noise)]
    first = whole("seed", seed, 0)
    images, masks = [], []
    for goal, n in [(goal, n) for goal in goals for n in range(whole("batch", batch))]:
        total = no_attention(h, w)

        def picture(total: tf.Variable = total) -> tf.Tensor:
            made = param.maco_image(w, h, magnitude=magnitude, channels=own_channels(model))
            return attending(made, total)

        (image,), finished = rendered(
            model,
            goal,
            picture,
            optimizer=lambda: tf.compat.v1.train.AdamOptimizer(_RATE),
            transforms=looks,
            steps=steps,
            seed=first + n,
            progress=progress,
        )
        images.append(image)
        masks.append(mask_of(total))
        if not finished:
            break
    return Maco(np.stack(images), np.stack(masks))


def usual_size(model: Model) -> tuple[int, int]:
    """Width and height of `maco`'s pictures where nothing is said: 3/2 of the model's."""
    height, width = window(model)
    return width * 3 // 2, height * 3 // 2


def _goals(model: Model, objective: Any) -> list[Any]:
    """The objectives, after a trial of each."""
    given = list(objective) if isinstance(objective, list | tuple) else [objective]
    if not given:
        raise InvalidValueError("There are no objectives: name at least one.")
    goals = [as_score(model, each).objective for each in given]
    layers_of(model, goals)
    return goals
