"""Attribution to positions, drawn on the picture."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lucidx import palette
from lucidx.attribution.results import Attribution
from lucidx.errors import InvalidValueError
from lucidx.modelzoo import model_io

_FULL = 0.995  # quantile of strength that is shown as full
_OPACITY = 0.85
_CELLS = 28  # on the longer side at most: finer maps, as of pixels, are speckle that no eye adds up


def heat_maps(attributions: list[Attribution], image: np.ndarray) -> np.ndarray:
    """The picture in grey, teal where it argues for a score and orange where against.

    Maps of more than 28 cells on a side are averaged down to that.

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
    paper = np.repeat(0.35 + 0.65 * palette.grey(model_io.as_floats(image)), 3, -1)
    maps = np.stack([attribution.spatial() for attribution in attributions])
    if maps.ndim != 3:
        raise InvalidValueError(
            f"{attributions[0].layer!r} has no positions to draw. Choose a layer [h, w, C]."
        )
    maps = np.stack([_coarse(m) for m in maps])
    full = np.quantile(np.abs(maps), _FULL) or 1
    return np.stack([_tinted(paper, (m / full).clip(-1, 1)) for m in maps])


def _coarse(strengths: np.ndarray) -> np.ndarray:
    height, width = strengths.shape
    finer = max(height, width) / _CELLS
    if finer <= 1:
        return strengths
    size = (max(1, round(width / finer)), max(1, round(height / finer)))
    return np.asarray(Image.fromarray(strengths).resize(size, Image.Resampling.BOX))


def _tinted(paper: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    height, width, _ = paper.shape
    smooth = Image.Resampling.BICUBIC
    large = np.asarray(Image.fromarray(strengths).resize((width, height), smooth))
    large = large.clip(-1, 1)[..., np.newaxis]
    tint = np.where(large > 0, *palette.rgb([palette.FOR, palette.AGAINST]))
    opacity = _OPACITY * np.abs(large)
    return (paper * (1 - opacity) + tint * opacity).astype(np.float32)
