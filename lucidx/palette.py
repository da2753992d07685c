"""Colours, the same in pictures and on pages, so that one colour means one thing.

The two of evidence, and those of groups among each other, look different to people with any of the
common kinds of colour blindness too. Pages repeat these values, since a page is drawn by its own
script.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FOR, AGAINST = "#00938a", "#e2600c"  # what argues for a class, and against it
GROUPS = (
    "#18c8e4", "#957a18", "#a8d890", "#c0608f", "#9064ee", "#eebb10", "#dd4f5f", "#647cc4",
)  # fmt: skip

LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R 601)


def rgb(colors: Sequence[str]) -> np.ndarray:
    """Colours such as `"#00938a"` as numbers, float32 `[K, 3]` in 0..1."""
    return np.array([list(bytes.fromhex(color[1:])) for color in colors], np.float32) / 255


def group_color(group: int) -> str:
    """Colour of a group by its number; more groups than there are colours share them."""
    return GROUPS[group % len(GROUPS)]


def grey(images: np.ndarray) -> np.ndarray:
    """How light pictures are.

    Parameters
    ----------
    images : `[..., C]` floats; RGB if C is 3, else all channels count alike.

    Returns
    -------
    `[..., 1]`.
    """
    if images.shape[-1] == 3:
        return (images @ np.array(LUMINANCE, images.dtype))[..., np.newaxis]
    return images.mean(-1, keepdims=True)


def band(colors: Sequence[str], width: int, height: int = 10) -> np.ndarray:
    """A strip of colours side by side, float32 `[height, width, 3]` in 0..1."""
    places = np.arange(width) * len(colors) // width
    return np.broadcast_to(rgb(colors)[places], (height, width, 3))
