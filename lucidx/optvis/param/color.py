"""From unconstrained numbers to colours.

The colours of natural images are correlated, and the optimizer should not have to fight that: it
works in a space where they are not, and a fixed linear map leads back to RGB ("Feature
Visualization", Olah et al., Distill 2017, on preconditioning).
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from scipy import special

from lucidx.errors import InvalidValueError
from lucidx.optvis.param.unit_balls import constrain_L_inf

# Square root of the covariance of RGB over ImageNet, and the mean colour.
color_correlation_svd_sqrt = np.array(
    [[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], np.float32
)
max_norm_svd_sqrt = np.max(np.linalg.norm(color_correlation_svd_sqrt, axis=0))
color_mean = [0.48, 0.46, 0.41]


def _linear_decorelate_color(t: tf.Tensor) -> tf.Tensor:
    """Map `[..., 3]` from the decorrelated space to (logits of) RGB."""
    if tf.compat.dimension_value(t.shape[-1]) != 3:
        raise InvalidValueError(
            f"Colour decorrelation needs 3 channels; got a tensor of shape {t.shape}."
            " Use decorrelate=False."
        )
    to_rgb = (color_correlation_svd_sqrt / max_norm_svd_sqrt).T
    return tf.tensordot(t, tf.constant(to_rgb, t.dtype), 1)


def to_valid_rgb(t: tf.Tensor, decorrelate: bool = False, sigmoid: bool = True) -> tf.Tensor:
    """Map unconstrained numbers to valid colours.

    Parameters
    ----------
    t : float tensor [..., channels]; 3 channels if `decorrelate`.
    decorrelate : read `t` in a space where the colours of natural images are uncorrelated.
    sigmoid : squash into (0, 1). Otherwise clip to [0, 1], with the gradient of
        `unit_balls.constrain_L_inf`: under descent clipped values do not come back.

    Returns
    -------
    Tensor of the shape of `t`.

    Raises
    ------
    InvalidValueError : if `decorrelate` and there are not 3 channels.
    """
    t = tf.convert_to_tensor(t, dtype_hint=tf.float32)
    if decorrelate:
        t = _linear_decorelate_color(t)
    if sigmoid:
        return tf.sigmoid(t)
    if decorrelate:
        t += tf.constant(color_mean, t.dtype)
    return constrain_L_inf(2 * t - 1) / 2 + 0.5


def from_valid_rgb(rgb: ArrayLike, decorrelate: bool = False) -> np.ndarray:
    """Unconstrained numbers of colours: the inverse of `to_valid_rgb` with its sigmoid.

    Parameters
    ----------
    rgb : numbers in 0..1, [..., channels]; 3 channels if `decorrelate`. What is closer to 0 or 1
        than 1/256 is taken for that: the sigmoid reaches neither.
    decorrelate : as in `to_valid_rgb`.

    Returns
    -------
    float32 array of the shape of `rgb`.

    Raises
    ------
    InvalidValueError : if `decorrelate` and there are not 3 channels.
    """
    logits = special.logit(np.clip(np.asarray(rgb, np.float64), 1 / 256, 255 / 256))
    if not decorrelate:
        return logits.astype(np.float32)
    if logits.shape[-1:] != (3,):
        raise InvalidValueError(
            f"Colour decorrelation needs 3 channels; got an array of shape {list(logits.shape)}."
            " Use decorrelate=False."
        )
    to_rgb = (color_correlation_svd_sqrt / max_norm_svd_sqrt).T.astype(np.float64)
    return (logits @ np.linalg.inv(to_rgb)).astype(np.float32)
