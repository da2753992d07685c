"""Rotation of images: TensorFlow 1's `tf.contrib.image`."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from lucidx.compat.missing import reporter
from lucidx.errors import InvalidValueError

__all__ = ["rotate"]

__getattr__ = reporter("tf.contrib.image", __all__)


def rotate(
    images: tf.Tensor,
    angles: float | Sequence[float] | tf.Tensor,
    interpolation: str = "NEAREST",
    name: str | None = None,
) -> tf.Tensor:
    """Images turned about their centre, with 0 where nothing is turned to.

    Parameters
    ----------
    images : [H, W], [H, W, C] or [N, H, W, C].
    angles : in radians, counter-clockwise; one, or one for each image.
    interpolation : "NEAREST" or "BILINEAR".

    Raises
    ------
    InvalidValueError : `images` has another number of axes.
    """
    with tf.name_scope(name or "rotate"):
        images = tf.convert_to_tensor(images)
        rank = images.shape.rank
        if rank not in (2, 3, 4):
            raise InvalidValueError(
                f"Images are [H, W], [H, W, C] or [N, H, W, C]; these have shape {images.shape}."
            )
        batch = {2: images[None, ..., None], 3: images[None], 4: images}[rank]
        size = tf.shape(batch)[1:3]
        turned = tf.raw_ops.ImageProjectiveTransformV3(
            images=batch,
            transforms=_turns(tf.reshape(tf.cast(angles, tf.float32), [-1]), size),
            output_shape=size,
            fill_value=0,
            interpolation=interpolation.upper(),
            fill_mode="CONSTANT",
        )
        turned = tf.reshape(turned, tf.shape(images))
        turned.set_shape(images.shape)
        return turned


def _turns(angles: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Projective transforms [K, 8] from pixels of the result to pixels of the image."""
    y, x = tf.unstack(tf.cast(size - 1, tf.float32))
    c, s = tf.cos(angles), tf.sin(angles)
    x_shift, y_shift = (x - (c * x - s * y)) / 2, (y - (s * x + c * y)) / 2
    zero = tf.zeros_like(c)
    return tf.stack([c, -s, x_shift, s, c, y_shift, zero, zero], -1)
