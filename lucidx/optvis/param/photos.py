"""Images that start as a given photo."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis.param.color import from_valid_rgb, to_valid_rgb
from lucidx.optvis.param.resize_bilinear_nd import static_shape
from lucidx.optvis.param.spatial import image_from_spectrum, spectrum_from_image

_DECAY_POWER = 1


def image_from(photo: ArrayLike, batch: int | None = None) -> tf.Tensor:
    """Make an image to optimise that starts as a photo.

    It is what `param.image` makes, Fourier coefficients in a space of uncorrelated colours, with
    the coefficients of the photo in place of noise. Feature accentuation starts so (Hamblin et al.,
    2024, arXiv 2402.10039).

    Parameters
    ----------
    photo : `[H, W, C]`, floats in 0..1 or uint8, with H and W at least 2. Colours are
        decorrelated if C is 3, otherwise each channel is independent.
    batch : how many images, each with coefficients of its own; 1 by default.

    Returns
    -------
    float32 `[batch, H, W, C]` in (0, 1); at first the photo, to 1/255.

    Raises
    ------
    InvalidTypeError, InvalidValueError : not a photo, or a batch that is not a positive integer.
    """
    (start,) = as_pictures([photo])
    (n,) = static_shape([1 if batch is None else batch])
    height, width, channels = start.shape
    if min(height, width) == 1:
        raise InvalidValueError(
            f"image_from needs a height and width of at least 2; got {height} x {width} (height x "
            "width)."
        )
    is_rgb = channels == 3
    spectrum = spectrum_from_image(from_valid_rgb(start, is_rgb)[np.newaxis], _DECAY_POWER)
    spectrum = np.repeat(spectrum, n, axis=1)
    variable = tf.Variable(lambda: spectrum, shape=spectrum.shape, dtype=tf.float32)
    t = image_from_spectrum(variable, height, width, _DECAY_POWER)
    return to_valid_rgb(t, decorrelate=is_rgb)


def as_pictures(pictures: ArrayLike) -> np.ndarray:
    """Pictures of one size as an array.

    Parameters
    ----------
    pictures : a list of `[H, W, C]`, or `[N, H, W, C]`; floats in 0..1 or uint8.

    Returns
    -------
    float32 `[N, H, W, C]` in 0..1.

    Raises
    ------
    InvalidTypeError : not numbers, of different sizes, or known only when running.
    InvalidValueError : of another rank, empty, or values outside of 0..1.
    """
    try:
        array = np.asarray(pictures)
        numbers = array.astype(np.float32)
    except (TypeError, ValueError, NotImplementedError) as e:
        raise InvalidTypeError(
            "Photos are arrays of numbers [H, W, C] of one size, known before running."
        ) from e
    if array.ndim != 4 or not array.size:
        shown = list(array.shape[1:]) if len(array) == 1 else list(array.shape)
        raise InvalidValueError(f"A photo is [H, W, C], and none of them 0; got shape {shown}.")
    if array.dtype == np.uint8:
        return numbers / np.float32(255)
    lowest, highest = numbers.min(), numbers.max()
    if not (lowest >= -0.01 and highest <= 1.01):
        raise InvalidValueError(
            f"Photos are in 0..1, or uint8; this spans {lowest:.4g} to {highest:.4g}."
        )
    return numbers.clip(0, 1)
