"""Linear layers that make their own variables, which the layers of TensorFlow 1 are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

tf1 = tf.compat.v1

Function = Callable[..., Any]

_COLLECTIONS = (tf1.GraphKeys.GLOBAL_VARIABLES, tf1.GraphKeys.MODEL_VARIABLES)


def affine(
    inputs: tf.Tensor,
    linear: Callable[[tf.Tensor, tf.Variable], tf.Tensor],
    shape: Sequence[int],
    names: tuple[str, str],
    *,
    scope: str | None,
    default_scope: str,
    activation: Function | None,
    initializers: tuple[Function | None, Function | None],
    regularizers: tuple[Function | None, Function | None] = (None, None),
    normalizer: Function | None = None,
    normalizer_params: Mapping[str, Any] | None = None,
    reuse: bool | None = None,
    trainable: bool = True,
) -> tf.Tensor:
    """`activation(linear(inputs, weights) + biases)`, the weights and biases being new variables.

    Parameters
    ----------
    linear : function of the inputs and the weights.
    shape : of the weights; there are as many biases as its last entry says.
    names : of the two variables, under the scope.
    scope : of the variables; by default `default_scope`, with a number if that is taken.
    initializers, regularizers : of weights and biases; no initializer for biases means no biases.
    normalizer, normalizer_params : takes the place of biases.
    reuse : take variables that exist.
    """
    with tf1.variable_scope(scope, default_scope, [inputs], reuse=reuse):

        def variable(i: int, shape: Sequence[int]) -> tf.Variable:
            return tf1.get_variable(
                names[i],
                shape,
                inputs.dtype,
                initializers[i],
                regularizers[i],
                trainable,
                _COLLECTIONS,
            )

        y = linear(inputs, variable(0, shape))
        if normalizer is not None:
            y = normalizer(y, **(normalizer_params or {}))
        elif initializers[1] is not None:
            y = y + variable(1, shape[-1:])
        return activation(y) if activation else y


def convolution(
    images: tf.Tensor,
    kernel: tf.Variable,
    stride: int | Sequence[int],
    padding: str,
    rate: int | Sequence[int],
) -> tf.Tensor:
    """Convolution of [N, H, W, C] with a kernel [h, w, C, C']."""
    return tf.nn.conv2d(images, kernel, pair(stride), padding.upper(), dilations=pair(rate))


def kernel_shape(images: tf.Tensor, size: int | Sequence[int], n_out: int) -> list[int]:
    """Shape [h, w, C, C'] of a kernel for images [N, H, W, C]."""
    return [*pair(size), images.shape[-1], n_out]


def pair(size: int | Sequence[int]) -> list[int]:
    """One number for height and one for width."""
    sizes = list(size) if isinstance(size, Sequence) else [size]
    return [int(n) for n in (sizes * 2 if len(sizes) == 1 else sizes)]
