"""Where groups are in a picture: each in a colour of its own, on the picture in grey."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lucidx import palette
from lucidx.errors import InvalidValueError
from lucidx.factorization.groups import NeuronGroups
from lucidx.modelzoo.model_io import as_floats

_FULL = 0.98  # quantile of strength that is shown as full
_TINT = 0.6  # how much of its colour a group has where it is strongest
_PALE = 0.3  # how far the picture fades to white
_DARK = 0.15  # of the picture, where the one group is not


def group_colors(count: int) -> np.ndarray:
    """Colours of groups, those that pages give them: float32 `[K, 3]` in 0..1."""
    return palette.rgb([palette.group_color(group) for group in range(count)])


def overlay(groups: NeuronGroups, images: np.ndarray) -> np.ndarray:
    """Images with all groups: where a group is strong, its colour.

    Parameters
    ----------
    groups : found in these images.
    images : one `[H, W, C]` or several `[N, H, W, C]`: floats in 0..1 or uint8.

    Returns
    -------
    Float32 `[N, H, W, 3]` in 0..1.

    Raises
    ------
    InvalidValueError : the groups are of another number of images.
    """
    grey = palette.grey(_matching(groups, images))
    maps = _maps(groups, grey.shape[1:3])
    strength = maps.max(-1, keepdims=True)
    # Squares let the strongest group have its own colour, and shade the borders.
    shares = maps**2 / np.maximum((maps**2).sum(-1, keepdims=True), 1e-12)
    colors = shares @ group_colors(len(groups))
    tint = _TINT * strength
    return ((_PALE + (1 - _PALE) * grey) * (1 - tint) + colors * tint).clip(0, 1)


def isolated(groups: NeuronGroups, images: np.ndarray) -> np.ndarray:
    """Images with one group each: bright where it is, dark elsewhere.

    Parameters
    ----------
    groups, images : as for `overlay`.

    Returns
    -------
    Float32 `[K, N, H, W, 3]` in 0..1.

    Raises
    ------
    InvalidValueError : the groups are of another number of images.
    """
    images = _matching(groups, images)
    if images.shape[-1] != 3:
        images = palette.grey(images).repeat(3, -1)
    maps = np.moveaxis(_maps(groups, images.shape[1:3]), -1, 0)[..., np.newaxis]
    return images * (_DARK + (1 - _DARK) * maps)


def _matching(groups: NeuronGroups, images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    images = as_floats(images[np.newaxis] if images.ndim == 3 else images)
    if len(images) != len(groups.spatial):
        raise InvalidValueError(
            f"The groups are of {len(groups.spatial)} images; there are {len(images)} to lay them "
            "over."
        )
    return images


def _maps(groups: NeuronGroups, size: tuple[int, int]) -> np.ndarray:
    """How strong each group is at each pixel: `[N, H, W, K]` in 0..1."""
    strength = np.abs(groups.spatial)
    # Each group by itself, or the weaker ones would not be seen.
    full = np.quantile(strength, _FULL, axis=(0, 1, 2))
    strength = strength / np.where(full > 0, full, 1)
    height, width = size
    maps = [
        np.stack(
            [
                Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC)
                for channel in np.moveaxis(one.astype(np.float32), -1, 0)
            ],
            -1,
        )
        for one in strength
    ]
    return np.stack(maps).clip(0, 1)
