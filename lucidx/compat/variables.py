"""Variables and linear layers, which the layers of TensorFlow 1 are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

tf1 = tf.compat.v1

Function = Callable[..., Any]
# Names of collections: for all variables of a layer, or for each of them by its name.
Collections = Iterable[str] | Mapping[str, Iterable[str] | None] | None

_COLLECTIONS = (tf1.GraphKeys.GLOBAL_VARIABLES, tf1.GraphKeys.MODEL_VARIABLES)


def model_variable(
    name: str,
    shape: Sequence[int],
    dtype: tf.DType,
    initializer: Function | None,
    regularizer: Function | None = None,
    trainable: bool = True,
    collections: Collections = None,
) -> tf.Variable:
    """Variable of a layer, in the collections of all and of models' variables, and in these."""
    if isinstance(collections, Mapping):
        collections = collections.get(name)
    collections = [*_COLLECTIONS, *(collections or ())]
    return tf1.get_variable(name, shape, dtype, initializer, regularizer, trainable, collections)


def affine(
    inputs: tf.Tensor,
    linear: Callable[..., tf.Tensor],
    shapes: Mapping[str, Sequence[int]],
    n_out: int,
    *,
    scope: str | None,
    default_scope: str,
    activation: Function | None,
    initializers: Sequence[Function | None],
    regularizers: Sequence[Function | None],
    bias: str,
    normalizer: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    activity_regularizer: Function | None = None,
    reuse: bool | None = None,
    trainable: bool = True,
    variables_collections: Collections = None,
    outputs_collections: str | Iterable[str] | None = None,
) -> tf.Tensor:
    """`activation(linear(inputs, *weights) + biases)`, weights and biases being variables.

    Parameters
    ----------
    linear : function of the inputs and the weights.
    shapes : of the weights, by name.
    n_out : number of biases.
    scope : of the variables; by default `default_scope`, with a number if that is taken.
    initializers, regularizers : of each weight, then of biases; no initializer for biases means no
        biases.
    bias : name of the biases.
    normalizer, normalizer_params : takes the place of biases.
    activity_regularizer : function from what the layer gives to a loss.
    reuse : take variables that exist.
    variables_collections, outputs_collections : where to put variables, and what the layer gives.
    """
    with tf1.variable_scope(scope, default_scope, [inputs], reuse=reuse) as entered:

        def variable(i: int, name: str, shape: Sequence[int]) -> tf.Variable:
            return model_variable(
                name,
                shape,
                inputs.dtype,
                initializers[i],
                regularizers[i],
                trainable,
                variables_collections,
            )

        weights = [variable(i, name, shape) for i, (name, shape) in enumerate(shapes.items())]
        y = linear(inputs, *weights)
        if normalizer is not None:
            y = normalizer(y, **(normalizer_params or {}))
        elif initializers[-1] is not None:
            y = tf.nn.bias_add(y, variable(-1, bias, [n_out]))
        y = activation(y) if activation else y
        if activity_regularizer:
            tf1.add_to_collection(tf1.GraphKeys.REGULARIZATION_LOSSES, activity_regularizer(y))
        return collect_named_outputs(outputs_collections, entered.name, y)


def collect_named_outputs(
    collections: str | Iterable[str] | None, alias: str, outputs: tf.Tensor
) -> tf.Tensor:
    """Put a tensor into collections of the graph, under a name that `aliases` of it ends with."""
    if collections:
        outputs.aliases = [*getattr(outputs, "aliases", []), alias.rstrip("/")]
        tf1.add_to_collections(collections, outputs)
    return outputs


def chosen(condition: bool | tf.Tensor, yes: Function, no: Function) -> Any:
    """What `yes` or `no` returns, by a condition that may be known only as the graph runs."""
    known = tf.get_static_value(condition)
    if known is None:
        return tf1.cond(tf.cast(condition, tf.bool), yes, no)
    return yes() if known else no()


def as_rows(inputs: tf.Tensor, name: str) -> tf.Tensor:
    """[N, ...] as [N, K]."""
    sizes = inputs.shape[1:]
    known = sizes.is_fully_defined()
    count = sizes.num_elements() if known else tf.reduce_prod(tf.shape(inputs)[1:])
    return tf.reshape(inputs, [tf.shape(inputs)[0], count], name=name)


def product(inputs: tf.Tensor, weights: tf.Variable) -> tf.Tensor:
    """Linear map of the last axis, [..., C] to [..., C']."""
    if inputs.shape.rank == 2:
        return tf.matmul(inputs, weights)
    return tf.tensordot(inputs, weights, 1)


def convolution(
    images: tf.Tensor,
    kernel: tf.Variable,
    stride: int | Sequence[int],
    padding: str,
    rate: int | Sequence[int],
) -> tf.Tensor:
    """Convolution of [N, H, W, C] with a kernel [h, w, C, C']."""
    return tf.nn.conv2d(images, kernel, pair(stride), padding.upper(), dilations=pair(rate))


def separable_convolution(
    images: tf.Tensor,
    depthwise: tf.Variable,
    pointwise: tf.Variable | None,
    stride: int | Sequence[int],
    padding: str,
    rate: int | Sequence[int],
) -> tf.Tensor:
    """Convolution of each channel of [N, H, W, C], then a mixture of the channels if that is asked.

    Parameters
    ----------
    depthwise : [h, w, C, K].
    pointwise : [1, 1, C * K, C'].
    """
    strides = [1, *pair(stride), 1]
    y = tf.nn.depthwise_conv2d(images, depthwise, strides, padding.upper(), dilations=pair(rate))
    return y if pointwise is None else tf.nn.conv2d(y, pointwise, 1, "VALID")


def transposed_convolution(
    images: tf.Tensor, kernel: tf.Variable, stride: int | Sequence[int], padding: str
) -> tf.Tensor:
    """Gradient of a convolution, [N, H, W, C] to [N, H', W', C'], with a kernel [h, w, C', C]."""
    size, known = tf.shape(images), images.shape
    window, strides, padding = kernel.shape[:2], pair(stride), padding.upper()

    def grown(n: Any, i: int) -> Any:
        return n * strides[i] + (max(window[i] - strides[i], 0) if padding == "VALID" else 0)

    shape = tf.stack([size[0], grown(size[1], 0), grown(size[2], 1), kernel.shape[2]])
    y = tf.nn.conv2d_transpose(images, kernel, shape, strides, padding)
    sides = [known[i + 1] and grown(known[i + 1], i) for i in (0, 1)]
    y.set_shape([known[0], *sides, kernel.shape[2]])
    return y


def kernel_shape(images: tf.Tensor, size: int | Sequence[int], n_out: int) -> list[int]:
    """Shape [h, w, C, C'] of a kernel for images [N, H, W, C]."""
    return [*pair(size), images.shape[-1], n_out]


def pair(size: int | Sequence[int]) -> list[int]:
    """One number for height and one for width."""
    sizes = list(size) if isinstance(size, Sequence) else [size]
    return [int(n) for n in (sizes * 2 if len(sizes) == 1 else sizes)]
