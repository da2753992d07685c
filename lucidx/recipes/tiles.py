"""Gradients of pictures too large to be differentiated at once, tile by tile."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

OVERLAP = 32  # pixels that neighbouring tiles share, at most a quarter of a tile

Compute = Callable[[np.ndarray], tuple[float, np.ndarray]]


class _Spans(NamedTuple):
    """Tiles along one side of a picture that counts as a ring.

    Attributes
    ----------
    indices : of the pixels in each tile: `[tiles, size]`.
    window : how much a pixel of a tile counts by where in the tile it is: `[size]`.
    weights : how much all tiles together count for each pixel of the side: `[length]`.
    """

    indices: np.ndarray
    window: np.ndarray
    weights: np.ndarray


def tiled_gradient(
    compute: Compute,
    picture: np.ndarray,
    tile: tuple[int, int],
    shift: tuple[int, int] = (0, 0),
    *,
    exact: bool = False,
) -> tuple[float, np.ndarray]:
    """Gradient of an objective for a picture, from gradients for its tiles.

    Memory does not depend on the size of the picture, beyond the picture itself. Each tile is
    looked at as if it were a whole picture. Neighbours overlap, and in the overlap one fades into
    the other. The picture counts as a ring in both directions, so that with random shifts every
    pixel is as often at a border of a tile as any other, which is how the code published with
    "Inceptionism" (Mordvintsev, Olah and Tyka, 2015) keeps seams from showing.

    Parameters
    ----------
    compute : from a tile `[h, w, C]` to its objective and the gradient `[h, w, C]` of that.
    picture : float32 `[H, W, C]`.
    tile : height and width of tiles, at most; a picture no larger than that is one tile.
    shift : where in the picture, in rows and columns, the first tile begins.
    exact : make all tiles just that large; of a smaller picture, more than one copy is seen then.

    Returns
    -------
    The mean of the tiles' objectives, and float32 `[H, W, C]`.
    """
    rows, columns = (
        _spans(length, size, offset, exact)
        for length, size, offset in zip(picture.shape[:2], tile, shift, strict=True)
    )
    window = (rows.window[:, np.newaxis] * columns.window)[..., np.newaxis]
    total = np.zeros(picture.shape, np.float32)
    values = []
    for y in rows.indices:
        for x in columns.indices:
            value, gradient = compute(picture[np.ix_(y, x)])
            values.append(value)
            np.add.at(total, np.ix_(y, x), window * gradient)
    total /= (rows.weights[:, np.newaxis] * columns.weights)[..., np.newaxis]
    return float(np.mean(values)), total


def _spans(length: int, tile: int, offset: int, exact: bool) -> _Spans:
    overlap = min(OVERLAP, tile // 4)
    number = 1 if length <= tile else math.ceil(length / (tile - overlap))
    shared = overlap if number > 1 else 0
    size = tile if exact else math.ceil(length / number) + shared
    starts = offset + np.arange(number) * length // number
    indices = (starts[:, np.newaxis] + np.arange(size)) % length
    ramp = (np.arange(size) + 0.5) / max(size - length // number, 1)
    window = np.minimum(1, np.minimum(ramp, ramp[::-1])).astype(np.float32)
    weights = np.bincount(indices.ravel(), np.tile(window, number), length)
    return _Spans(indices, window, weights.astype(np.float32))
