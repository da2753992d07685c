"""Photos that recipes start from, at their own size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucidx.errors import CorruptFileError, InvalidValueError
from lucidx.misc.io import load
from lucidx.misc.io.loading import load_using_loader, loaders
from lucidx.palette import grey

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model

_MOST_CHANNELS = 4  # red, green, blue, opacity
_read = loaders[".jpg"]


def read_photo(path: str) -> np.ndarray:
    """A picture in a file, turned upright; transparent parts become white.

    Returns
    -------
    float32 `[H, W, 3]` in 0..1.

    Raises
    ------
    LucidxError : the file is damaged, not a picture, or of more channels than pictures have.
    """
    is_array = path.lower().endswith(".npy")
    image = load(path) if is_array else load_using_loader(path, None, _read, None, upright=True)
    if not (isinstance(image, np.ndarray) and image.ndim == 3 and image.dtype == np.float32):
        raise CorruptFileError(f"{path!r} is not a picture.")
    if not (image.size and image.shape[-1] <= _MOST_CHANNELS):
        height, width, channels = image.shape
        raise InvalidValueError(
            f"{path!r} has {width}x{height} pixels of {channels} channels; photos have some, of 3 "
            "(RGB) or 1 (grey), and one more where they are transparent. From Python, the recipe "
            "takes any."
        )
    if image.shape[-1] in (2, 4):
        alpha = image[..., -1:]
        image = image[..., :-1] * alpha + (1 - alpha)
    return np.broadcast_to(image, (*image.shape[:2], 3)).clip(0, 1)


def as_channels_of(model: Model, photo: np.ndarray) -> np.ndarray:
    """A photo in colour or grey, whichever the model takes.

    Raises
    ------
    InvalidValueError : it takes neither.
    """
    channels = model.image_shape[-1]
    if channels not in (1, 3, None):
        raise InvalidValueError(
            f"{model.name} takes images of {channels} channels, and photos have 3 (RGB) or 1 "
            "(grey). From Python, the recipe takes any."
        )
    return grey(photo) if channels == 1 else photo
