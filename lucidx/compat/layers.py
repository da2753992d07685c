"""TensorFlow 1's `tf.layers`, which left with Keras 2: layers as functions.

Images are [N, H, W, C]. Variables are called "kernel" and "bias" under the layer's name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from lucidx.compat.contrib.normalization import batch_normalized, variables
from lucidx.compat.missing import refuse, refuse_channels_first, reporter
from lucidx.compat.variables import (
    affine,
    as_rows,
    chosen,
    convolution,
    kernel_shape,
    pair,
    product,
    separable_convolution,
    transposed_convolution,
)

__all__ = [
    "average_pooling2d",
    "batch_normalization",
    "conv2d",
    "conv2d_transpose",
    "dense",
    "dropout",
    "flatten",
    "max_pooling2d",
    "separable_conv2d",
]

__getattr__ = reporter("tf.layers", __all__)

tf1 = tf.compat.v1

Function = Callable[..., Any]


def conv2d(
    inputs: tf.Tensor,
    filters: int,
    kernel_size: int | Sequence[int],
    strides: int | Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: int | Sequence[int] = (1, 1),
    activation: Function | None = None,
    use_bias: bool = True,
    kernel_initializer: Function | None = None,
    bias_initializer: Function | None = None,
    kernel_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    kernel_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: bool | None = None,
) -> tf.Tensor:
    """Convolution of [N, H, W, C] to [N, H', W', filters].

    Parameters
    ----------
    kernel_size, strides, dilation_rate : one number, or one for height and one for width.
    padding : "valid" or "same", in any case.
    data_format : "channels_last".
    kernel_initializer : Glorot and Bengio's (2010) by default.
    bias_initializer : zeros by default.
    activity_regularizer : function from the result to a loss, which the graph collects.

    Raises
    ------
    InvalidValueError : a constraint was given, or another `data_format`.
    """
    refuse_channels_first("tf.layers.conv2d", data_format)
    refuse("tf.layers.conv2d", kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
    return affine(
        inputs,
        lambda x, w: convolution(x, w, strides, padding, dilation_rate),
        {"kernel": kernel_shape(inputs, kernel_size, filters)},
        filters,
        scope=name,
        default_scope="conv2d",
        activation=activation,
        initializers=_initializers([kernel_initializer], bias_initializer, use_bias),
        regularizers=(kernel_regularizer, bias_regularizer),
        bias="bias",
        activity_regularizer=activity_regularizer,
        reuse=reuse,
        trainable=trainable,
    )


def conv2d_transpose(
    inputs: tf.Tensor,
    filters: int,
    kernel_size: int | Sequence[int],
    strides: int | Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    activation: Function | None = None,
    use_bias: bool = True,
    kernel_initializer: Function | None = None,
    bias_initializer: Function | None = None,
    kernel_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    kernel_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: bool | None = None,
) -> tf.Tensor:
    """Transposed convolution, which makes images `strides` times as large; else as `conv2d`."""
    refuse_channels_first("tf.layers.conv2d_transpose", data_format)
    refuse(
        "tf.layers.conv2d_transpose",
        kernel_constraint=kernel_constraint,
        bias_constraint=bias_constraint,
    )
    return affine(
        inputs,
        lambda x, w: transposed_convolution(x, w, strides, padding),
        {"kernel": [*pair(kernel_size), filters, inputs.shape[-1]]},
        filters,
        scope=name,
        default_scope="conv2d_transpose",
        activation=activation,
        initializers=_initializers([kernel_initializer], bias_initializer, use_bias),
        regularizers=(kernel_regularizer, bias_regularizer),
        bias="bias",
        activity_regularizer=activity_regularizer,
        reuse=reuse,
        trainable=trainable,
    )


def separable_conv2d(
    inputs: tf.Tensor,
    filters: int,
    kernel_size: int | Sequence[int],
    strides: int | Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: int | Sequence[int] = (1, 1),
    depth_multiplier: int = 1,
    activation: Function | None = None,
    use_bias: bool = True,
    depthwise_initializer: Function | None = None,
    pointwise_initializer: Function | None = None,
    bias_initializer: Function | None = None,
    depthwise_regularizer: Function | None = None,
    pointwise_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    depthwise_constraint: Function | None = None,
    pointwise_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: bool | None = None,
) -> tf.Tensor:
    """Convolution of each channel, then one of 1x1 over all of them; arguments as for `conv2d`.

    Parameters
    ----------
    depth_multiplier : number of results for each channel, before they are mixed.
    """
    refuse_channels_first("tf.layers.separable_conv2d", data_format)
    refuse(
        "tf.layers.separable_conv2d",
        depthwise_constraint=depthwise_constraint,
        pointwise_constraint=pointwise_constraint,
        bias_constraint=bias_constraint,
    )
    shapes = {
        "depthwise_kernel": kernel_shape(inputs, kernel_size, depth_multiplier),
        "pointwise_kernel": [1, 1, inputs.shape[-1] * depth_multiplier, filters],
    }
    return affine(
        inputs,
        lambda x, d, p: separable_convolution(x, d, p, strides, padding, dilation_rate),
        shapes,
        filters,
        scope=name,
        default_scope="separable_conv2d",
        activation=activation,
        initializers=_initializers(
            [depthwise_initializer, pointwise_initializer], bias_initializer, use_bias
        ),
        regularizers=(depthwise_regularizer, pointwise_regularizer, bias_regularizer),
        bias="bias",
        activity_regularizer=activity_regularizer,
        reuse=reuse,
        trainable=trainable,
    )


def dense(
    inputs: tf.Tensor,
    units: int,
    activation: Function | None = None,
    use_bias: bool = True,
    kernel_initializer: Function | None = None,
    bias_initializer: Function | None = None,
    kernel_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    kernel_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: bool | None = None,
) -> tf.Tensor:
    """Linear map of the last axis, [..., C] to [..., units]; arguments as for `conv2d`."""
    refuse("tf.layers.dense", kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
    return affine(
        inputs,
        product,
        {"kernel": [inputs.shape[-1], units]},
        units,
        scope=name,
        default_scope="dense",
        activation=activation,
        initializers=_initializers([kernel_initializer], bias_initializer, use_bias),
        regularizers=(kernel_regularizer, bias_regularizer),
        bias="bias",
        activity_regularizer=activity_regularizer,
        reuse=reuse,
        trainable=trainable,
    )


def _initializers(
    kernels: Sequence[Function | None], bias: Function | None, use_bias: bool
) -> list[Function | None]:
    bias = bias or tf1.zeros_initializer()
    kernels = [kernel or tf1.glorot_uniform_initializer() for kernel in kernels]
    return [*kernels, bias if use_bias else None]


def batch_normalization(
    inputs: tf.Tensor,
    axis: int = -1,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Function | None = None,
    gamma_initializer: Function | None = None,
    moving_mean_initializer: Function | None = None,
    moving_variance_initializer: Function | None = None,
    beta_regularizer: Function | None = None,
    gamma_regularizer: Function | None = None,
    beta_constraint: Function | None = None,
    gamma_constraint: Function | None = None,
    training: bool | tf.Tensor = False,
    trainable: bool = True,
    name: str | None = None,
    reuse: bool | None = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_momentum: float = 0.99,
    fused: bool | None = None,
    virtual_batch_size: int | None = None,
    adjustment: Function | None = None,
) -> tf.Tensor:
    """Batch normalization of [..., C] (Ioffe and Szegedy, 2015).

    The operations that update the moving averages are put into the collection
    `tf.GraphKeys.UPDATE_OPS`, to be run with every training step.

    Parameters
    ----------
    axis : the last.
    momentum : how much of the moving averages a batch leaves as it is.
    center, scale : with variables "beta" to be added and "gamma" to multiply with.
    training : normalize by this batch; otherwise by the moving averages.
    fused : taken, and without effect.

    Raises
    ------
    InvalidValueError : an argument was given that is not named here, or another axis.
    """
    refuse(
        "tf.layers.batch_normalization",
        axis=None if axis in (-1, inputs.shape.rank - 1) else axis,
        beta_constraint=beta_constraint,
        gamma_constraint=gamma_constraint,
        renorm=renorm,
        renorm_clipping=renorm_clipping,
        virtual_batch_size=virtual_batch_size,
        adjustment=adjustment,
    )
    with tf1.variable_scope(name, "batch_normalization", [inputs], reuse=reuse):
        names = ["gamma"] * scale + ["beta"] * center + ["moving_mean", "moving_variance"]
        initializers = {
            "beta": beta_initializer,
            "gamma": gamma_initializer,
            "moving_mean": moving_mean_initializer,
            "moving_variance": moving_variance_initializer,
        }
        regularizers = {"beta": beta_regularizer, "gamma": gamma_regularizer}
        made = variables(inputs, names, initializers, regularizers, trainable)
        y, updates = batch_normalized(inputs, made, training, momentum, epsilon)
        for update in updates:
            tf1.add_to_collection(tf1.GraphKeys.UPDATE_OPS, update)
        return y


def max_pooling2d(
    inputs: tf.Tensor,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int],
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> tf.Tensor:
    """Largest value of each window of [N, H, W, C]."""
    refuse_channels_first("tf.layers.max_pooling2d", data_format)
    with tf1.name_scope(name, "max_pooling2d", [inputs]):
        sizes = pair(pool_size), pair(strides)
        return tf.nn.max_pool2d(inputs, *sizes, padding.upper(), name="MaxPool")


def average_pooling2d(
    inputs: tf.Tensor,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int],
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> tf.Tensor:
    """Mean of each window of [N, H, W, C]."""
    refuse_channels_first("tf.layers.average_pooling2d", data_format)
    with tf1.name_scope(name, "average_pooling2d", [inputs]):
        sizes = pair(pool_size), pair(strides)
        return tf.nn.avg_pool2d(inputs, *sizes, padding.upper(), name="AvgPool")


def dropout(
    inputs: tf.Tensor,
    rate: float | tf.Tensor = 0.5,
    noise_shape: Sequence[int] | None = None,
    seed: int | None = None,
    training: bool | tf.Tensor = False,
    name: str | None = None,
) -> tf.Tensor:
    """Inputs with each value dropped with probability `rate`, if training.

    Parameters
    ----------
    noise_shape : of the draw, which is broadcast to that of the inputs.
    """
    with tf1.name_scope(name, "dropout", [inputs]):
        return chosen(
            training,
            lambda: tf.nn.dropout(inputs, rate, noise_shape, seed),
            lambda: tf.identity(inputs),
        )


def flatten(
    inputs: tf.Tensor, name: str | None = None, data_format: str = "channels_last"
) -> tf.Tensor:
    """[N, ...] as [N, K]."""
    refuse_channels_first("tf.layers.flatten", data_format)
    with tf1.name_scope(name, "flatten", [inputs]):
        return as_rows(inputs, "Reshape")
