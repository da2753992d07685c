"""What recipes need to know of a run beyond its images, and of a model beyond its layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.arguments import whole
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis.render import Visualization, render_vis

_USUAL_SIDE = 224


def rendered(
    model: Model, objective: Any, param_f: Callable[[], tf.Tensor], *, steps: int, **options: Any
) -> tuple[np.ndarray, bool]:
    """Images of one run of `render_vis`, and whether it came to its end.

    Parameters
    ----------
    model, objective, param_f : as in `render_vis`.
    steps : updates.
    options : keywords of `render_vis`.

    Returns
    -------
    float32 `[N, H, W, C]`, and False if the run was interrupted (Ctrl-C).
    """
    last, made = whole("steps", steps) - 1, 0

    def count(vis: Visualization, _: Any) -> None:
        nonlocal made
        made = vis.step

    (images,) = render_vis(
        model, objective, param_f, thresholds=[last], verbose=False, on_step=count, **options
    )
    return images, made == steps


def window(model: Model) -> tuple[int, int]:
    """Height and width of the images that a model was made for, 224 where it says nothing."""
    height, width = (side or _USUAL_SIDE for side in model.image_shape[:2])
    return height, width


def own_channels(model: Model) -> int | None:
    """`channels` for image parameterizations: None for colours, what the model takes otherwise."""
    channels = model.image_shape[-1]
    return None if channels in (3, None) else channels
