"""TensorFlow 1's `tf.layers`, which left with Keras 2: layers as functions.

Images are [N, H, W, C]. Variables are called "kernel" and "bias" under the layer's name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from lucidx.compat.contrib.layers import flatten as _flatten
from lucidx.compat.missing import reporter
from lucidx.compat.variables import affine, convolution, kernel_shape, pair

__all__ = ["average_pooling2d", "conv2d", "dense", "dropout", "flatten", "max_pooling2d"]

__getattr__ = reporter("tf.layers", __all__)

tf1 = tf.compat.v1

Function = Callable[..., Any]

_NAMES = ("kernel", "bias")


def conv2d(
    inputs: tf.Tensor,
    filters: int,
    kernel_size: int | Sequence[int],
    strides: int | Sequence[int] = (1, 1),
    padding: str = "valid",
    dilation_rate: int | Sequence[int] = (1, 1),
    activation: Function | None = None,
    use_bias: bool = True,
    kernel_initializer: Function | None = None,
    bias_initializer: Function | None = None,
    kernel_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: bool | None = None,
) -> tf.Tensor:
    """Convolution of [N, H, W, C] to [N, H', W', filters].

    Parameters
    ----------
    kernel_size, strides, dilation_rate : one number, or one for height and one for width.
    padding : "valid" or "same", in any case.
    kernel_initializer : Glorot and Bengio's (2010) by default.
    bias_initializer : zeros by default.
    """
    return affine(
        inputs,
        lambda x, w: convolution(x, w, strides, padding, dilation_rate),
        kernel_shape(inputs, kernel_size, filters),
        _NAMES,
        scope=name,
        default_scope="conv2d",
        activation=activation,
        initializers=_initializers(kernel_initializer, bias_initializer, use_bias),
        regularizers=(kernel_regularizer, bias_regularizer),
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
    trainable: bool = True,
    name: str | None = None,
    reuse: bool | None = None,
) -> tf.Tensor:
    """Linear map of the last axis, [..., C] to [..., units]; arguments as for `conv2d`."""
    return affine(
        inputs,
        lambda x, w: tf.tensordot(x, w, 1),
        [inputs.shape[-1], units],
        _NAMES,
        scope=name,
        default_scope="dense",
        activation=activation,
        initializers=_initializers(kernel_initializer, bias_initializer, use_bias),
        regularizers=(kernel_regularizer, bias_regularizer),
        reuse=reuse,
        trainable=trainable,
    )


def _initializers(
    kernel: Function | None, bias: Function | None, use_bias: bool
) -> tuple[Function, Function | None]:
    bias = bias or tf1.zeros_initializer()
    return kernel or tf1.glorot_uniform_initializer(), bias if use_bias else None


def max_pooling2d(
    inputs: tf.Tensor,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int],
    padding: str = "valid",
    name: str | None = None,
) -> tf.Tensor:
    """Largest value of each window of [N, H, W, C]."""
    return tf.nn.max_pool2d(inputs, pair(pool_size), pair(strides), padding.upper(), name=name)


def average_pooling2d(
    inputs: tf.Tensor,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int],
    padding: str = "valid",
    name: str | None = None,
) -> tf.Tensor:
    """Mean of each window of [N, H, W, C]."""
    return tf.nn.avg_pool2d(inputs, pair(pool_size), pair(strides), padding.upper(), name=name)


def dropout(
    inputs: tf.Tensor,
    rate: float = 0.5,
    seed: int | None = None,
    training: bool = False,
    name: str | None = None,
) -> tf.Tensor:
    """Inputs with each value dropped with probability `rate`, if training."""
    if not training:
        return tf.identity(inputs, name)
    return tf.nn.dropout(inputs, rate, seed=seed, name=name)


def flatten(inputs: tf.Tensor, name: str | None = None) -> tf.Tensor:
    """[N, ...] as [N, K]."""
    return _flatten(inputs, name)
