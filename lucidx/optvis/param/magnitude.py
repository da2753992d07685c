"""Images whose spectrum has fixed amplitudes: only its phases are optimised.

Free amplitudes let the optimizer put its gain into frequencies that natural images have little of,
the more so the deeper the network. With the amplitudes of natural images it cannot ("Unlocking
Feature Visualization for Deeper Networks with MAgnitude Constrained Optimization", Fel et al.,
NeurIPS 2023, arXiv 2306.06805).
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis import randomness
from lucidx.optvis.param.color import from_valid_rgb, to_valid_rgb
from lucidx.optvis.param.photos import as_pictures
from lucidx.optvis.param.resize_bilinear_nd import static_shape
from lucidx.optvis.param.spatial import even_rfft2, n_rfft_freqs, rfft2d_freqs

DECAY_POWER = 1.2
CONTRAST = 1.5  # standard deviation of the unconstrained image; photos have some more


def maco_image(
    w: int,
    h: int | None = None,
    batch: int | None = None,
    *,
    magnitude: ArrayLike | None = None,
    channels: int | None = None,
) -> tf.Tensor:
    """Make an image to optimise whose amplitudes are fixed (MACO, Fel et al., 2023).

    Phases alone cannot make an image of which a part is empty. So it is meant to be seen in parts,
    with `transform.random_crops` and `transform.noise`, as `recipes.maco` does it.

    Parameters
    ----------
    w : width in pixels.
    h : height in pixels; the width by default.
    batch : how many images; 1 by default.
    magnitude : the amplitudes `[C, h, w // 2 + 1 (+ 1 for odd w)]`, from `magnitude_of`; by default
        `natural_magnitude`.
    channels : make that many channels, each independent, in place of colours.

    Returns
    -------
    float32 `[batch, h, w, 3]` in (0, 1), or `channels` channels; at first noise with the spectrum
    of a natural image. Its one variable is `[batch, C, h, w // 2 + 1 (+ 1)]`: phases in radians.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for sizes that are not integers of at least 2, or a
        magnitude that does not fit them.
    """
    n, h, w, n_channels = static_shape(
        [1 if batch is None else batch, w if h is None else h, w, channels or 3]
    )
    if min(h, w) == 1:
        raise InvalidValueError(
            f"maco_image needs a height and width of at least 2; got {h} x {w} (height x width)."
        )
    fixed = _fitting(magnitude, w, h, n_channels)
    shape = [n, *fixed.shape]
    # Wrapped around the circle, noise this wide is as good as uniform.
    phase = tf.Variable(
        lambda: randomness.initial_noise(shape, 2 * math.pi), shape=shape, dtype=tf.float32
    )
    t = _image_of_phase(phase, fixed, w)
    return to_valid_rgb(t, decorrelate=channels is None)


def natural_magnitude(w: int, h: int | None = None, channels: int = 3) -> np.ndarray:
    """Amplitudes that fall with frequency f as those of natural images do on average: as f^-1.2.

    The exponent is from "Amplitude spectra of natural images" (Tolhurst et al., 1992), who found
    0.8 to 1.5. The paper on MACO takes the mean amplitudes of ImageNet; of these, this has the
    colours: amplitudes are equal in the uncorrelated ones that `param.image` works in. What images
    have beyond that, such as the verticals and horizontals of towns, `magnitude_of` finds in
    examples.

    Parameters
    ----------
    w : width in pixels.
    h : height in pixels; the width by default.
    channels : C.

    Returns
    -------
    float32 `[C, h, w // 2 + 1 (+ 1 for odd w)]`.
    """
    h, w, channels = static_shape([w if h is None else h, w, channels])
    even = w + w % 2
    decay = np.maximum(rfft2d_freqs(h, even), 1 / max(h, even)) ** -DECAY_POWER
    _, edge = _self_conjugate(h, w)
    power = np.sum(np.where(edge, 1, 2) * decay**2)  # the other half of the spectrum counts too
    scale = CONTRAST * h * even / np.sqrt(power)
    return np.tile(scale * decay, [channels, 1, 1]).astype(np.float32)


def magnitude_of(images: ArrayLike) -> np.ndarray:
    """Mean amplitudes of the spectra of images, for `maco_image` of their size.

    Parameters
    ----------
    images : of one size, `[N, H, W, C]` or a list of `[H, W, C]`, floats in 0..1 or uint8. The more
        the better: what a few have in common by chance is put into every picture.

    Returns
    -------
    float32 `[C, H, W // 2 + 1 (+ 1 for odd W)]`: amplitudes of the unconstrained numbers that
    `to_valid_rgb` makes these images of, with uncorrelated colours if C is 3.

    Raises
    ------
    InvalidTypeError, InvalidValueError : not images.
    """
    pictures = as_pictures(images)
    total = np.zeros([], np.float64)
    for picture in pictures:
        t = from_valid_rgb(picture, decorrelate=picture.shape[-1] == 3)
        total = total + np.abs(even_rfft2(t[np.newaxis])[0])
    return (total / len(pictures)).astype(np.float32)


def _fitting(magnitude: ArrayLike | None, w: int, h: int, channels: int) -> np.ndarray:
    if magnitude is None:
        return natural_magnitude(w, h, channels)
    shape = (channels, h, n_rfft_freqs(w))
    try:
        fixed = np.asarray(magnitude, np.float32)
    except (TypeError, ValueError, NotImplementedError) as e:
        raise InvalidTypeError("magnitude is an array of numbers known before running.") from e
    if fixed.shape != shape:
        raise InvalidValueError(
            f"A magnitude {list(shape)} is needed (channels, height, half of the width and 1), not "
            f"{list(fixed.shape)}. Make it with magnitude_of from images of the size wanted."
        )
    if not (np.isfinite(fixed).all() and (fixed >= 0).all() and fixed.any()):
        raise InvalidValueError("A magnitude is finite, at least 0, and somewhere more.")
    return fixed


def _image_of_phase(phase: tf.Variable, magnitude: np.ndarray, w: int) -> tf.Tensor:
    """Real image `[N, h, w, C]` of phases `[N, C, h, columns]`."""
    h = magnitude.shape[1]
    paired, _ = _self_conjugate(h, w)
    # There, coefficients come in conjugate pairs: those of a real image have opposite phases.
    mirrored = tf.roll(tf.reverse(phase, [-2]), 1, -2)
    phase = phase - tf.constant(paired, tf.float32) * mirrored
    amplitude = tf.constant(magnitude)
    spectrum = tf.complex(amplitude * tf.cos(phase), amplitude * tf.sin(phase))
    image = tf.signal.irfft2d(spectrum, [h, w + w % 2])[..., :w]
    return tf.transpose(image, [0, 2, 3, 1])


def _self_conjugate(h: int, w: int) -> tuple[np.ndarray, np.ndarray]:
    """Where, in `[h, columns]`, a coefficient's conjugate is in the same half of the spectrum.

    Returns
    -------
    Those whose conjugate is another, and all; the rest of them, four at most, are real.
    """
    columns = n_rfft_freqs(w)
    row, column = np.mgrid[:h, :columns]
    edge = (column == 0) | (column == columns - 1)
    return edge & ((2 * row) % h != 0), edge
