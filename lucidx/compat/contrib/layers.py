"""Layers of networks with variables of their own: TensorFlow 1's `tf.contrib.layers`.

Images are [N, H, W, C]. Defaults, and names of variables, are those of TensorFlow 1: a first
convolution has "Conv/weights" and "Conv/biases", the next "Conv_1/weights" and so on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from lucidx.compat.contrib import utils
from lucidx.compat.contrib.framework import add_arg_scope
from lucidx.compat.contrib.normalization import batch_normalized, variables
from lucidx.compat.missing import refuse, refuse_channels_first, reporter
from lucidx.compat.variables import (
    Collections,
    affine,
    as_rows,
    chosen,
    collect_named_outputs,
    convolution,
    kernel_shape,
    pair,
    product,
    separable_convolution,
    transposed_convolution,
)

__all__ = [
    "apply_regularization",
    "avg_pool2d",
    "batch_norm",
    "conv2d",
    "conv2d_transpose",
    "convolution2d",
    "convolution2d_transpose",
    "dropout",
    "flatten",
    "fully_connected",
    "instance_norm",
    "l1_regularizer",
    "l2_regularizer",
    "linear",
    "max_pool2d",
    "one_hot_encoding",
    "relu",
    "repeat",
    "separable_conv2d",
    "separable_convolution2d",
    "softmax",
    "stack",
    "utils",
    "variance_scaling_initializer",
    "xavier_initializer",
    "xavier_initializer_conv2d",
]

__getattr__ = reporter("tf.contrib.layers", __all__)

tf1 = tf.compat.v1

Function = Callable[..., Any]
Outputs = str | Iterable[str] | None  # names of collections for what a layer gives

_ZEROS = tf1.zeros_initializer()


def variance_scaling_initializer(
    factor: float = 2.0,
    mode: str = "FAN_IN",
    uniform: bool = False,
    seed: int | None = None,
    dtype: tf.DType = tf.float32,
) -> Function:
    """Initializer with variance `factor / n`, by default He et al.'s (2015).

    Parameters
    ----------
    mode : what `n` counts: "FAN_IN" inputs, "FAN_OUT" outputs, "FAN_AVG" their mean.
    uniform : draw uniformly; by default from a normal distribution cut at two standard deviations.
    dtype : taken, and without effect: what the values are for says it.
    """
    distribution = "uniform" if uniform else "truncated_normal"
    return tf1.variance_scaling_initializer(factor, mode.lower(), distribution, seed)


def xavier_initializer(
    uniform: bool = True, seed: int | None = None, dtype: tf.DType = tf.float32
) -> Function:
    """Initializer of Glorot and Bengio (2010): variance 2 / (inputs + outputs)."""
    return variance_scaling_initializer(1.0, "FAN_AVG", uniform, seed, dtype)


def l1_regularizer(scale: float, scope: str | None = None) -> Function:
    """Function from weights to `scale` times the sum of their magnitudes."""
    return lambda w: tf.multiply(scale, tf.reduce_sum(tf.abs(w)), scope or "l1_regularizer")


def l2_regularizer(scale: float, scope: str | None = None) -> Function:
    """Function from weights to `scale` times half the sum of their squares."""
    return lambda w: tf.multiply(scale, tf.nn.l2_loss(w), scope or "l2_regularizer")


def apply_regularization(
    regularizer: Function, weights_list: Sequence[tf.Tensor] | None = None
) -> tf.Tensor:
    """Sum of a regularizer over weights, by default those in the graph's collection of weights.

    The sum is put into the collection of regularization losses.
    """
    if weights_list is None:
        weights_list = tf1.get_collection(tf1.GraphKeys.WEIGHTS)
    penalties = [regularizer(w) for w in weights_list]
    penalty = tf.add_n(penalties) if penalties else tf.constant(0.0)
    tf1.add_to_collection(tf1.GraphKeys.REGULARIZATION_LOSSES, penalty)
    return penalty


@add_arg_scope
def conv2d(
    inputs: tf.Tensor,
    num_outputs: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: int | Sequence[int] = 1,
    activation_fn: Function | None = tf.nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Function | None = None,
    weights_regularizer: Function | None = None,
    biases_initializer: Function | None = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: bool | None = None,
    variables_collections: Collections = None,
    outputs_collections: Outputs = None,
    trainable: bool = True,
    scope: str | None = None,
) -> tf.Tensor:
    """Convolution of [N, H, W, C] to [N, H', W', num_outputs], then normalization or biases.

    Parameters
    ----------
    kernel_size, stride, rate : one number, or one for height and one for width; `rate` dilates.
    data_format : "NHWC".
    normalizer_fn, normalizer_params : takes the place of biases.
    weights_initializer : Xavier's by default.
    biases_initializer : None for no biases.
    variables_collections : names of collections for the variables, or a dict with such names for
        "weights" and "biases".
    outputs_collections : name or names of collections for the result.
    scope : of the variables, "Conv" by default.

    Raises
    ------
    InvalidValueError : another `data_format`.
    """
    refuse_channels_first("slim.conv2d", data_format)
    return affine(
        inputs,
        lambda x, w: convolution(x, w, stride, padding, rate),
        {"weights": kernel_shape(inputs, kernel_size, num_outputs)},
        num_outputs,
        scope=scope,
        default_scope="Conv",
        activation=activation_fn,
        normalizer=normalizer_fn,
        normalizer_params=normalizer_params,
        initializers=(weights_initializer or xavier_initializer(), biases_initializer),
        regularizers=(weights_regularizer, biases_regularizer),
        bias="biases",
        reuse=reuse,
        trainable=trainable,
        variables_collections=variables_collections,
        outputs_collections=outputs_collections,
    )


@add_arg_scope
def conv2d_transpose(
    inputs: tf.Tensor,
    num_outputs: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    activation_fn: Function | None = tf.nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Function | None = None,
    weights_regularizer: Function | None = None,
    biases_initializer: Function | None = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: bool | None = None,
    variables_collections: Collections = None,
    outputs_collections: Outputs = None,
    trainable: bool = True,
    scope: str | None = None,
) -> tf.Tensor:
    """Transposed convolution, which makes images `stride` times as large.

    Arguments are as for `conv2d`; the default scope is "Conv2d_transpose".
    """
    refuse_channels_first("slim.conv2d_transpose", data_format)
    shape = [*pair(kernel_size), num_outputs, inputs.shape[-1]]
    return affine(
        inputs,
        lambda x, w: transposed_convolution(x, w, stride, padding),
        {"weights": shape},
        num_outputs,
        scope=scope,
        default_scope="Conv2d_transpose",
        activation=activation_fn,
        normalizer=normalizer_fn,
        normalizer_params=normalizer_params,
        initializers=(weights_initializer or xavier_initializer(), biases_initializer),
        regularizers=(weights_regularizer, biases_regularizer),
        bias="biases",
        reuse=reuse,
        trainable=trainable,
        variables_collections=variables_collections,
        outputs_collections=outputs_collections,
    )


@add_arg_scope
def separable_conv2d(
    inputs: tf.Tensor,
    num_outputs: int | None,
    kernel_size: int | Sequence[int],
    depth_multiplier: int = 1,
    stride: int | Sequence[int] = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    rate: int | Sequence[int] = 1,
    activation_fn: Function | None = tf.nn.relu,
    normalizer_fn: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: Function | None = None,
    pointwise_initializer: Function | None = None,
    weights_regularizer: Function | None = None,
    biases_initializer: Function | None = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: bool | None = None,
    variables_collections: Collections = None,
    outputs_collections: Outputs = None,
    trainable: bool = True,
    scope: str | None = None,
) -> tf.Tensor:
    """Convolution of each channel, then one of 1x1 over all of them; arguments as for `conv2d`.

    Parameters
    ----------
    num_outputs : None for no mixing of channels.
    depth_multiplier : number of results for each channel.
    pointwise_initializer : of the 1x1 convolution, as `weights_initializer` by default.
    """
    refuse_channels_first("slim.separable_conv2d", data_format)
    starts = [weights_initializer or xavier_initializer()]
    shapes = {"depthwise_weights": kernel_shape(inputs, kernel_size, depth_multiplier)}
    n_deep = inputs.shape[-1] * depth_multiplier
    if num_outputs is not None:
        starts.append(pointwise_initializer or starts[0])
        shapes["pointwise_weights"] = [1, 1, n_deep, num_outputs]
    return affine(
        inputs,
        lambda x, d, p=None: separable_convolution(x, d, p, stride, padding, rate),
        shapes,
        n_deep if num_outputs is None else num_outputs,
        scope=scope,
        default_scope="SeparableConv2d",
        activation=activation_fn,
        normalizer=normalizer_fn,
        normalizer_params=normalizer_params,
        initializers=(*starts, biases_initializer),
        regularizers=[weights_regularizer] * len(shapes) + [biases_regularizer],
        bias="biases",
        reuse=reuse,
        trainable=trainable,
        variables_collections=variables_collections,
        outputs_collections=outputs_collections,
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
    variables_collections: Collections = None,
    outputs_collections: Outputs = None,
    trainable: bool = True,
    scope: str | None = None,
) -> tf.Tensor:
    """Linear map of the last axis, [..., C] to [..., num_outputs]; arguments as for `conv2d`."""
    return affine(
        inputs,
        product,
        {"weights": [inputs.shape[-1], num_outputs]},
        num_outputs,
        scope=scope,
        default_scope="fully_connected",
        activation=activation_fn,
        normalizer=normalizer_fn,
        normalizer_params=normalizer_params,
        initializers=(weights_initializer or xavier_initializer(), biases_initializer),
        regularizers=(weights_regularizer, biases_regularizer),
        bias="biases",
        reuse=reuse,
        trainable=trainable,
        variables_collections=variables_collections,
        outputs_collections=outputs_collections,
    )


@add_arg_scope
def batch_norm(
    inputs: tf.Tensor,
    decay: float = 0.999,
    center: bool = True,
    scale: bool = False,
    epsilon: float = 0.001,
    activation_fn: Function | None = None,
    param_initializers: Mapping[str, Function] | None = None,
    param_regularizers: Mapping[str, Function] | None = None,
    updates_collections: Outputs = tf1.GraphKeys.UPDATE_OPS,
    is_training: bool | tf.Tensor = True,
    reuse: bool | None = None,
    variables_collections: Collections = None,
    outputs_collections: Outputs = None,
    trainable: bool = True,
    batch_weights: tf.Tensor | None = None,
    fused: bool | None = None,
    data_format: str = "NHWC",
    zero_debias_moving_mean: bool = False,
    scope: str | None = None,
    renorm: bool = False,
    renorm_clipping: Mapping[str, float] | None = None,
    renorm_decay: float = 0.99,
    adjustment: Function | None = None,
) -> tf.Tensor:
    """Batch normalization of [..., C] (Ioffe and Szegedy, 2015).

    Parameters
    ----------
    decay : how much of the moving averages a batch leaves as it is.
    center, scale : with variables "beta" to be added and "gamma" to multiply with.
    param_initializers, param_regularizers : by the names of the variables.
    updates_collections : where to put the operations that update the moving averages, which are to
        be run with every training step; None to have them run with the layer.
    is_training : normalize by this batch; otherwise by the moving averages.
    fused : taken, and without effect.

    Raises
    ------
    InvalidValueError : an argument was given that is not named here, or another `data_format`.
    """
    refuse_channels_first("slim.batch_norm", data_format)
    refuse(
        "slim.batch_norm",
        batch_weights=batch_weights,
        zero_debias_moving_mean=zero_debias_moving_mean,
        renorm=renorm,
        renorm_clipping=renorm_clipping,
        adjustment=adjustment,
    )
    with tf1.variable_scope(scope, "BatchNorm", [inputs], reuse=reuse) as entered:
        names = ["beta"] * center + ["gamma"] * scale + ["moving_mean", "moving_variance"]
        made = variables(
            inputs, names, param_initializers, param_regularizers, trainable, variables_collections
        )
        y, updates = batch_normalized(inputs, made, is_training, decay, epsilon)
        if updates_collections is None:
            with tf.control_dependencies(updates):
                y = tf.identity(y)
        else:
            for update in updates:
                tf1.add_to_collections(updates_collections, update)
        y = activation_fn(y) if activation_fn else y
        return collect_named_outputs(outputs_collections, entered.name, y)


@add_arg_scope
def instance_norm(
    inputs: tf.Tensor,
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Function | None = None,
    param_initializers: Mapping[str, Function] | None = None,
    reuse: bool | None = None,
    variables_collections: Collections = None,
    outputs_collections: Outputs = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: str | None = None,
) -> tf.Tensor:
    """Every channel of every image [N, H, W, C] with mean 0 and variance 1 over its pixels.

    Parameters
    ----------
    center, scale : with variables "beta" to be added and "gamma" to multiply with.
    param_initializers : by the names of the variables.
    """
    refuse_channels_first("slim.instance_norm", data_format)
    with tf1.variable_scope(scope, "InstanceNorm", [inputs], reuse=reuse) as entered:
        names = ["beta"] * center + ["gamma"] * scale
        made = variables(inputs, names, param_initializers, None, trainable, variables_collections)
        mean, variance = tf.nn.moments(inputs, [1, 2], keepdims=True)
        y = tf.nn.batch_normalization(
            inputs, mean, variance, made.get("beta"), made.get("gamma"), epsilon
        )
        y = activation_fn(y) if activation_fn else y
        return collect_named_outputs(outputs_collections, entered.name, y)


@add_arg_scope
def max_pool2d(
    inputs: tf.Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Outputs = None,
    scope: str | None = None,
) -> tf.Tensor:
    """Largest value of each window of [N, H, W, C]."""
    refuse_channels_first("slim.max_pool2d", data_format)
    with tf1.name_scope(scope, "MaxPool2D", [inputs]) as entered:
        sizes = pair(kernel_size), pair(stride)
        y = tf.nn.max_pool2d(inputs, *sizes, padding.upper(), name="MaxPool")
        return collect_named_outputs(outputs_collections, entered, y)


@add_arg_scope
def avg_pool2d(
    inputs: tf.Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Outputs = None,
    scope: str | None = None,
) -> tf.Tensor:
    """Mean of each window of [N, H, W, C]."""
    refuse_channels_first("slim.avg_pool2d", data_format)
    with tf1.name_scope(scope, "AvgPool2D", [inputs]) as entered:
        sizes = pair(kernel_size), pair(stride)
        y = tf.nn.avg_pool2d(inputs, *sizes, padding.upper(), name="AvgPool")
        return collect_named_outputs(outputs_collections, entered, y)


@add_arg_scope
def dropout(
    inputs: tf.Tensor,
    keep_prob: float | tf.Tensor = 0.5,
    noise_shape: Sequence[int] | None = None,
    is_training: bool | tf.Tensor = True,
    outputs_collections: Outputs = None,
    scope: str | None = None,
    seed: int | None = None,
) -> tf.Tensor:
    """Inputs with each value kept with probability `keep_prob`, if training, and then scaled up.

    Parameters
    ----------
    noise_shape : of the draw, which is broadcast to that of the inputs.
    """
    with tf1.name_scope(scope, "Dropout", [inputs]) as entered:
        y = chosen(
            is_training,
            lambda: tf.nn.dropout(inputs, 1 - keep_prob, noise_shape, seed),
            lambda: tf.identity(inputs),
        )
        return collect_named_outputs(outputs_collections, entered, y)


@add_arg_scope
def flatten(
    inputs: tf.Tensor, outputs_collections: Outputs = None, scope: str | None = None
) -> tf.Tensor:
    """[N, ...] as [N, K]."""
    with tf1.name_scope(scope, "Flatten", [inputs]) as entered:
        y = as_rows(inputs, "flatten/Reshape")
        return collect_named_outputs(outputs_collections, entered, y)


@add_arg_scope
def softmax(logits: tf.Tensor, scope: str | None = None) -> tf.Tensor:
    """Probabilities from logits, over the last axis."""
    with tf1.name_scope(scope, "softmax", [logits]):
        # Two reshapes, so that the result is called Reshape_1 as in the models that slim made.
        flat = tf.nn.softmax(tf.reshape(logits, [-1, logits.shape[-1]]))
        probabilities = tf.reshape(flat, tf.shape(logits))
        probabilities.set_shape(logits.shape)
        return probabilities


@add_arg_scope
def one_hot_encoding(
    labels: tf.Tensor,
    num_classes: int,
    on_value: float = 1.0,
    off_value: float = 0.0,
    outputs_collections: Outputs = None,
    scope: str | None = None,
) -> tf.Tensor:
    """Integer labels [N] as float32 [N, num_classes]."""
    with tf1.name_scope(scope, "OneHotEncoding", [labels]) as entered:
        y = tf.one_hot(labels, num_classes, on_value, off_value)
        return collect_named_outputs(outputs_collections, entered, y)


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


convolution2d = conv2d
convolution2d_transpose = conv2d_transpose
separable_convolution2d = separable_conv2d
xavier_initializer_conv2d = xavier_initializer
relu = functools.partial(fully_connected, activation_fn=tf.nn.relu)
linear = functools.partial(fully_connected, activation_fn=None)
