"""Resize and combine images that are arrays."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import ArrayLike

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.io.serialize_array import array_of


def resize(
    image: ArrayLike,
    target_size: int | Sequence[int] | np.ndarray | None = None,
    ratios: float | Sequence[float] | np.ndarray | None = None,
    **kwargs: Any,
) -> np.ndarray:
    """Resize an image, or each image of a batch, by spline interpolation.

    Cubic splines overshoot: values may leave the range of the image's own by a few percent. Pass
    `order=1` for linear interpolation, which does not.

    Parameters
    ----------
    image : numbers `[H, W, C]` or `[N, H, W, C]`.
    target_size : rows and columns of the result; one number for a square.
    ratios : factors for rows and columns, or one for both, in place of `target_size`. Given both,
        the image is scaled by `ratios` and cut down to `target_size`.
    **kwargs : for `scipy.ndimage.zoom` (`order`, `mode`, ...).

    Returns
    -------
    Array of the same rank and dtype. `image` itself if it has the target size already.

    Raises
    ------
    InvalidValueError : another rank, no size at all, or one that is not positive.
    InvalidTypeError : `image` is not numbers, or a size not a number or a pair of numbers.
    """
    image = _numbers(image)
    if image.ndim not in (3, 4):
        raise InvalidValueError(
            f"An image has 3 axes [H, W, C], a batch of them 4; this has shape {image.shape}."
        )
    if target_size is None and ratios is None:
        raise InvalidValueError("Say to what size: give target_size or ratios.")
    size = None if target_size is None else _sizes(target_size, operator.index, "target_size")
    rows_columns = image.shape[-3:-1]
    if ratios is None:
        if size == rows_columns:
            return image
        factors = tuple(t / o for t, o in zip(size, rows_columns, strict=True))
    else:
        factors = _sizes(ratios, float, "ratios")
    zooms = [1] * (image.ndim - 3) + [*factors, 1]
    resized = scipy.ndimage.zoom(image, zooms, **kwargs)
    return resized if size is None else resized[..., : size[0], : size[1], :]


def _numbers(image: ArrayLike) -> np.ndarray:
    array = array_of(image)
    if array.dtype.kind not in "biuf":
        raise InvalidTypeError(f"An image is made of real numbers; this array is {array.dtype}.")
    return array


def _sizes(given: Any, kind: Any, name: str) -> tuple:
    pair = _pair(given, kind, name)
    if not all(0 < number < np.inf for number in pair):
        raise InvalidValueError(f"{name} has to be positive, and is {given!r}.")
    return pair


def _pair(given: Any, kind: Any, name: str) -> tuple:
    try:
        rows, columns = [given, given] if np.ndim(given) == 0 else given
        return kind(rows), kind(columns)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"{name} is one number or a pair of numbers, for rows and columns, not {given!r}."
        ) from error


def composite(
    background_image: ArrayLike,
    foreground_image: ArrayLike,
    foreground_width_ratio: float = 0.25,
    foreground_position: Sequence[float] = (0.0, 0.0),
) -> np.ndarray:
    """Paste one image, made square, onto another.

    Parameters
    ----------
    background_image : numbers `[H, W, C]`.
    foreground_image : numbers `[h, w, C]`.
    foreground_width_ratio : side of the pasted square, as a part of W.
    foreground_position : where it goes, vertically and horizontally: 0 is the top or left edge, 1
        the bottom or right one.

    Returns
    -------
    Array `[H, W, C]` of the background's dtype; the background itself if there is nothing to paste.

    Raises
    ------
    InvalidValueError : the images have other axes or differ in channels, or the square does not
        fit.
    InvalidTypeError : an image is not numbers, or the position not two of them.
    """
    background, foreground = _numbers(background_image), _numbers(foreground_image)
    if background.ndim != 3 or foreground.ndim != 3:
        raise InvalidValueError(
            f"Images have 3 axes [H, W, C]; these have shapes {background.shape} and "
            f"{foreground.shape}."
        )
    rows, columns, channels = background.shape
    side = int(foreground_width_ratio * columns)
    if side <= 0:
        return background
    if foreground.shape[-1] != channels:
        raise InvalidValueError(
            f"The background has {channels} channels, the foreground {foreground.shape[-1]}; they "
            "have to be the same."
        )
    position = _pair(foreground_position, float, "foreground_position")
    room = np.array([rows, columns]) - side
    corner = position * room
    if room.min() < 0 or not ((corner > -1) & (corner < room + 1)).all():
        raise InvalidValueError(
            f"A foreground of {side} pixels at {position} does not fit into {rows} x {columns}; "
            "choose a smaller foreground_width_ratio or a position in 0..1."
        )
    top, left = corner.astype(int)
    result = background.copy()
    result[top : top + side, left : left + side] = resize(foreground, side)
    return result


def soft_alpha_blend(
    image_with_alpha: np.ndarray, amount_background: float = 0.333, gamma: float = 2.2
) -> np.ndarray:
    """Blend an image over a pale version of itself, so that hints of what is transparent remain.

    Parameters
    ----------
    image_with_alpha : array `[..., 4]`, RGBA in 0..1.
    amount_background : how much of the color shows where the image is transparent: 0 is white.
    gamma : exponent to linear light, in which the blending is done.

    Returns
    -------
    Array `[..., 3]`, RGB in 0..1.

    Raises
    ------
    InvalidValueError : there are not four channels.
    """
    image = np.asarray(image_with_alpha)
    if image.ndim == 0 or image.shape[-1] != 4:
        raise InvalidValueError(f"Four channels, RGBA, are needed; the shape is {image.shape}.")
    color, alpha = image[..., :3], image[..., 3:]
    background = amount_background * color + (1 - amount_background)
    return (alpha * color**gamma + (1 - alpha) * background**gamma) ** (1 / gamma)
