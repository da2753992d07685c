"""Normalization of activations, with variables of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from lucidx.compat.variables import Collections, chosen, model_variable

tf1 = tf.compat.v1

Function = Callable[..., Any]

_STARTS = {
    "beta": tf1.zeros_initializer,
    "gamma": tf1.ones_initializer,
    "moving_mean": tf1.zeros_initializer,
    "moving_variance": tf1.ones_initializer,
}


def variables(
    inputs: tf.Tensor,
    names: list[str],
    initializers: Mapping[str, Function | None] | None,
    regularizers: Mapping[str, Function | None] | None = None,
    trainable: bool = True,
    collections: Collections = None,
) -> dict[str, tf.Variable]:
    """One number for each channel [C] of inputs [..., C], for each of the names.

    Parameters
    ----------
    names : some of "beta", "gamma", "moving_mean", "moving_variance".
    initializers : by name; zeros and ones by default.
    """
    return {
        name: model_variable(
            name,
            [inputs.shape[-1]],
            inputs.dtype,
            (initializers or {}).get(name) or _STARTS[name](),
            (regularizers or {}).get(name),
            trainable and not name.startswith("moving"),
            collections,
        )
        for name in names
    }


def batch_normalized(
    inputs: tf.Tensor,
    made: Mapping[str, tf.Variable],
    training: bool | tf.Tensor,
    momentum: float,
    epsilon: float,
) -> tuple[tf.Tensor, list[tf.Operation]]:
    """Every channel of [..., C] with mean 0 and variance 1: of the batch, or of those before.

    Parameters
    ----------
    made : the variables of the layer, by name.
    training : whether by this batch, and to count it.
    momentum : how much of the moving averages a batch leaves as it is.

    Returns
    -------
    The normalized inputs, and the operations that count the batch.
    """
    axes = list(range(inputs.shape.rank - 1))
    moving = [made["moving_mean"], made["moving_variance"]]
    values = [tf.convert_to_tensor(each) for each in moving]

    def of_batch() -> list[tf.Tensor]:
        mean, variance = tf.nn.moments(inputs, axes)
        new = [mean, _unbiased(variance, inputs)]
        return [
            mean,
            variance,
            *(old + (to - old) * (1 - momentum) for old, to in zip(values, new, strict=True)),
        ]

    def as_before() -> list[tf.Tensor]:
        return [tf.identity(value) for value in values * 2]

    mean, variance, *counted = chosen(training, of_batch, as_before)
    normal = tf.nn.batch_normalization(
        inputs, mean, variance, made.get("beta"), made.get("gamma"), epsilon
    )
    if tf.get_static_value(training) is not None and not tf.get_static_value(training):
        return normal, []
    pairs = zip(moving, counted, strict=True)
    return normal, [variable.assign(value, read_value=False) for variable, value in pairs]


def _unbiased(variance: tf.Tensor, inputs: tf.Tensor) -> tf.Tensor:
    """What TensorFlow 1 averaged for images, for which it had a kernel of its own."""
    if inputs.shape.rank != 4:
        return variance
    n = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], variance.dtype)
    return variance * n / tf.maximum(n - 1, 1)
