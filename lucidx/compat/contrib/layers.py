"""Layers of networks with variables of their own: TensorFlow 1's `tf.contrib.layers`.

Images are [N, H, W, C]. Defaults, and names of variables, are those of TensorFlow 1: a first
convolution has "Conv/weights" and "Conv/biases", the next "Conv_1/weights" and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from lucidx.compat.contrib.framework import add_arg_scope
from lucidx.compat.missing import reporter
from lucidx.compat.variables import affine, convolution, kernel_shape, pair

__all__ = [
    "avg_pool2d",
    "conv2d",
    "dropout",
    "flatten",
    "fully_connected",
    "instance_norm",
    "l1_regularizer",
    "l2_regularizer",
    "max_pool2d",
    "repeat",
    "stack",
    "variance_scaling_initializer",
    "xavier_initializer",
]

__getattr__ = reporter("tf.contrib.layers", __all__)

tf1 = tf.compat.v1

Function = Callable[..., Any]

_NAMES = ("weights", "biases")
_ZEROS = tf1.zeros_initializer()


def variance_scaling_initializer(
    factor: float = 2.0, mode: str = "FAN_IN", uniform: bool = False, seed: int | None = None
) -> Function:
    """Initializer with variance `factor / n`, by default He et al.'s (2015).

    Parameters
    ----------
    mode : what `n` counts: "FAN_IN" inputs, "FAN_OUT" outputs, "FAN_AVG" their mean.
    uniform : draw uniformly; by default from a normal distribution cut at two standard deviations.
    """
    distribution = "uniform" if uniform else "truncated_normal"
    return tf1.variance_scaling_initializer(factor, mode.lower(), distribution, seed)


def xavier_initializer(uniform: bool = True, seed: int | None = None) -> Function:
    """Initializer of Glorot and Bengio (2010): variance 2 / (inputs + outputs)."""
    return variance_scaling_initializer(1.0, "FAN_AVG", uniform, seed)


def l1_regularizer(scale: float, scope: str | None = None) -> Function:
    """Function from weights to `scale` times the sum of their magnitudes."""
    return lambda w: tf.multiply(scale, tf.reduce_sum(tf.abs(w)), scope or "l1_regularizer")


def l2_regularizer(scale: float, scope: str | None = None) -> Function:
    """Function from weights to `scale` times half the sum of their squares."""
    return lambda w: tf.multiply(scale, tf.nn.l2_loss(w), scope or "l2_regularizer")


@add_arg_scope
def conv2d(
    inputs: tf.Tensor,
    num_outputs: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: str = "SAME",
    rate: int | Sequence[int] = 1,
    activation_fn: Function | None = tf.nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Function | None = None,
    weights_regularizer: Function | None = None,
    biases_initializer: Function | None = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: bool | None = None,
    trainable: bool = True,
    scope: str | None = None,
) -> tf.Tensor:
    """Convolution of [N, H, W, C] to [N, H', W', num_outputs], then normalization or biases.

    Parameters
    ----------
    kernel_size, stride, rate : one number, or one for height and one for width; `rate` dilates.
    normalizer_fn, normalizer_params : takes the place of biases.
    weights_initializer : Xavier's by default.
    biases_initializer : None for no biases.
    scope : of the variables, "Conv" by default.
    """
    shape = kernel_shape(inputs, kernel_size, num_outputs)
    return affine(
        inputs,
        lambda x, w: convolution(x, w, stride, padding, rate),
        shape,
        _NAMES,
        scope=scope,
        default_scope="Conv",
        activation=activation_fn,
        normalizer=normalizer_fn,
        normalizer_params=normalizer_params,
        initializers=(weights_initializer or xavier_initializer(), biases_initializer),
        regularizers=(weights_regularizer, biases_regularizer),
        reuse=reuse,
        trainable=trainable,
    )


@add_arg_scope
def fully_connected(
    inputs: tf.Tensor,
    num_outputs: int,
    activation_fn: Function | None = tf.nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Function | None = None,
    weights_regularizer: Function | None = None,
    biases_initializer: Function | None = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: bool | None = None,
    trainable: bool = True,
    scope: str | None = None,
) -> tf.Tensor:
    """Linear map of the last axis, [..., C] to [..., num_outputs]; arguments as for `conv2d`."""
    return affine(
        inputs,
        lambda x, w: tf.tensordot(x, w, 1),
        [inputs.shape[-1], num_outputs],
        _NAMES,
        scope=scope,
        default_scope="fully_connected",
        activation=activation_fn,
        normalizer=normalizer_fn,
        normalizer_params=normalizer_params,
        initializers=(weights_initializer or xavier_initializer(), biases_initializer),
        regularizers=(weights_regularizer, biases_regularizer),
        reuse=reuse,
        trainable=trainable,
    )


@add_arg_scope
def instance_norm(
    inputs: tf.Tensor,
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Function | None = None,
    reuse: bool | None = None,
    trainable: bool = True,
    scope: str | None = None,
) -> tf.Tensor:
    """Every channel of every image [N, H, W, C] with mean 0 and variance 1 over its pixels.

    Parameters
    ----------
    center, scale : with variables "beta" to be added and "gamma" to multiply with.
    """
    with tf1.variable_scope(scope, "InstanceNorm", [inputs], reuse=reuse):
        mean, variance = tf.nn.moments(inputs, [1, 2], keepdims=True)
        beta, gamma = (
            tf1.get_variable(name, [inputs.shape[-1]], initializer=start, trainable=trainable)
            if wanted
            else None
            for name, start, wanted in (
                ("beta", tf1.zeros_initializer(), center),
                ("gamma", tf1.ones_initializer(), scale),
            )
        )
        normal = tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, epsilon)
        return activation_fn(normal) if activation_fn else normal


@add_arg_scope
def max_pool2d(
    inputs: tf.Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 2,
    padding: str = "VALID",
    scope: str | None = None,
) -> tf.Tensor:
    """Largest value of each window of [N, H, W, C]."""
    return tf.nn.max_pool2d(inputs, pair(kernel_size), pair(stride), padding, name=scope)


@add_arg_scope
def avg_pool2d(
    inputs: tf.Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 2,
    padding: str = "VALID",
    scope: str | None = None,
) -> tf.Tensor:
    """Mean of each window of [N, H, W, C]."""
    return tf.nn.avg_pool2d(inputs, pair(kernel_size), pair(stride), padding, name=scope)


@add_arg_scope
def dropout(
    inputs: tf.Tensor,
    keep_prob: float = 0.5,
    is_training: bool = True,
    scope: str | None = None,
) -> tf.Tensor:
    """Inputs with each value kept with probability `keep_prob`, if training, and then scaled up."""
    if not is_training:
        return tf.identity(inputs, scope)
    return tf.nn.dropout(inputs, 1 - keep_prob, name=scope)


def flatten(inputs: tf.Tensor, scope: str | None = None) -> tf.Tensor:
    """[N, ...] as [N, K]."""
    sizes = inputs.shape[1:]
    count = (
        sizes.num_elements() if sizes.is_fully_defined() else tf.reduce_prod(tf.shape(inputs)[1:])
    )
    return tf.reshape(inputs, [tf.shape(inputs)[0], count], name=scope)


def stack(
    inputs: tf.Tensor, layer: Function, stack_args: Iterable[Any], **kwargs: Any
) -> tf.Tensor:
    """Apply a layer again and again, each time with the next arguments.

    Parameters
    ----------
    layer : takes inputs, the arguments, `scope` and `kwargs`.
    stack_args : for each application, its arguments, or its one argument.
    """
    scope = kwargs.pop("scope", None)
    with tf1.variable_scope(scope, "Stack", [inputs]):
        for i, arguments in enumerate(stack_args, 1):
            arguments = arguments if isinstance(arguments, tuple | list) else [arguments]
            inputs = layer(inputs, *arguments, scope=f"{scope or layer.__name__}_{i}", **kwargs)
    return inputs


def repeat(
    inputs: tf.Tensor, repetitions: int, layer: Function, *args: Any, **kwargs: Any
) -> tf.Tensor:
    """Apply a layer several times with the same arguments."""
    scope = kwargs.pop("scope", None)
    with tf1.variable_scope(scope, "Repeat", [inputs]):
        for i in range(1, repetitions + 1):
            inputs = layer(inputs, *args, scope=f"{scope or layer.__name__}_{i}", **kwargs)
    return inputs
