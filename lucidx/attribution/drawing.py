"""Attribution to positions, drawn on the picture."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lucidx.attribution.results import Attribution
from lucidx.errors import InvalidValueError
from lucidx.modelzoo import model_io

# A pair that people with any kind of colour vision tell apart.
FOR, AGAINST = np.float32([0.90, 0.45, 0.0]), np.float32([0.05, 0.30, 0.85])
_FULL = 0.995  # quantile of strength that is shown as full
_OPACITY = 0.85
_LUMA = np.float32([0.299, 0.587, 0.114])  # ITU-R 601


def heat_maps(attributions: list[Attribution], image: np.ndarray) -> np.ndarray:
    """The picture in grey, orange where it argues for a score and blue where against.

    Parameters
    ----------
    attributions : of the K scores of one image; strengths can be compared between them.
    image : `[H, W, C]`, floats in 0..1 or uint8; C is 1 or 3.

    Returns
    -------
    Float32 `[K, H, W, 3]` in 0..1.

    Raises
    ------
    InvalidValueError : an attribution has no positions, or the image is of another kind.
    """
    if np.ndim(image) != 3 or image.shape[-1] not in (1, 3):
        raise InvalidValueError(f"A picture is [H, W, 3] or [H, W, 1]; got {np.shape(image)}.")
    floats = model_io.as_floats(image)
    grey = floats if floats.shape[-1] == 1 else floats @ _LUMA[:, np.newaxis]
    paper = np.repeat(0.35 + 0.65 * grey, 3, -1)
    maps = np.stack([attribution.spatial() for attribution in attributions])
    if maps.ndim != 3:
        raise InvalidValueError(
            f"{attributions[0].layer!r} has no positions to draw. Choose a layer [h, w, C]."
        )
    full = np.quantile(np.abs(maps), _FULL) or 1
    return np.stack([_tinted(paper, (m / full).clip(-1, 1)) for m in maps])


def _tinted(paper: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    height, width, _ = paper.shape
    smooth = Image.Resampling.BICUBIC
    large = np.asarray(Image.fromarray(strengths).resize((width, height), smooth))
    large = large.clip(-1, 1)[..., np.newaxis]
    tint = np.where(large > 0, FOR, AGAINST)
    opacity = _OPACITY * np.abs(large)
    return (paper * (1 - opacity) + tint * opacity).astype(np.float32)
