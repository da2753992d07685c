"""Show many channels as one picture: each channel gets a hue."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from lucidx.errors import InvalidValueError

_EPSILON = 1e-4  # keeps black black

# Red, yellow, green, cyan, blue, magenta: 60 degrees apart, all of unit length.
_ANCHORS = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]], np.float64)
_ANCHORS /= np.linalg.norm(_ANCHORS, axis=1, keepdims=True)


def hue_to_rgb(ang: float, warp: bool = True) -> np.ndarray:
    """Unit-length colour of a hue.

    Parameters
    ----------
    ang : hue in degrees, wrapped to one turn; 0 is red, 120 green, 240 blue.
    warp : slow down around red, green and blue, so that equal steps of `ang` look more equal.

    Returns
    -------
    [3] float64, not negative, of L2 norm 1.
    """
    sector, position = divmod(ang % 360 / 60, 1)
    sector = int(sector) % 6
    if warp and sector % 2 == 0:
        position = math.sin(position * math.pi / 2)
    elif warp:
        position = 1 - math.sin((1 - position) * math.pi / 2)
    rgb = (1 - position) * _ANCHORS[sector] + position * _ANCHORS[(sector + 1) % 6]
    return rgb / np.linalg.norm(rgb)


def sparse_channels_to_rgb(X: ArrayLike) -> np.ndarray:
    """Colours for values that are not negative, channel `i` of `K` having hue `360 * i / K`.

    One active channel gives its pure hue, several active channels a paler one. The colour is about
    as long as the vector of channels (L2), so it can exceed 1.

    Parameters
    ----------
    X : [..., K], values of 0 or more.

    Returns
    -------
    [..., 3] float64.

    Raises
    ------
    InvalidValueError : there are no channels, or a value is negative or NaN.
    """
    X = _floats(X)
    if X.ndim == 0 or X.shape[-1] == 0:
        raise InvalidValueError(f"Colours need at least one channel; the shape is {list(X.shape)}.")
    if np.isnan(X).any():
        raise InvalidValueError("Some values are NaN; np.nan_to_num() replaces them.")
    if (X < 0).any():
        raise InvalidValueError(
            "Some values are negative; collapse_channels() gives them hues of their own."
        )
    channels = X.shape[-1]
    hues = np.stack([hue_to_rgb(360 * i / channels) for i in range(channels)])
    whiteness = X.sum(-1, keepdims=True) - X.max(-1, keepdims=True)
    rgb = X @ hues + whiteness
    rgb /= _EPSILON + np.linalg.norm(rgb, axis=-1, keepdims=True)
    return rgb * np.linalg.norm(X, axis=-1, keepdims=True)


def collapse_channels(X: ArrayLike) -> np.ndarray:
    """Colours for any number of channels; a negative value has the hue opposite to a positive one.

    Parameters
    ----------
    X : [..., K], for instance activations `[H, W, K]`.

    Returns
    -------
    [..., 3] float64, 0 or more; values can exceed 1.

    Raises
    ------
    InvalidValueError : there are no channels, or a value is NaN.
    """
    X = _floats(X)
    if (X < 0).any():
        X = np.concatenate([np.maximum(X, 0), np.maximum(-X, 0)], -1)
    return sparse_channels_to_rgb(X)


def _floats(X: ArrayLike) -> np.ndarray:
    X = np.asarray(X)
    return X if X.dtype.kind == "f" else X.astype(np.float64)
