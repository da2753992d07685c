"""The image parameterizations most visualizations use."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from lucidx.errors import InvalidValueError
from lucidx.optvis.param.color import to_valid_rgb
from lucidx.optvis.param.spatial import fft_image, pixel_image


def image(
    w: int,
    h: int | None = None,
    batch: int | None = None,
    sd: float | None = None,
    decorrelate: bool = True,
    fft: bool = True,
    alpha: bool = False,
    channels: int | None = None,
    *,
    decay_power: float = 1,
) -> tf.Tensor:
    """Make an image to optimise.

    By default in a space where both the frequencies and the colours of natural images are
    decorrelated ("Feature Visualization", Olah et al., Distill 2017).

    Parameters
    ----------
    w : width in pixels.
    h : height in pixels; the width by default.
    batch : how many images; 1 by default.
    sd : standard deviation of the initial noise; 0.01 by default.
    decorrelate : optimise in a space where colours are uncorrelated.
    fft : optimise Fourier coefficients instead of pixels.
    alpha : add a fourth channel of opacity; `transform.collapse_alpha_random` makes use of it.
    channels : make that many channels, each independent: `decorrelate` and `alpha` have no effect.
    decay_power : amplitudes fall with frequency to this power; needs `fft`.

    Returns
    -------
    float32 [batch, h, w, 3] in (0, 1), nearly uniform grey at first; 4 channels with `alpha`,
    `channels` if given.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for sizes that are not positive integers, or sizes of 1
        with `fft`.
    """
    n_channels = channels if channels is not None else 4 if alpha else 3
    shape = [
        1 if batch is None else batch,
        w if h is None else h,
        w,
        n_channels,
    ]
    if fft:
        t = fft_image(shape, sd, decay_power)
    elif decay_power == 1:
        t = pixel_image(shape, sd)
    else:
        raise InvalidValueError(f"decay_power={decay_power} shapes a spectrum: it needs fft=True.")
    if channels is not None:
        return tf.sigmoid(t)
    if not alpha:
        return to_valid_rgb(t, decorrelate)
    rgb = to_valid_rgb(t[..., :3], decorrelate)
    return tf.concat([rgb, tf.sigmoid(t[..., 3:])], -1)


def grayscale_image_rgb(*args: Any, **kwargs: Any) -> tf.Tensor:
    """Make a grey image to optimise, for models that want colour.

    Parameters
    ----------
    *args, **kwargs : as for `image`, except `channels`.

    Returns
    -------
    float32 [batch, h, w, 3] in (0, 1), its channels equal.
    """
    return tf.tile(image(*args, channels=1, **kwargs), [1, 1, 1, 3])
