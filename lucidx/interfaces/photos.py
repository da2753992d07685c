"""Photos of any kind as a model takes them, and as a page shows them."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo.pictures import read_image
from lucidx.modelzoo.vision_base import Model
from lucidx.palette import grey

USUAL_SIDE = 224
SHOWN_SIDE = 560  # pixels of the shorter side on the page
_WHITE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}


class Photo(NamedTuple):
    """A photo.

    Attributes
    ----------
    image : what the model takes: float32 `[H, W, C]` in 0..1.
    shown : the same part of the photo in more pixels, uint8 `[h, w, 3]`.
    name : of its file, or "photo".
    """

    image: np.ndarray
    shown: np.ndarray
    name: str


def read(photo: Any, model: Model) -> Photo:
    """A photo, cropped about its middle to the model's proportions, and resized.

    Parameters
    ----------
    photo : path of a picture; or an array, grey `[H, W]` or `[H, W, 1]`, RGB `[H, W, 3]`, or RGBA
        `[H, W, 4]`, whose transparent parts become white: floats in 0..1, uint8, or uint16.
    model : takes RGB or grey images.

    Raises
    ------
    CorruptFileError : the file is damaged, not a picture, or cannot be opened.
    InvalidValueError, InvalidTypeError : not an image; or the model takes another kind of image.
    """
    height, width, channels = model.image_shape
    height, width = height or USUAL_SIDE, width or USUAL_SIDE
    if channels not in (1, 3):
        raise InvalidValueError(
            f"{model.name} takes images of {channels} channels; interfaces show photos, which have "
            "3 (RGB) or 1 (grey)."
        )
    scale = SHOWN_SIDE / min(height, width)
    shown_size = (round(height * scale), round(width * scale))
    if isinstance(photo, str | os.PathLike):
        image = read_image(photo, (height, width, channels))
        shown = read_image(photo, (*shown_size, 3))
        name = os.path.basename(os.fsdecode(photo))
    else:
        rgb = _rgb(photo)
        image, shown, name = _fitted(rgb, (height, width)), _fitted(rgb, shown_size), "photo"
        if channels == 1:
            image = grey(image)
    return Photo(image, np.round(shown * 255).astype(np.uint8), name)


def _rgb(array: Any) -> np.ndarray:
    """Any picture as float32 `[H, W, 3]` in 0..1."""
    array = np.asarray(array)
    if array.dtype.kind != "f" and array.dtype not in _WHITE:
        raise InvalidTypeError(
            f"A photo is a path, or an array of floats in 0..1, uint8 or uint16; not {array.dtype}."
        )
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4) or not array.size:
        raise InvalidValueError(
            f"A photo is [H, W], or [H, W, C] with C 1, 3 or 4; the shape is {array.shape}."
        )
    image = array.astype(np.float32) / np.float32(_WHITE.get(array.dtype, 1))
    # Not a number is not in the range either.
    if not (image.min() >= -0.01 and image.max() <= 1.01):
        raise InvalidValueError(
            f"A photo of floats is in 0..1; this one is {image.min():.4g} to {image.max():.4g}. "
            "Divide it by its white, or pass uint8."
        )
    if image.shape[-1] == 4:
        alpha = image[..., 3:]
        image = image[..., :3] * alpha + (1 - alpha)
    return np.broadcast_to(image, (*image.shape[:2], 3)).clip(0, 1)


def _fitted(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    bands = [Image.fromarray(np.ascontiguousarray(image[..., c])) for c in range(3)]
    fitted = [ImageOps.fit(b, size[::-1], Image.Resampling.LANCZOS) for b in bands]
    return np.dstack([np.asarray(b) for b in fitted]).clip(0, 1).astype(np.float32)
