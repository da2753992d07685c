"""Arrays as encoded pictures, and as JavaScript typed arrays."""

from __future__ import annotations

import base64
import io
import logging
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from lucidx.errors import InvalidTypeError, InvalidValueError

log = logging.getLogger(__name__)

PICTURE_FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP"}
JS_ARRAY_TYPES = ["float32", "float64", "int16", "int32", "int8", "uint16", "uint32", "uint8"]

_UNIT_DOMAIN = (0, 1)
_PIXEL_DOMAIN = (0, 255)


def _normalize_array(
    array: ArrayLike, domain: tuple[float, float] | None = _UNIT_DOMAIN
) -> np.ndarray:
    """Pixels of an array of numbers.

    Floats (and bools, as 0 and 1) are mapped linearly from `domain` to 0..255, clipped and
    truncated. Integers are taken to be pixels already: they are clipped, never scaled, with a
    warning if there are others than 0..255.

    Parameters
    ----------
    array : `[H, W]` or `[H, W, C]`; axes of length 1 around these are dropped. An eager tensor, or
        nested lists, will do. Not modified.
    domain : values that become 0 and 255; None takes the array's own least and greatest value. For
        integers, values to clip at; (0, 1) does not concern them.

    Returns
    -------
    uint8 array `[H, W]` or `[H, W, C]`.

    Raises
    ------
    InvalidTypeError : the array is not made of real numbers, or `domain` is not two of them.
    InvalidValueError : it is empty, contains NaN, has too many axes, or `domain` is impossible.
    """
    array = _drop_unit_axes(_checked_numbers(array))
    if domain is not None:
        domain = _checked_domain(domain)
    if array.dtype.kind in "iu":
        if domain is None or domain == _UNIT_DOMAIN:
            _warn_unless_pixels(array)
            domain = _PIXEL_DOMAIN
        return array.astype(np.float64).clip(*domain).clip(*_PIXEL_DOMAIN).astype(np.uint8)
    low, high = _measured_domain(array) if domain is None else domain
    array = array.clip(low, high) - low
    if high > low:
        array = array * (255 / (high - low))
    return array.clip(*_PIXEL_DOMAIN).astype(np.uint8)


def array_of(thing: Any) -> np.ndarray:
    """Array that an array-like thing or an eager tensor is or holds.

    Raises
    ------
    InvalidTypeError : there is none: it is ragged, on another device, or symbolic.
    """
    try:
        return np.asarray(thing)
    except (ValueError, TypeError, NotImplementedError, RuntimeError) as error:
        raise InvalidTypeError(
            f"What is given, of type {type(thing).__name__}, is not an array: {error}"
        ) from error


def in_numpys_types(array: np.ndarray) -> np.ndarray:
    """The array; of numbers that numpy itself does not know, such as bfloat16, as float32.

    Which holds them exactly.
    """
    is_foreign = array.dtype.kind == "V" and not issubclass(array.dtype.type, np.void)
    return array.astype(np.float32) if is_foreign else array


def _checked_numbers(array: ArrayLike) -> np.ndarray:
    array = in_numpys_types(array_of(array))
    if array.dtype.kind not in "biuf":
        raise InvalidTypeError(f"A picture is made of real numbers; this array is {array.dtype}.")
    if array.dtype.kind == "b" or array.dtype == np.float16:
        array = array.astype(np.float32)
    if array.size == 0:
        raise InvalidValueError(f"There is nothing in an array of shape {list(array.shape)}.")
    if np.isnan(array).any():
        share = np.isnan(array).mean()
        raise InvalidValueError(
            f"{share:.1%} of the values are NaN; np.nan_to_num() makes them showable."
        )
    return array


def _drop_unit_axes(array: np.ndarray) -> np.ndarray:
    # A blanket squeeze would make a grey picture of an RGB picture one pixel wide.
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    elif array.ndim == 3 and array.shape[2] > 4 and 1 in array.shape:
        array = array.squeeze(array.shape.index(1))
    if array.ndim > 3:
        raise InvalidValueError(
            f"A picture is [H, W] or [H, W, C]; the shape is {list(array.shape)}. "
            "Take one picture of the batch, or lay them out with lucidx.misc.io.contact_sheet()."
        )
    return array


def _checked_domain(domain: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = domain
        possible = bool(np.isfinite(low) and np.isfinite(high) and low <= high)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"The domain is two numbers, those that become black and white; it is {domain!r}."
        ) from error
    if not possible:
        raise InvalidValueError(
            f"The domain must be two finite numbers, the lesser first; it is ({low}, {high})."
        )
    return low, high


