"""What single positions of a layer do for every class at once.

The attribution of a position to a class is its activation times the gradient of the class's score
there, the linear approximation that "Activation Atlas" (Distill 2019) labels its cells with; it is
what `attribution.attribute(..., method="linear").spatial()` has at that position. Gradients are
computed backwards, one pass for each class. Forwards, one pass does for all: attributions are the
derivative of the scores along the activation of that position (a product of the Jacobian with a
vector), which TensorFlow computes as the gradient of a gradient (Townsend, "A new trick for
calculating Jacobian vector products", 2017). So evidence is exact for all classes, of a thousand
too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from lucidx import value_range
from lucidx.attribution.feeding import (
    as_layer,
    channels_last,
    check_between,
    check_layer,
    import_part,
)
from lucidx.errors import InvalidValueError
from lucidx.modelzoo import model_io
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis.overrides import gradient_override_map

Sampler = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, "np.ndarray | None"]]

# On CPUs these give other numbers than the gradient they are the gradient of has.
_WRONG = {"MaxPoolGradGrad", "MaxPoolGradGradV2", "MaxPoolGradGradWithArgmax"}


def scores_for(model: Model, layer: str) -> str | None:
    """The layer whose scores a layer argues for: one score per class, before any softmax.

    None where the model has none, or where they do not depend on the layer.

    Raises
    ------
    UnknownLayerError : the model has no layer of that name.
    InvalidValueError : it is no layer of activations.
    """
    check_layer(model, layer)
    scores = value_range.class_scores(model)
    if scores is None or scores == layer:
        return None
    try:
        check_between(model, layer, [scores], "the score of a class")
    except InvalidValueError:
        return None
    return scores


def sampler(model: Model, layer: str, scores: str | None) -> Sampler:
    """Function that looks at single positions of a layer.

    Parameters
    ----------
    model, layer : what positions are of.
    scores : the layer of scores, `[N, K]`, that they argue for, see `scores_for`; None for none.

    Returns
    -------
    Function of images `[N, H, W, C]`, float32 in 0..1, and of one position of each, row and column,
    `[N, 2]`. It returns their activations, float32 `[N, C]`, and what they did for each class,
    float32 `[N, K]` or None. For dense layers positions do not matter.

    Raises
    ------
    InvalidValueError : the network has an operation whose gradient has none itself.
    """
    key = ("atlas", layer, scores)
    make = functools.partial(_trace, model, layer, scores)
    with model_io.eagerly():
        traced = model_io.skeleton(model).function(key, make)

    def sample(images: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        with model_io.eagerly():
            found = traced(tf.constant(images), tf.constant(places, tf.int32))
            activations, *evidence = map(np.asarray, found)
        return activations, evidence[0] if evidence else None

    return sample


def _trace(model: Model, layer: str, scores: str | None) -> Callable[..., list[tf.Tensor]]:
    def sample(images: tf.Tensor, places: tf.Tensor) -> list[tf.Tensor]:
        with gradient_override_map(_GRADIENTS):
            T = import_part(model, [layer] if scores is None else [layer, scores], images, {})
        at = T(layer)
        one = _only(places, channels_last(model, layer, at))
        others = list(range(1, one.shape.rank - 1))
        found = [tf.cast(tf.reduce_sum(one, others) if others else one, tf.float32)]
        if scores is not None:
            found.append(
                _derivative(tf.cast(T(scores), tf.float32), at, as_layer(model, layer, one))
            )
        return found

    images = tf.TensorSpec([None, None, None, model.image_shape[-1]], tf.float32)
    places = tf.TensorSpec([None, 2], tf.int32)
    cannot = f"What {layer!r} of {model.name} argues for cannot be computed"
    try:
        traced = tf.function(sample, autograph=False).get_concrete_function(images, places)
    except LookupError as error:
        raise InvalidValueError(f"{cannot}: {error}.") from error
    wrong = sorted({op.type for op in traced.graph.get_operations()} & _WRONG)
    if wrong:
        raise InvalidValueError(f"{cannot}: TensorFlow's {', '.join(wrong)} is wrong on CPUs.")
    return traced


def _derivative(scores: tf.Tensor, at: tf.Tensor, along: tf.Tensor) -> tf.Tensor:
    """How scores `[N, K]` change along a change of a layer."""
    weights = tf.zeros_like(scores)
    (back,) = tf.gradients(scores, at, weights)
    # It is a linear function of the weights, whatever they are.
    (forth,) = tf.gradients(back, weights, tf.cast(along, back.dtype))
    return forth


def _only(places: tf.Tensor, activations: tf.Tensor) -> tf.Tensor:
    """Activations `[N, h, w, C]`, 0 but for one position of each image."""
    if activations.shape.rank == 2:
        return activations
    height, width = (tf.shape(activations)[axis] for axis in (1, 2))
    row, column = (
        tf.one_hot(places[:, n], size, dtype=activations.dtype)
        for n, size in enumerate((height, width))
    )
    return activations * row[:, :, None, None] * column[:, None, :, None]


def _lrn_gradient(op: tf.Operation, grad: tf.Tensor) -> tf.Tensor:
    """Gradient of local response normalisation, of operations that have gradients themselves.

    The normalisation is `y = x * s ** -beta`, where `s = bias + alpha * (sum of x ** 2 near)`.
    """
    x = op.inputs[0]
    alpha, beta, bias = (op.get_attr(name) for name in ("alpha", "beta", "bias"))
    radius, depth = op.get_attr("depth_radius"), tf.shape(x)[-1]
    near = tf.linalg.band_part(tf.ones([depth, depth], x.dtype), radius, radius)
    s = bias + alpha * tf.matmul(x * x, near)
    shared = tf.matmul(grad * x * s ** (-beta - 1), near)
    return grad * s**-beta - 2 * alpha * beta * x * shared


def _max_pool_gradient(op: tf.Operation, grad: tf.Tensor) -> tf.Tensor:
    """Gradient of max pooling, of operations that have gradients themselves."""
    (x,), padding = op.inputs, op.get_attr("padding").decode()
    if padding == "EXPLICIT" or op.get_attr("data_format") != b"NHWC":
        raise LookupError(f"there is no gradient of the gradient of the max pooling {op.name}")
    _, largest = tf.nn.max_pool_with_argmax(
        x,
        op.get_attr("ksize"),
        op.get_attr("strides"),
        padding,
        output_dtype=tf.int64,
        include_batch_in_index=True,
    )
    flat = tf.scatter_nd(
        tf.reshape(largest, [-1, 1]), tf.reshape(grad, [-1]), [tf.size(x, tf.int64)]
    )
    return tf.reshape(flat, tf.shape(x))


_GRADIENTS = {"LRN": _lrn_gradient, "MaxPool": _max_pool_gradient}
