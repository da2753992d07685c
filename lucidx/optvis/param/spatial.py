"""Image parameterizations: pixels, Fourier coefficients, pyramids, textures.

The space in which an image is optimised decides which of the many images that excite a neuron is
found. Fourier coefficients scaled like those of natural images give far less high-frequency noise
than pixels ("Feature Visualization", Olah et al., Distill 2017, on preconditioning).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis.param.lowres import lowres_tensor, noise_variable
from lucidx.optvis.param.resize_bilinear_nd import static_shape


def pixel_image(
    shape: Sequence[int], sd: float | None = None, init_val: ArrayLike | None = None
) -> tf.Variable:
    """Image whose pixels are the variables.

    Parameters
    ----------
    shape : of the image, usually [N, H, W, C].
    sd : standard deviation of the initial noise; 0.01 by default.
    init_val : image to start from instead, of the given shape or one that broadcasts to it.

    Returns
    -------
    float32 variable, unconstrained; `color.to_valid_rgb` makes colours of it.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for sizes that are not positive integers, or an `init_val`
        that is not numbers or does not fit.

    Warns
    -----
    UserWarning : if both `sd` and `init_val` are given; `init_val` wins.
    """
    shape = static_shape(shape)
    if init_val is None:
        return noise_variable(shape, sd)
    if sd is not None:
        warnings.warn("pixel_image has init_val to start from: sd is not used.", stacklevel=2)
    try:
        value = np.asarray(init_val, np.float32)
    except (TypeError, ValueError, NotImplementedError) as e:
        raise InvalidTypeError(
            f"init_val is an array of numbers known before running; got {init_val!r}."
        ) from e
    try:
        value = np.broadcast_to(value, shape)
    except ValueError as e:
        raise InvalidValueError(
            f"init_val of shape {list(value.shape)} does not fit an image of shape {list(shape)}."
        ) from e
    return tf.Variable(lambda: value, shape=shape, dtype=tf.float32)


def n_rfft_freqs(w: int | tf.Tensor) -> int | tf.Tensor:
    """Columns of a spectrum for images of width `w`: w / 2 + 1, for odd `w` as if it were w + 1."""
    return (w + 1) // 2 + 1


def rfft2d_freqs(h: int | tf.Tensor, w: int | tf.Tensor) -> np.ndarray | tf.Tensor:
    """Spatial frequencies of a real two-dimensional Fourier transform.

    Parameters
    ----------
    h, w : size of the image; integers or scalar integer tensors.

    Returns
    -------
    float64 array, or tensor if `h` or `w` is one, [h, w // 2 + 1], one column more if `w` is odd:
    absolute frequencies in cycles per pixel, 0 to sqrt(1/2).
    """
    symbolic = tf.is_tensor(h) or tf.is_tensor(w)
    arange, minimum, sqrt = (
        (tf.range, tf.minimum, tf.sqrt) if symbolic else (np.arange, np.minimum, np.sqrt)
    )
    y, x = arange(h), arange(w)[: n_rfft_freqs(w)]
    fy = (minimum(y, h - y) / h)[:, None]
    fx = minimum(x, w - x) / w
    return sqrt(fx * fx + fy * fy)


def image_from_spectrum(
    spectrum: tf.Tensor, h: int | tf.Tensor, w: int | tf.Tensor, decay_power: float
) -> tf.Tensor:
    """Inverse Fourier transform with low frequencies boosted as in natural images.

    Parameters
    ----------
    spectrum : float32 [2, N, C, h, n_rfft_freqs(w)], real and imaginary parts.
    h, w : size of the image; integers or scalar integer tensors.
    decay_power : amplitudes fall with frequency to this power.

    Returns
    -------
    float32 [N, h, w, C].
    """
    height, width = tf.cast(h, tf.float64), tf.cast(w, tf.float64)
    lowest = 1 / tf.maximum(height, width)
    amplitude = tf.sqrt(height * width) / tf.maximum(rfft2d_freqs(h, w), lowest) ** decay_power
    # The factor 4 is Lucid's; learning rates are tuned to it.
    scaled = spectrum * tf.cast(amplitude / 4, tf.float32)
    # An odd width is transformed as the next even one and cropped. Its length is given because
    # the length TensorFlow infers for a single column is 0, which aborts the process.
    # Unstacked, not indexed: the gradient of indexing is several times slower than all the rest.
    real, imaginary = tf.unstack(scaled)
    image = tf.signal.irfft2d(tf.complex(real, imaginary), [h, w + w % 2])
    if tf.is_tensor(w) or w % 2:
        image = image[..., :w]
    image = tf.transpose(image, [0, 2, 3, 1])
    _, n, ch, *_ = spectrum.shape
    image.set_shape([n, *(None if tf.is_tensor(size) else size for size in (h, w)), ch])
    return image


def spectrum_from_image(image: np.ndarray, decay_power: float) -> np.ndarray:
    """Coefficients that `image_from_spectrum` makes an image of: its inverse, computed at once.

    Parameters
    ----------
    image : [N, h, w, C], any real numbers.
    decay_power : as in `image_from_spectrum`.

    Returns
    -------
    float32 array [2, N, C, h, n_rfft_freqs(w)], real and imaginary parts.
    """
    _, h, w, _ = image.shape
    lowest = 1 / max(h, w)
    amplitude = np.sqrt(h * w) / np.maximum(rfft2d_freqs(h, w), lowest) ** decay_power
    scaled = even_rfft2(image) * (4 / amplitude)
    return np.stack([scaled.real, scaled.imag]).astype(np.float32)


def even_rfft2(image: np.ndarray) -> np.ndarray:
    """Fourier transform of an image, of odd width as if its last column came twice.

    Parameters
    ----------
    image : [N, h, w, C], any real numbers.

    Returns
    -------
    complex128 array [N, C, h, n_rfft_freqs(w)].
    """
    odd = image.shape[2] % 2
    padded = np.pad(image.astype(np.float64), [[0, 0], [0, 0], [0, odd], [0, 0]], "edge")
    return np.fft.rfft2(padded.transpose(0, 3, 1, 2))


def fft_image(shape: Sequence[int], sd: float | None = None, decay_power: float = 1) -> tf.Tensor:
    """Image whose Fourier coefficients are the variables.

    Parameters
    ----------
    shape : [N, H, W, C], with H and W at least 2.
    sd : standard deviation of the initial noise of the coefficients; 0.01 by default.
    decay_power : amplitudes fall with frequency to this power; 1, the default, is about that of
        natural images, 0 is white, more is smoother.

    Returns
    -------
    float32 [N, H, W, C], unconstrained; `color.to_valid_rgb` makes colours of it. Its one variable
    is [2, N, C, H, W // 2 + 1 (+ 1 for odd W)]: real and imaginary parts.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for sizes that are not integers or are too small.
    """
    n, h, w, ch = static_shape(shape, rank=4)
    if min(h, w) == 1:
        raise InvalidValueError(
            f"fft_image needs a height and width of at least 2; got {h} x {w} (height x width)."
            " Use pixel_image (param.image(..., fft=False)) for an image one pixel thin."
        )
    spectrum = noise_variable((2, n, ch, h, n_rfft_freqs(w)), sd, batch_axis=1)
    return image_from_spectrum(spectrum, h, w, decay_power)


def laplacian_pyramid_image(
    shape: Sequence[int], n_levels: int = 4, sd: float | None = None
) -> tf.Tensor:
    """Image that is a sum of variables at full, half, quarter, ... resolution.

    Parameters
    ----------
    shape : [..., H, W, C].
    n_levels : how many resolutions, at least 1.
    sd : standard deviation of the initial noise of each; 0.01 by default.

    Returns
    -------
    float32 tensor of shape `shape`, unconstrained.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for sizes that are not positive integers, fewer than 3 of
        them, or no level.
    """
    shape = static_shape(shape)
    if len(shape) < 3:
        raise InvalidValueError(f"A pyramid needs [..., H, W, C]; got shape {list(shape)}.")
    (n_levels,) = static_shape([n_levels])
    *batch, h, w, ch = shape
    return tf.add_n(
        [
            lowres_tensor(shape, [*batch, max(1, h >> level), max(1, w >> level), ch], sd=sd)
            for level in range(n_levels)
        ]
    )


def bilinearly_sampled_image(texture: tf.Tensor, uv: tf.Tensor) -> tf.Tensor:
    """Read a texture at UV coordinates, as OpenGL does with GL_REPEAT and GL_LINEAR.

    Differentiable in both arguments; how 3-D style transfer paints a mesh ("Differentiable Image
    Parameterizations", Mordvintsev et al., Distill 2018).

    Parameters
    ----------
    texture : float32 [H, W, C].
    uv : float32 [..., 2]; u runs from 0 (left) to 1 (right), v from 0 (bottom) to 1 (top), and
        the texture repeats beyond.

    Returns
    -------
    float32 [..., C].

    Raises
    ------
    InvalidValueError : for a texture that is not [H, W, C] or coordinates that are not [..., 2].
    """
    texture = tf.convert_to_tensor(texture, dtype_hint=tf.float32)
    uv = tf.convert_to_tensor(uv, dtype_hint=tf.float32)
    if texture.shape.rank != 3 or uv.shape.rank is None or uv.shape[-1] != 2:
        raise InvalidValueError(
            "bilinearly_sampled_image reads a texture [H, W, C] at coordinates [..., 2];"
            f" got {texture.shape} and {uv.shape}."
        )
    size = tf.shape(texture)[:2]
    height, width = (tf.cast(size[axis], uv.dtype) for axis in (0, 1))
    x = uv[..., 0] * width - 0.5
    y = (1 - uv[..., 1]) * height - 0.5

    def texel(y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        return tf.gather_nd(texture, tf.cast(tf.stack([y, x], -1), tf.int32) % size)

    def between(start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
        return start + (end - start) * fraction[..., None]

    left, right, top, bottom = tf.floor(x), tf.math.ceil(x), tf.floor(y), tf.math.ceil(y)
    return between(
        between(texel(top, left), texel(bottom, left), y - top),
        between(texel(top, right), texel(bottom, right), y - top),
        x - left,
    )


def naive(shape: Sequence[int], sd: float | None = None) -> tf.Variable:
    """Deprecated name of `pixel_image`."""
    _warn_renamed("naive", "pixel_image")
    return pixel_image(shape, sd)


def laplacian_pyramid(
    shape: Sequence[int], n_levels: int = 4, sd: float | None = None
) -> tf.Tensor:
    """Deprecated name of `laplacian_pyramid_image`."""
    _warn_renamed("laplacian_pyramid", "laplacian_pyramid_image")
    return laplacian_pyramid_image(shape, n_levels, sd)


def sample_bilinear(texture: tf.Tensor, uv: tf.Tensor) -> tf.Tensor:
    """Deprecated name of `bilinearly_sampled_image`."""
    _warn_renamed("sample_bilinear", "bilinearly_sampled_image")
    return bilinearly_sampled_image(texture, uv)


def _warn_renamed(old: str, new: str) -> None:
    warnings.warn(f"{old} is now called {new}.", DeprecationWarning, stacklevel=3)
