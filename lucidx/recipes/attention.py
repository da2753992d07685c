"""Where in an image the optimizer was at work."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from scipy import ndimage

from lucidx.modelzoo import model_io
from lucidx.optvis.overrides.custom_gradient import custom_gradient

_FULL = 0.95  # part of the pixels that are at most as much attended to as what counts as fully
_BLUR = 1 / 80  # of the shorter side


def no_attention(height: int, width: int) -> tf.Variable:
    """What `attending` adds up in, for one image: float32 `[1, height, width]`."""
    with model_io.eagerly():
        return tf.Variable(np.zeros([1, height, width], np.float32), trainable=False)


def attending(image: tf.Tensor, total: tf.Variable) -> tf.Tensor:
    """The image as it is; how much each pixel is asked to change, step by step, adds up in `total`.

    Parameters
    ----------
    image : `[1, H, W, C]`.
    total : from `no_attention`; gets the absolute gradients, summed over channels.
    """

    @custom_gradient
    def identity(t: tf.Tensor):
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            total.assign_add(tf.reduce_sum(tf.abs(upstream), -1))
            return upstream

        return tf.identity(t), gradient

    return identity(image)


def mask_of(total: tf.Variable) -> np.ndarray:
    """Opacity by attention: float32 `[H, W]` in 0..1, smooth; all 0 if there was none.

    Parameters
    ----------
    total : what `attending` added up in.
    """
    with model_io.eagerly():
        (attention,) = total.numpy().astype(np.float64)
    smooth = ndimage.gaussian_filter(attention, _BLUR * min(attention.shape))
    full = np.quantile(smooth, _FULL)
    return (np.clip(smooth / full, 0, 1) if full > 0 else 0 * smooth).astype(np.float32)
