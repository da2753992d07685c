"""Pictures in files as what a model takes: finding, reading, cropping and resizing them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from lucidx.errors import CorruptFileError, InvalidValueError, LucidxError
from lucidx.misc.io import load

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_FORMATS = ("PNG", "JPEG", "WEBP")
_LIKE_PICTURES = (1, 3)  # numbers of channels that any picture can be brought to


def find_images(paths: Iterable[str | os.PathLike], channels: int = 3) -> list[str]:
    """Names of image files, given files and directories.

    Of a directory those with the extension of a picture (.png, .jpg, .jpeg, .webp) are taken, at
    any depth, sorted by their paths, hidden ones and pipes left out. For models that do not take
    grey or RGB images, also .npy.

    Parameters
    ----------
    paths : files, of which nothing is asked but that they are there, and directories.
    channels : what the model takes.

    Returns
    -------
    Names in the order of `paths`, each once.

    Raises
    ------
    InvalidValueError : there is no such file or directory, or there are no images.
    """
    extensions = PICTURES if channels in _LIKE_PICTURES else (*PICTURES, ".npy")
    found: dict[str, None] = {}
    given = [os.fsdecode(path) for path in paths]
    for path in given:
        if not os.path.exists(path):
            raise InvalidValueError(f"There is no file or directory {path!r}.")
        found.update(dict.fromkeys(_under(path, extensions) if os.path.isdir(path) else [path]))
    if not found:
        searched = ", ".join(map(repr, given)) or "nothing"
        raise InvalidValueError(f"There are no pictures ({', '.join(extensions)}) in {searched}.")
    return list(found)


def _under(directory: str, extensions: tuple[str, ...]) -> list[str]:
    found = []
    for parent, directories, files in os.walk(directory):
        directories[:] = [name for name in directories if not name.startswith(".")]
        names = (name for name in files if not name.startswith("."))
        paths = (os.path.join(parent, n) for n in names if n.lower().endswith(extensions))
        found += [path for path in paths if not _is_pipe(path)]
    return sorted(found, key=lambda path: Path(path).parts)


def _is_pipe(path: str) -> bool:
    """Whether reading would wait until somebody writes."""
    return os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode)


def read_image(path: str | os.PathLike, shape: tuple[int, int, int]) -> np.ndarray:
    """An image file as a model takes it.

    It is turned upright, as its camera says (`lucidx.misc.io.load` leaves it as it is stored, as
    Lucid does), cropped to the wanted proportions, about its centre, and then resized (Lanczos).
    Transparent parts become white.

    Parameters
    ----------
    path : a picture, or `.npy`: `[H, W, C]`, floats in 0..1 or uint8.
    shape : `(height, width, channels)` wanted. A picture can be had with 3 channels (RGB) or with 1
        (its luminance, ITU-R 601); other numbers of channels are taken as the file has them.

    Returns
    -------
    Float32 `[height, width, channels]` in 0..1.

    Raises
    ------
    CorruptFileError : the file is damaged, not a picture, or cannot be opened.
    InvalidValueError : another number of channels, or values outside of 0..1.
    """
    name = os.fsdecode(path)
    height, width, channels = shape
    try:
        bands = _bands(name, channels)
    except LucidxError:
        raise
    except Exception as error:  # Pillow raises nearly anything on damaged files
        raise CorruptFileError(f"{name!r} cannot be read as a picture: {error}") from error
    size = (width, height)
    fitted = [ImageOps.fit(band, size, Image.Resampling.LANCZOS) for band in bands]
    image = np.dstack([np.asarray(band) for band in fitted])
    if image.shape[-1] != channels:
        raise InvalidValueError(
            f"{name!r} has {image.shape[-1]} channels; the model takes {channels}."
        )
    return image / np.float32(255) if image.dtype == np.uint8 else image.clip(0, 1)


def _bands(name: str, channels: int) -> list[Image.Image]:
    """The image as Pillow's, of 8 bits, or one of floats for each channel."""
    if name.lower().endswith(".npy"):
        return _float_bands(name)
    with Image.open(name, formats=_FORMATS) as picture:
        if picture.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off
            return _float_bands(name)[: 1 if channels == 1 else 3]
        ImageOps.exif_transpose(picture, in_place=True)
        if channels not in _LIKE_PICTURES:
            return [picture]
        if picture.has_transparency_data:
            picture = Image.alpha_composite(
                Image.new("RGBA", picture.size, "white"), picture.convert("RGBA")
            )
        return [picture.convert("RGB" if channels == 3 else "L")]


def _float_bands(name: str) -> list[Image.Image]:
    array = load(name)
    if getattr(array, "ndim", 0) != 3 or not array.size:
        raise InvalidValueError(f"{name!r} is not an image [H, W, C].")
    if array.dtype == np.uint8:
        array = array / np.float32(255)
    # Not a number is not in the range either.
    if array.dtype.kind != "f" or not (array.min() >= -0.01 and array.max() <= 1.01):
        raise InvalidValueError(f"{name!r} is not an image: floats in 0..1, or uint8.")
    array = array.astype(np.float32)
    return [Image.fromarray(np.ascontiguousarray(array[..., c])) for c in range(array.shape[-1])]
