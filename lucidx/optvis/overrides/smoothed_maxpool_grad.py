"""Gradients of max pooling without its checkerboards.

The gradient of max pooling reaches one input per window, which shows as a pattern of high
frequency. Here it is replaced by that of a smoother pooling of the same windows ("Feature
Visualization", Distill 2017).
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from lucidx.errors import InvalidValueError


def make_smoothed_maxpool_grad(
    smooth_type: str = "avg", epsilon: float = 1e-2
) -> Callable[[tf.Operation, tf.Tensor], tf.Tensor]:
    """Gradient function for `MaxPool`.

    Parameters
    ----------
    smooth_type : `"avg"`, the gradient of average pooling; or `"L2"`, that of avg(x²) / (epsilon +
        avg|x|), which like max pooling favours the larger inputs.
    epsilon : keeps the quotient of `"L2"` finite.

    Raises
    ------
    InvalidValueError : another `smooth_type`.
    """
    if smooth_type not in ("avg", "L2"):
        raise InvalidValueError(f"smooth_type is 'avg' or 'L2', not {smooth_type!r}.")

    def smoothed_maxpool_grad(op: tf.Operation, grad: tf.Tensor) -> tf.Tensor:
        window = {
            "ksize": op.get_attr("ksize"),
            "strides": op.get_attr("strides"),
            "padding": op.get_attr("padding"),
            "data_format": op.get_attr("data_format"),
        }

        def avg_pool(x: tf.Tensor) -> tf.Tensor:
            return tf.raw_ops.AvgPool(value=x, **window)

        def avg_pool_grad(x: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
            return tf.raw_ops.AvgPoolGrad(orig_input_shape=tf.shape(x), grad=upstream, **window)

        x = op.inputs[0]
        if smooth_type == "avg":
            return avg_pool_grad(x, grad)
        squares, magnitudes = avg_pool(tf.square(x)), epsilon + avg_pool(tf.abs(x))
        through_squares = 2 * x * avg_pool_grad(x, grad / magnitudes)
        through_magnitudes = tf.sign(x) * avg_pool_grad(x, grad * squares / tf.square(magnitudes))
        return through_squares - through_magnitudes

    return smoothed_maxpool_grad


avg_smoothed_maxpool_grad = make_smoothed_maxpool_grad("avg")
l2_smoothed_maxpool_grad = make_smoothed_maxpool_grad("L2")
