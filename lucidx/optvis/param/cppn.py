"""Images painted by a small network of pixel coordinates."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from scipy.special import ndtr, ndtri

from lucidx.errors import InvalidValueError
from lucidx.optvis import randomness
from lucidx.optvis.param.resize_bilinear_nd import static_shape


def _composite_activation(x: tf.Tensor, biased: bool = True) -> tf.Tensor:
    """Arc tangent and its square, each scaled to about unit variance; doubles the channels."""
    a = tf.atan(x)
    square = a * a / 0.6 if biased else (a * a - 0.45) / 0.396
    return tf.concat([a / 0.67, square], -1)


def _relu_normalized_activation(x: tf.Tensor) -> tf.Tensor:
    """ReLU, scaled to zero mean and unit variance for normal input."""
    return (tf.nn.relu(x) - 0.40) / 0.58


def cppn(
    width: int | tf.Tensor,
    batch: int = 1,
    num_output_channels: int = 3,
    num_hidden_channels: int = 24,
    num_layers: int = 8,
    activation_func: Callable[[tf.Tensor], tf.Tensor] = _composite_activation,
    normalize: bool = False,
) -> tf.Tensor:
    """Image that a compositional pattern-producing network paints from pixel coordinates.

    The weights are the variables, so the image has no resolution of its own: train at one width,
    look at another ("Differentiable Image Parameterizations", Mordvintsev et al., Distill 2018,
    after Stanley's CPPNs, 2007).

    Parameters
    ----------
    width : and height, in pixels; an integer or a scalar integer tensor.
    batch : how many copies; they share the weights and are equal.
    num_output_channels : C.
    num_hidden_channels : outputs of each hidden layer, before its activation.
    num_layers : number of hidden layers.
    activation_func : applied to [1, width, width, num_hidden_channels]; may change the channels.
    normalize : instance normalization before each activation.

    Returns
    -------
    float32 [batch, width, width, C] in (0, 1), at first of one colour near grey. Variables, layer
    by layer: weights [1, 1, in, out], biases [out], and if `normalize` offsets and gains [out].

    Raises
    ------
    InvalidTypeError, InvalidValueError : for sizes or counts that are not positive integers.
    """
    if not tf.is_tensor(width):
        (width,) = static_shape([width])
    elif width.shape.rank != 0:
        raise InvalidValueError(f"width is one number; got a tensor of shape {width.shape}.")
    batch, n_out, n_hidden = static_shape([batch, num_output_channels, num_hidden_channels])
    (n_layers,) = static_shape([num_layers])

    # Unit variance over the image, as the initial weights suppose.
    coordinates = tf.linspace(-math.sqrt(3), math.sqrt(3), width)
    t = tf.cast(tf.stack(tf.meshgrid(coordinates, coordinates), -1)[None], tf.float32)
    for _ in range(n_layers):
        t = _dense(t, n_hidden, _unit_variance_weights)
        t = activation_func(_instance_norm(t) if normalize else t)
    t = tf.sigmoid(_dense(t, n_out, _zeros))
    return tf.tile(t, [batch, 1, 1, 1])


def _dense(t: tf.Tensor, n_out: int, weights: Callable[[list[int]], np.ndarray]) -> tf.Tensor:
    """Linear layer over the channels of [1, H, W, C]."""
    shape = [1, 1, t.shape[-1], n_out]
    w = _variable(shape, lambda: weights(shape))
    b = _variable([n_out], lambda: randomness.initial_noise([n_out], 0.1))
    return tf.nn.conv2d(t, w, 1, "SAME") + b


def _instance_norm(t: tf.Tensor) -> tf.Tensor:
    """Normalize every channel of every image over its pixels."""
    shape = [t.shape[-1]]
    offset = _variable(shape, lambda: _zeros(shape))
    gain = _variable(shape, lambda: np.ones(shape, np.float32))
    mean, variance = tf.nn.moments(t, [1, 2], keepdims=True)
    return tf.nn.batch_normalization(t, mean, variance, offset, gain, 1e-6)


def _variable(shape: list[int], initial_value: Callable[[], np.ndarray]) -> tf.Variable:
    return tf.Variable(initial_value, shape=shape, dtype=tf.float32)


def _zeros(shape: list[int]) -> np.ndarray:
    return np.zeros(shape, np.float32)


def _unit_variance_weights(shape: list[int]) -> np.ndarray:
    """Normal weights, truncated at two standard deviations, with variance 1 / inputs."""
    low, high = ndtr(-2.0), ndtr(2.0)
    truncated = ndtri(low + (high - low) * ndtr(randomness.initial_noise(shape, 1.0)))
    sd_when_truncated = 0.87962566
    return (truncated / sd_when_truncated / math.sqrt(shape[-2])).astype(np.float32)
