"""Pieces of observations that a feature is strongest on, in one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lucidx.errors import InvalidValueError

_SQUARE = 4  # pixels
_PALE, _WHITE = 0.75, 1.0


def argmax_nd(
    x: np.ndarray,
    axes: Sequence[int],
    *,
    max_rep: float = np.inf,
    max_rep_strict: bool | None = None,
) -> tuple[np.ndarray, ...]:
    """Argmax over several axes, in which no place comes up more often than a limit.

    The other axes count items. Items choose in the order of their largest values, each the best
    place that is still free, so that those with the smallest values give way.

    Parameters
    ----------
    x : array.
    axes : to take the argmax over.
    max_rep : how many items may have the same place.
    max_rep_strict : what if there are too many items for that: False raises the limit as far as is
        needed; by default, or True, it is an error.

    Returns
    -------
    For each of `axes`, indices into it, of the shape of the other axes.

    Raises
    ------
    InvalidValueError : there are too many items for the limit, or no such axes.
    """
    x = np.asarray(x)
    axes = [axis + x.ndim if axis < 0 else axis for axis in axes]
    others = [axis for axis in range(x.ndim) if axis not in axes]
    if not axes or len(axes) + len(others) != x.ndim or not x.size:
        raise InvalidValueError(f"An array of shape {x.shape} has no argmax over axes {axes}.")
    shape = [x.shape[axis] for axis in axes]
    items = x.transpose(*others, *axes).reshape(-1, math.prod(shape))
    chosen = _limited_argmax(items, max_rep, max_rep_strict is not False)
    places = np.unravel_index(chosen, shape)
    return tuple(place.reshape([x.shape[axis] for axis in others]) for place in places)


def _limited_argmax(items: np.ndarray, limit: float, strict: bool) -> np.ndarray:
    count, places = items.shape
    needed = math.ceil(count / places)
    if limit < needed:
        if strict:
            raise InvalidValueError(
                f"Of {count} items in {places} places, {needed} or more share one; max_rep is "
                f"{limit}."
            )
        limit = needed
    chosen = items.argmax(1)
    left = np.full(places, limit, float)
    for item in np.argsort(-items.max(1), kind="stable"):
        if not left[chosen[item]]:
            chosen[item] = np.where(left > 0, items[item], -np.inf).argmax()
        left[chosen[item]] -= 1
    return chosen


def rescale_opacity(
    images: np.ndarray,
    min_opacity: float = 15 / 255,
    opaque_frac: float = 0.1,
    max_scale: float = 10,
    keep_zeros: bool = False,
) -> np.ndarray:
    """RGBA images with their opacity raised, each so that its most opaque parts become solid.

    Parameters
    ----------
    images : `[..., h, w, 4]` in 0..1.
    min_opacity : of what was transparent.
    opaque_frac : part of the pixels that becomes solid.
    max_scale : at most, what opacity is multiplied by.
    keep_zeros : leave transparent what was.

    Returns
    -------
    `[..., h, w, 4]`.
    """
    images = np.asarray(images)
    alpha = images[..., 3:]
    within = (-3, -2, -1)
    solid = np.quantile(alpha, 1 - opaque_frac, axis=within, keepdims=True)
    threshold = np.maximum(solid, alpha.max(axis=within, keepdims=True) / max_scale)
    scale = (1 - min_opacity) / np.where(threshold > 0, threshold, 1)
    raised = np.minimum(1, min_opacity + alpha * scale)
    if keep_zeros:
        raised = np.where(alpha == 0, 0, raised)
    return np.concatenate([images[..., :3], raised.astype(images.dtype)], -1)


def padded(observations: np.ndarray, pad_h: int, pad_w: int) -> np.ndarray:
    """Observations `[N, H, W, C]`, as floats in 0..1, with a checkerboard around them."""
    floats = np.asarray(observations)
    floats = floats / np.float32(255) if floats.dtype == np.uint8 else floats.astype(np.float32)
    count, height, width, channels = floats.shape
    rows, columns = np.indices([height + 2 * pad_h, width + 2 * pad_w]) // _SQUARE
    board = np.where((rows + columns) % 2, _WHITE, _PALE).astype(np.float32)
    whole = np.broadcast_to(board[..., np.newaxis], (count, *board.shape, channels)).copy()
    whole[:, pad_h : pad_h + height, pad_w : pad_w + width] = floats
    return whole


def collage(cells: Sequence[Sequence[np.ndarray]], opacity: np.ndarray) -> np.ndarray:
    """Pictures `[h, w, C]`, in rows and columns, as RGBA with an opacity `[rows, columns]` each."""
    return np.concatenate(
        [
            np.concatenate([_rgba(*cell) for cell in zip(row, alphas, strict=True)], 1)
            for row, alphas in zip(cells, opacity, strict=True)
        ]
    )


def _rgba(picture: np.ndarray, opacity: float) -> np.ndarray:
    # Observations of other than three channels are shown by their first.
    shown = picture if picture.shape[-1] == 3 else picture[..., :1].repeat(3, -1)
    return np.concatenate([shown, np.full_like(shown[..., :1], opacity)], -1)
