"""Random images with the statistics of natural ones."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from lucidx.optvis import randomness
from lucidx.optvis.param.color import to_valid_rgb
from lucidx.optvis.param.lowres import DEFAULT_SD
from lucidx.optvis.param.resize_bilinear_nd import static_shape
from lucidx.optvis.param.spatial import image_from_spectrum, n_rfft_freqs


def rand_fft_image(
    shape: Sequence[int | tf.Tensor], sd: float | tf.Tensor | None = None, decay_power: float = 1
) -> tf.Tensor:
    """Noise drawn in Fourier space, anew each time it is evaluated.

    Parameters
    ----------
    shape : [N, H, W, C]; H and W may be scalar integer tensors.
    sd : standard deviation of the Fourier coefficients; 0.01 by default. Here 0 means 0.
    decay_power : amplitudes fall with frequency to this power, see `spatial.fft_image`.

    Returns
    -------
    float32 [N, H, W, C], unconstrained.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for a shape that is not four sizes, or N and C that are
        not known integers.
    """
    known = [1 if i in (1, 2) and tf.is_tensor(size) else size for i, size in enumerate(shape)]
    n, _, _, ch = static_shape(known, rank=4)
    _, h, w, _ = shape
    noise = [randomness.normal([2, ch, h, n_rfft_freqs(w)]) for _ in range(n)]
    sd = DEFAULT_SD if sd is None else sd
    return image_from_spectrum(sd * tf.stack(noise, 1), h, w, decay_power)


def image_sample(
    shape: Sequence[int | tf.Tensor],
    decorrelate: bool = True,
    sd: float | tf.Tensor | None = None,
    decay_power: float = 1,
) -> tf.Tensor:
    """Random image, drawn anew each time it is evaluated.

    Parameters
    ----------
    shape : [N, H, W, C]; H and W may be scalar integer tensors. C is 3 if `decorrelate`.
    decorrelate : correlate its colours as those of natural images are.
    sd : standard deviation of the Fourier coefficients; 0.01 by default, 0.5 is vivid.
    decay_power : amplitudes fall with frequency to this power, see `spatial.fft_image`.

    Returns
    -------
    float32 [N, H, W, C] in (0, 1).

    Raises
    ------
    InvalidTypeError, InvalidValueError : see `rand_fft_image` and `color.to_valid_rgb`.
    """
    return to_valid_rgb(rand_fft_image(shape, sd, decay_power), decorrelate)
