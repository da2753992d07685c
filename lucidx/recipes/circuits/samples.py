"""Photos to try weights on where none are given."""

from __future__ import annotations

import numpy as np

from lucidx import value_range
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.vision_base import Model
from lucidx.palette import grey
from lucidx.recipes.rendering import window

_WINDOWS = 32  # of each photo


def sample_windows(model: Model) -> np.ndarray:
    """Windows of the two photos that come with scikit-learn, `[64, H, W, C]` in 0..1.

    Raises
    ------
    InvalidValueError : the model takes images that are neither in colour nor grey.
    """
    channels = model.image_shape[-1]
    if channels not in (1, 3, None):
        raise InvalidValueError(
            f"{model.name} takes images of {channels} channels, and the sample photos have 3 (RGB) "
            "or 1 (grey): give photos of yours."
        )
    images = value_range.photo_variants(window(model), _WINDOWS)[0]
    return grey(images) if channels == 1 else images
