"""Pictures of attributions: enlarging, colouring, blurring. And looking into a model's graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.ndimage
from numpy.typing import ArrayLike

from lucidx.errors import InvalidValueError
from lucidx.factorization.gradients import get_shape as get_shape
from lucidx.factorization.gradients import get_var as get_var
from lucidx.misc.io.collapse_channels import hue_to_rgb as hue_to_rgb


def zoom_to(img: ArrayLike, width: int) -> np.ndarray:
    """Image with its pixels repeated, a whole number of times, until it is about `width` wide.

    Parameters
    ----------
    img : `[..., h, w, C]`.
    width : wanted, in pixels; images that are already as wide stay as they are.
    """
    img = np.asarray(img)
    times = max(1, round(width / img.shape[-2]))
    return img.repeat(times, -3).repeat(times, -2)


def concatenate_horizontally(images: ArrayLike) -> np.ndarray:
    """Images `[N, h, w, C]` side by side, as one: `[1, h, N * w, C]`."""
    return np.concatenate(list(images), 1)[np.newaxis]


def channels_to_rgb(X: ArrayLike, warp: bool = True) -> np.ndarray:
    """Each channel in a hue of its own, added up.

    Parameters
    ----------
    X : `[..., K]`.
    warp : see `hue_to_rgb`.

    Returns
    -------
    `[..., 3]`; of the values' size and sign, not 0..1.
    """
    X = np.asarray(X)
    hues = [hue_to_rgb(360 * i / X.shape[-1], warp) for i in range(X.shape[-1])]
    return X @ np.asarray(hues)


def conv2d(input_: ArrayLike, filter_: ArrayLike) -> np.ndarray:
    """Each channel filtered with the same kernel, zero outside: the same size, as TensorFlow's.

    Parameters
    ----------
    input_ : `[N, h, w, C]`.
    filter_ : `[kh, kw]`.
    """
    filter_ = np.asarray(filter_, np.float32)
    # Of even sizes TensorFlow has the smaller part before.
    origin = [0, *((size % 2 - 1) for size in filter_.shape), 0]
    kernel = filter_[np.newaxis, :, :, np.newaxis]
    input_ = np.asarray(input_, np.float32)
    return scipy.ndimage.correlate(input_, kernel, mode="constant", origin=origin)


def norm_filter(
    length: int,
    norm_ord: float = 2,
    norm_func: Callable[[np.ndarray], np.ndarray] = lambda n: np.exp(-n),
    clip: bool = True,
) -> np.ndarray:
    """Round kernel, for `conv2d`.

    Parameters
    ----------
    length : of its sides.
    norm_ord : of the norm that measures distance from the centre; see `np.linalg.norm`.
    norm_func : from distance to value.
    clip : make 0 what is below the value at the middle of the sides, that is the corners.

    Returns
    -------
    `[length, length]`.

    Raises
    ------
    InvalidValueError : `length` is less than 1.
    """
    if length < 1:
        raise InvalidValueError(f"A kernel has sides of at least 1, not {length}.")
    offsets = np.arange(length) - (length - 1) / 2
    grid = np.stack(np.meshgrid(offsets, offsets, indexing="ij"), -1)
    kernel = norm_func(np.linalg.norm(grid, norm_ord, axis=-1))
    if clip:
        edge = norm_func(np.linalg.norm([offsets[0], 0], norm_ord))
        kernel = np.where(kernel < edge, 0, kernel)
    return kernel


def brightness_to_opacity(image: ArrayLike) -> np.ndarray:
    """Image on black as a transparent one: opacity is brightness (L2, at most 1).

    Parameters
    ----------
    image : `[..., 3]`, 0 or more.

    Returns
    -------
    `[..., 4]`; over black it looks as before.
    """
    image = np.asarray(image)
    alpha = np.minimum(1, np.linalg.norm(image, axis=-1, keepdims=True))
    return np.concatenate([image / np.where(alpha > 0, alpha, 1), alpha], -1)