def _measured_domain(array: np.ndarray) -> tuple[float, float]:
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InvalidValueError(
            f"{np.isinf(array).mean():.1%} of the values are inf: there is no least or no greatest "
            "one to become black or white. Say where to cut, such as domain=(0, 1)."
        )
    return low, high


def _warn_unless_pixels(array: np.ndarray) -> None:
    low, high = _PIXEL_DOMAIN
    if array.min() < low or array.max() > high:
        share = ((array < low) | (array > high)).mean()
        log.warning(
            "Integers are taken as pixels, %d..%d; %.1f%% of these are not and become black or "
            "white. Scale them before: 16 bits are image / 65535.",
            low,
            high,
            100 * share,
        )


def to_picture(array: np.ndarray) -> Image.Image:
    """Pillow image of pixels.

    Parameters
    ----------
    array : uint8, grey `[H, W]`, or `[H, W, C]` with C 1 (grey), 2 (grey and alpha), 3 (RGB) or
        4 (RGBA).

    Raises
    ------
    InvalidTypeError : the array is not uint8.
    InvalidValueError : its shape is none of these.
    """
    if array.dtype != np.uint8:
        raise InvalidTypeError(f"Pixels are uint8; this array is {array.dtype}.")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or array.size == 0 or (array.ndim == 3 and array.shape[2] > 4):
        raise InvalidValueError(
            f"A picture is [H, W] or [H, W, C] with 1 to 4 channels; the shape is "
            f"{list(array.shape)}. lucidx.misc.io.collapse_channels.collapse_channels() makes RGB "
            "of many channels."
        )
    return Image.fromarray(array)


def encode_picture(picture: Image.Image, fmt: str, **options: Any) -> bytes:
    """Content of a picture file.

    Parameters
    ----------
    picture : of a mode that the format can hold.
    fmt : "png", "jpg", "jpeg" or "webp", in upper or lower case.
    **options : for Pillow, such as `quality`.

    Raises
    ------
    InvalidValueError : the format is unknown, or cannot hold such a picture.
    """
    pillow_format = PICTURE_FORMATS.get(fmt.lower())
    if pillow_format is None:
        raise InvalidValueError(
            f"Pictures cannot be written as {fmt!r}; there are {', '.join(PICTURE_FORMATS)}."
        )
    buffer = io.BytesIO()
    try:
        picture.save(buffer, pillow_format, **options)
    except (OSError, ValueError) as error:
        width, height = picture.size
        raise InvalidValueError(
            f"A {picture.mode} picture of {width}x{height} pixels cannot be written as "
            f"{pillow_format}: {error}."
        ) from error
    return buffer.getvalue()


def _serialize_normalized_array(array: np.ndarray, fmt: str = "png", quality: int = 70) -> bytes:
    """Content of a picture file showing uint8 pixels; see `serialize_array`."""
    return encode_picture(to_picture(array), fmt, quality=quality)


def serialize_array(
    array: ArrayLike,
    domain: tuple[float, float] | None = _UNIT_DOMAIN,
    fmt: str = "png",
    quality: int = 70,
) -> bytes:
    """Content of a picture file showing an array.

    Parameters
    ----------
    array : numbers, `[H, W]` or `[H, W, C]` with C 1 to 4; axes of length 1 around these are
        dropped. Integers are pixels, 0..255.
    domain : values of a float array that become black and white; None takes its own least and
        greatest.
    fmt : "png", "jpeg" or "webp".
    quality : 0..100, of the lossy formats.

    Raises
    ------
    InvalidTypeError : the array is not made of real numbers, or `domain` is not two of them.
    InvalidValueError : it is empty, contains NaN, is not one picture, or does not go with the
        format; or `domain` is impossible.
    """
    return _serialize_normalized_array(_normalize_array(array, domain), fmt, quality)


def array_to_jsbuffer(array: ArrayLike) -> str:
    """JavaScript expression whose value is a typed array with the values of `array`.

    Parameters
    ----------
    array : one-dimensional, of one of the dtypes in `JS_ARRAY_TYPES`.

    Raises
    ------
    InvalidTypeError : JavaScript has no such typed array.
    """
    array = array_of(array)
    if array.ndim != 1 or array.dtype.name not in JS_ARRAY_TYPES:
        raise InvalidTypeError(
            f"JavaScript has typed arrays of one axis, of {', '.join(JS_ARRAY_TYPES)}; "
            f"this array is {array.dtype} of shape {list(array.shape)}."
        )
    js_type = f"{array.dtype.name.capitalize()}Array"
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    data = base64.b64encode(little_endian.tobytes()).decode("ascii")
    return f"""(function () {{
  const bytes = Uint8Array.from(atob("{data}"), (c) => c.charCodeAt(0));
  return new {js_type}(bytes.buffer);
}})()"""
