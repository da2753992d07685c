"""Pictures that are transparent where it does not matter what is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lucidx.arguments import whole
from lucidx.attribution.scores import as_score
from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import defaults, transform
from lucidx.optvis.render import Visualization, render_vis
from lucidx.recipes import mixtures
from lucidx.recipes.images import to_optimise
from lucidx.recipes.rendering import window

_LIGHT, _DARK = 1.0, 0.8  # squares of a checkerboard


class Transparent(NamedTuple):
    """Pictures with opacity, and how they came about.

    Attributes
    ----------
    images : float32 `[N, H, W, 4]` in 0..1, red, green, blue and opacity. Colours are those of the
        paint, not multiplied by the opacity ("straight alpha"), as in PNG files.
    frames : uint8 `[F, N, H, W, 4]`, the same on the way.
    """

    images: np.ndarray
    frames: np.ndarray


def transparent(
    model: Model,
    objective: Any | Sequence[Any],
    size: int | None = None,
    *,
    steps: int = 256,
    frames: int = 0,
    seed: int = 0,
    progress: bool | None = None,
) -> Transparent:
    """Make pictures that have opacity only where an objective needs something to be.

    In each step the picture is put before another random background, so that what it shows through
    has to matter little, and the objective is multiplied by how transparent the picture is, so that
    it pays to be: "Differentiable Image Parameterizations" (Mordvintsev et al., Distill 2018), the
    section on transparency. `feature_visualization.channel(alpha=True)` is the same for channels.

    Parameters
    ----------
    model : what to look at; it takes colours.
    objective : what `attribution.as_score` takes: `"layer:channel"`, a label of the model, an
        `Objective` or a function of T; or a list of them, for a picture of each. Objectives for one
        place, such as `objectives.neuron`, leave most of a picture transparent.
    size : width and height in pixels; by default those that the model was made for.
    steps : updates of Adam with learning rate 0.05.
    frames : how many pictures to keep of the way, most of them of its start, where most happens.
    seed : decides everything random.
    progress : whether to show a progress bar; by default in terminals and notebooks.

    Returns
    -------
    The pictures. When interrupted (Ctrl-C), as they are by then, with the frames so far.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work, or the model takes no colours;
        found out before the first step.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    check_model(model)
    given = list(objective) if isinstance(objective, list | tuple) else [objective]
    if not given:
        raise InvalidValueError("There are no objectives: name at least one.")
    goals = [as_score(model, each).objective for each in given]
    layers = mixtures.layers_of(model, goals)
    height, width = window(model) if size is None else (whole("size", size, 2),) * 2
    last_step = whole("steps", steps) - 1
    wanted = _moments(whole("frames", frames, 0), last_step)
    moves = [*transform.standard_transforms, transform.crop_or_pad_to(height, width)]
    kept: list[np.ndarray] = []

    def keep(vis: Visualization, _: Any) -> None:
        if vis.step in wanted:
            kept.append(np.round(255 * vis.image()).astype(np.uint8))

    (images,) = render_vis(
        model,
        mixtures.each([mixtures.sparing(mixtures.in_image(g, n), n) for n, g in enumerate(goals)]),
        lambda: to_optimise(model, width, height, len(goals), alpha=True),
        transforms=[
            *defaults.transforms_for(model, layers, moves),
            transform.collapse_alpha_random(),
        ],
        thresholds=[last_step],
        verbose=False,
        seed=seed,
        progress=progress,
        on_step=keep,
    )
    return Transparent(images, np.reshape(kept, (-1, *images.shape)).astype(np.uint8))


def _moments(number: int, last_step: int) -> set[int]:
    """How many updates have been made when a frame is kept; the last one is the result."""
    return {1 + round((1 - i / max(number - 1, 1)) ** 2 * last_step) for i in range(number)}


def premultiplied(images: ArrayLike) -> np.ndarray:
    """Pictures with their colours multiplied by their opacity, as programs that compose videos ask.

    Parameters
    ----------
    images : `[..., 4]` in 0..1, or uint8.

    Returns
    -------
    float32 `[..., 4]` in 0..1.

    Raises
    ------
    InvalidValueError : there is no fourth channel.
    """
    images = _with_opacity(images)
    return np.concatenate([images[..., :3] * images[..., 3:], images[..., 3:]], -1)


def over(images: ArrayLike, background: ArrayLike) -> np.ndarray:
    """Pictures before a background, without transparency.

    Parameters
    ----------
    images : `[..., H, W, 4]` in 0..1, or uint8.
    background : a colour, `[3]` in 0..1; or a picture of at least that size, `[H, W, 3]`, such as
        `checkerboard` makes.

    Returns
    -------
    float32 `[..., H, W, 3]` in 0..1.

    Raises
    ------
    InvalidValueError : there is no fourth channel, or the background does not fit or is not in
        0..1.
    """
    images = premultiplied(images)
    behind = np.asarray(background)
    if behind.dtype.kind not in "biuf":
        raise InvalidTypeError(f"A background is numbers in 0..1, not {background!r}.")
    if behind.shape not in ((3,), (*images.shape[-3:-1], 3)):
        raise InvalidValueError(
            f"A background is a colour, [3], or a picture of the same size, "
            f"{[*images.shape[-3:-1], 3]}; this has shape {list(behind.shape)}."
        )
    if not ((behind >= 0) & (behind <= 1)).all():
        raise InvalidValueError("A background is in 0..1; divide bytes by 255.")
    return images[..., :3] + (1 - images[..., 3:]) * behind.astype(np.float32)


def checkerboard(height: int, width: int, square: int = 8) -> np.ndarray:
    """Grey and white squares, the usual sign of transparency.

    Parameters
    ----------
    height, width : in pixels.
    square : side of the squares.

    Returns
    -------
    float32 `[H, W, 3]` in 0..1.
    """
    rows, columns = (
        np.arange(whole(name, side)) // whole("square", square)
        for name, side in (("height", height), ("width", width))
    )
    odd = (rows[:, np.newaxis] + columns) % 2
    return np.where(odd, _DARK, _LIGHT).astype(np.float32)[..., np.newaxis].repeat(3, -1)


def _with_opacity(images: ArrayLike) -> np.ndarray:
    array = np.asarray(images)
    if array.ndim < 1 or array.shape[-1] != 4:
        raise InvalidValueError(
            f"Pictures with opacity have 4 channels; the shape is {list(array.shape)}."
        )
    return array.astype(np.float32) / (255 if array.dtype == np.uint8 else 1)
