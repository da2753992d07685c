"""Images of the kind that a model takes: photos, and those to optimise."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from lucidx.arguments import whole
from lucidx.errors import InvalidValueError
from lucidx.modelzoo import model_io
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import param


def one_photo(model: Model, photo: np.ndarray) -> np.ndarray:
    """A photo, float32 `[H, W, C]` in 0..1.

    Parameters
    ----------
    model : says the number of channels.
    photo : `[H, W, C]`, or `[1, H, W, C]`: floats in 0..1 or uint8.

    Raises
    ------
    InvalidValueError, InvalidTypeError : not one image, another number of channels than the model
        takes, or values outside of 0..1.
    """
    check_model(model)
    images = model_io.as_images(model, photo)
    if len(images) != 1:
        raise InvalidValueError(f"This takes one photo; these are {len(images)}.")
    return np.clip(model_io.as_floats(images[0]), 0, 1)


def reduced(model: Model, photo: np.ndarray, size: int, least: int = 1) -> np.ndarray:
    """As `one_photo`, its longest side at most `size`.

    Raises
    ------
    InvalidValueError, InvalidTypeError : as `one_photo`, or the shortest side is then less than
        `least`.
    """
    image = one_photo(model, photo)
    made = image if max(image.shape[:2]) <= size else scaled(image, size)
    if min(made.shape[:2]) < least:
        was, now = (f"{width}x{height}" for height, width, _ in (image.shape, made.shape))
        raise InvalidValueError(
            f"The photo of {was} pixels is {now} at size {size}, and needs sides of at least "
            f"{least}: crop it to be less thin, or take a larger one, and a larger size for that."
        )
    return made


def scaled(image: np.ndarray, size: int) -> np.ndarray:
    """An image `[H, W, C]` with a longest side of `size`, smoothed where it is made smaller."""
    scale = size / max(image.shape[:2])
    return resized(image, *(max(2, round(side * scale)) for side in image.shape[:2]))


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """An image `[H, W, C]` of another size, by bilinear interpolation."""
    with model_io.eagerly():
        return tf.image.resize(image, (height, width), antialias=True).numpy()


def sides_of(size: int | tuple[int, int]) -> tuple[int, int]:
    """Width and height, of one number for both or of two.

    Raises
    ------
    InvalidValueError, InvalidTypeError : not one or two whole numbers of at least 2.
    """
    given = size if isinstance(size, list | tuple) else (size, size)
    if len(given) != 2:
        raise InvalidValueError(f"size is a number of pixels, or width and height; not {size!r}.")
    width, height = (whole("size", side, 2) for side in given)
    return width, height


def as_model_takes(model: Model, photo: np.ndarray) -> np.ndarray:
    """A photo, stretched to the size of the model's images as Lucid's recipes do it.

    Parameters
    ----------
    model : says the size and the number of channels; where it takes any size, the photo keeps its.
    photo : `[H, W, C]`, or `[1, H, W, C]`: floats in 0..1 or uint8.

    Returns
    -------
    float32 `[h, w, C]` in 0..1.

    Raises
    ------
    InvalidValueError, InvalidTypeError : not one image, another number of channels than the model
        takes, or values outside of 0..1.
    """
    image = one_photo(model, photo)
    wanted = [
        own if size is None else size
        for size, own in zip(model.image_shape[:2], image.shape[:2], strict=True)
    ]
    if wanted == list(image.shape[:2]):
        return image
    with model_io.eagerly():
        # Bicubic interpolation overshoots.
        resized = tf.image.resize(image, wanted, "bicubic", antialias=True).numpy()
    return np.clip(resized, 0, 1)


def to_optimise(
    model: Model, width: int, height: int, batch: int, alpha: bool = False
) -> tf.Tensor:
    """`param.image` with as many channels as the model takes, and with opacity if `alpha`.

    Raises
    ------
    InvalidValueError : `alpha`, and the model takes no colour images.
    """
    channels = model.image_shape[-1]
    if channels in (3, None):
        return param.image(width, height, batch, alpha=alpha)
    if alpha:
        raise InvalidValueError(
            f"Transparent images are put before backgrounds of 3 channels; {model.name} takes "
            f"images of {channels}."
        )
    return param.image(width, height, batch, channels=channels)
