"""Losses that take predictions first: TensorFlow 1's `tf.contrib.losses`, or `slim.losses`.

They are those of `tf.losses`, and are collected by the graph as those are.
"""

from __future__ import annotations

import tensorflow as tf

from lucidx.compat.missing import reporter

tf1 = tf.compat.v1

__all__ = [
    "absolute_difference",
    "add_loss",
    "get_losses",
    "get_regularization_losses",
    "get_total_loss",
    "log_loss",
    "mean_squared_error",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
]

__getattr__ = reporter("slim.losses", __all__)

add_loss = tf1.losses.add_loss
get_losses = tf1.losses.get_losses
get_regularization_losses = tf1.losses.get_regularization_losses
get_total_loss = tf1.losses.get_total_loss

Weights = float | tf.Tensor


def softmax_cross_entropy(
    logits: tf.Tensor,
    onehot_labels: tf.Tensor,
    weights: Weights = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
) -> tf.Tensor:
    """Cross-entropy of the softmax of logits [N, K] with labels [N, K]."""
    return tf1.losses.softmax_cross_entropy(onehot_labels, logits, weights, label_smoothing, scope)


def sigmoid_cross_entropy(
    logits: tf.Tensor,
    multi_class_labels: tf.Tensor,
    weights: Weights = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
) -> tf.Tensor:
    """Cross-entropy of the sigmoids of logits [N, K] with labels [N, K]."""
    return tf1.losses.sigmoid_cross_entropy(
        multi_class_labels, logits, weights, label_smoothing, scope
    )


def sparse_softmax_cross_entropy(
    logits: tf.Tensor, labels: tf.Tensor, weights: Weights = 1.0, scope: str | None = None
) -> tf.Tensor:
    """Cross-entropy of the softmax of logits [N, K] with integer labels [N]."""
    return tf1.losses.sparse_softmax_cross_entropy(labels, logits, weights, scope)


def absolute_difference(
    predictions: tf.Tensor, labels: tf.Tensor, weights: Weights = 1.0, scope: str | None = None
) -> tf.Tensor:
    """Mean magnitude of the differences."""
    return tf1.losses.absolute_difference(labels, predictions, weights, scope)


def mean_squared_error(
    predictions: tf.Tensor, labels: tf.Tensor, weights: Weights = 1.0, scope: str | None = None
) -> tf.Tensor:
    """Mean square of the differences."""
    return tf1.losses.mean_squared_error(labels, predictions, weights, scope)


def log_loss(
    predictions: tf.Tensor,
    labels: tf.Tensor,
    weights: Weights = 1.0,
    epsilon: float = 1e-7,
    scope: str | None = None,
) -> tf.Tensor:
    """Cross-entropy of probabilities with labels of the same shape."""
    return tf1.losses.log_loss(labels, predictions, weights, epsilon, scope)
