"""Objectives: scalar functions of a network's activations, to be maximised.

An objective takes T, a function from a layer's name to its activations, and returns a number.
Objectives add, subtract and scale:

    objective = 0.8 * channel("mixed4a", 20) + 0.2 * channel("mixed4a", 21)

They are values: combining them makes a new one. Wherever an objective is expected, `"mixed4a:20"`
stands for a channel, and any function of T is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError, did_you_mean
from lucidx.optvis.expressions import T
from lucidx.optvis.objective import Objective as Objective
from lucidx.optvis.objective import handle_batch as handle_batch
from lucidx.optvis.objective import wrap_objective as wrap_objective
from lucidx.optvis.objectives_util import (
    _dot_cossim,
    _extract_act_pos,
    dimension,
    matched,
    spatial,
    take_channel,
    vector,
)

Vector = Sequence[float] | np.ndarray | tf.Tensor


@wrap_objective(require_format="NHWC", traced=("channel_n", "x", "y"))
def neuron(
    layer_name: str,
    channel_n: int,
    x: int | None = None,
    y: int | None = None,
    batch: int | None = None,
) -> Objective:
    """Activation of one neuron: one channel at one position.

    Where the layer's height or width is even there is no neuron at the centre; the default is the
    lower right one of the central four:

        +---+---+---+---+
        |   |   |   |   |
        +---+---+---+---+
        |   |   |   |   |
        +---+---+---+---+
        |   |   | x |   |
        +---+---+---+---+
        |   |   |   |   |
        +---+---+---+---+

    Parameters
    ----------
    layer_name : name of a layer with activations `[N, H, W, C]`.
    channel_n : index into C.
    x : row (as in Lucid, not column), by default H // 2.
    y : column, by default W // 2.
    batch : restrict to one image of the batch.
    """

    @handle_batch(batch)
    def inner(T):
        layer = T(layer_name)
        return tf.reduce_mean(take_channel(_extract_act_pos(layer, x, y), layer_name, channel_n))

    return inner


@wrap_objective(require_format="NHWC", traced=("n_channel",))
def channel(layer: str, n_channel: int | slice, batch: int | None = None) -> Objective:
    """Mean activation of one channel.

    Parameters
    ----------
    layer : name of a layer with activations `[N, H, W, C]` or `[N, C]`.
    n_channel : index into C; a slice takes the mean of several.
    batch : restrict to one image of the batch; all by default.
    """
    return handle_batch(batch)(lambda T: tf.reduce_mean(take_channel(T(layer), layer, n_channel)))


@wrap_objective(require_format="NHWC", traced=("vec",))
def direction(
    layer: str, vec: Vector, cossim_pow: float = 0, batch: int | None = None
) -> Objective:
    """Mean over positions of the activations' dot product with a direction.

    Parameters
    ----------
    layer : name of a layer with activations `[N, H, W, C]`.
    vec : direction `[C]`: array, sequence or tensor.
    cossim_pow : weight by this power of the cosine, which favours purity over magnitude.
    batch : restrict to one image of the batch.
    """
    vec = vector(vec)
    return handle_batch(batch)(
        lambda T: _dot_cossim(matched(T(layer), vec, layer), vec, cossim_pow)
    )


direction_cossim = direction


@wrap_objective(require_format="NHWC", traced=("vec", "x", "y"))
def direction_neuron(
    layer_name: str,
    vec: Vector,
    x: int | None = None,
    y: int | None = None,
    cossim_pow: float = 0,
    batch: int | None = None,
) -> Objective:
    """Dot product of the activations at one position with a direction.

    Parameters
    ----------
    layer_name : name of a layer with activations `[N, H, W, C]`.
    vec : direction `[C]`: array, sequence or tensor.
    x, y : row and column, by default the centre; see `neuron`.
    cossim_pow : weight by this power of the cosine.
    batch : restrict to one image of the batch.
    """
    vec = vector(vec)

    @handle_batch(batch)
    def inner(T):
        acts = matched(T(layer_name), vec, layer_name)
        return _dot_cossim(_extract_act_pos(acts, x, y), vec, cossim_pow)

    return inner


@wrap_objective(require_format="NHWC", traced=("vec",))
def tensor_direction(
    layer: str, vec: Vector, cossim_pow: float = 0, batch: int | None = None
) -> Objective:
    """Dot product of the activations around the centre with a spatial arrangement of directions.

    Parameters
    ----------
    layer : name of a layer with activations `[N, H, W, C]`.
    vec : `[h, w, C]` or `[1, h, w, C]`, no larger than the layer.
    cossim_pow : weight by this power of the cosine.
    batch : restrict to one image of the batch.
    """
    vec = vector(vec, (3, 4), "[h, w, C] or [1, h, w, C]")
    height, width = dimension(vec, -3), dimension(vec, -2)

    @handle_batch(batch)
    def inner(T):
        acts = spatial(matched(T(layer), vec, layer))
        for axis, given, what in ((1, height, "rows"), (2, width, "columns")):
            size = dimension(acts, axis)
            if None not in (size, given) and given > size:
                raise InvalidValueError(
                    f"Layer {layer!r} has {size} {what}; the arrangement of directions has {given}."
                )
        top, left = (tf.shape(acts)[1] - height) // 2, (tf.shape(acts)[2] - width) // 2
        centre = tf.slice(acts, [0, top, left, 0], [-1, height, width, -1])
        return _dot_cossim(centre, vec, cossim_pow)

    return inner


@wrap_objective(handle_batch=True, traced=())
def deepdream(layer: str) -> Objective:
    """Mean square of a layer's activations: more of whatever is there (DeepDream, 2015).

    Parameters
    ----------
    layer : name of a layer.
    batch : restrict to one image of the batch.
    """
    return lambda T: tf.reduce_mean(T(layer) ** 2)


@wrap_objective(require_format="NHWC", handle_batch=True, traced=())
def total_variation(layer: str = "input") -> Objective:
    """Total variation of each image: sum of the absolute differences between neighbours.

    Use it with a negative weight, to smooth. For a batch it is a vector `[N]`, and what is
    maximised is the sum: `channel(...) - total_variation()` is a vector too, in which the channel
    counts N times. With `batch=n`, N is 1.

    Parameters
    ----------
    layer : name of a layer, by default the image itself.
    batch : restrict to one image of the batch.
    """
    return lambda T: tf.image.total_variation(T(layer))


@wrap_objective(handle_batch=True, traced=("constant",))
def L1(layer: str = "input", constant: float | np.ndarray = 0) -> Objective:
    """Sum of absolute differences from a constant, over the whole batch.

    Use it with a negative weight.

    Parameters
    ----------
    layer : name of a layer, by default the image itself.
    constant : number or array to differ from.
    batch : restrict to one image of the batch.
    """
    return lambda T: tf.reduce_sum(tf.abs(T(layer) - tf.cast(constant, tf.float32)))


@wrap_objective(handle_batch=True, traced=("constant", "epsilon"))
def L2(layer: str = "input", constant: float | np.ndarray = 0, epsilon: float = 1e-6) -> Objective:
    """Euclidean distance from a constant, over the whole batch. Use it with a negative weight.

    Parameters
    ----------
    layer : name of a layer, by default the image itself.
    constant : number or array to differ from.
    epsilon : added under the root, for a finite gradient at distance 0.
    batch : restrict to one image of the batch.
    """
    return lambda T: tf.sqrt(
        epsilon + tf.reduce_sum((T(layer) - tf.cast(constant, tf.float32)) ** 2)
    )


def _tf_blur(x: tf.Tensor, w: int = 3) -> tf.Tensor:
    """Blur `[N, H, W, C]` by a w x w box whose border counts half; at edges, by what is there."""
    kernel = np.full([w, w], 0.5, np.float32)
    kernel[1:-1, 1:-1] = 1
    kernel = tf.tile(kernel[:, :, np.newaxis, np.newaxis], [1, 1, tf.shape(x)[-1], 1])

    def total(images: tf.Tensor) -> tf.Tensor:
        return tf.nn.depthwise_conv2d(images, kernel, [1, 1, 1, 1], "SAME")

    return total(x) / total(tf.ones_like(x))


def _blur_distance(image: tf.Tensor) -> tf.Tensor:
    return 0.5 * tf.reduce_sum((image - tf.stop_gradient(_tf_blur(image))) ** 2)


@wrap_objective(traced=())
def blur_input_each_step() -> Objective:
    """Half the squared distance between the image and its blur, which counts as fixed.

    With a negative weight, each step moves the image towards its blur.
    """
    return lambda T: _blur_distance(T("input"))


@wrap_objective(traced=())
def blur_alpha_each_step() -> Objective:
    """`blur_input_each_step` for the fourth channel of the image only."""

    def inner(T):
        image = T("input")
        depth = dimension(image, -1)
        if depth is not None and depth < 4:
            raise InvalidValueError(
                f"The image has {depth} channels; a fourth, its transparency, is blurred. Use "
                "param.image(..., alpha=True)."
            )
        return _blur_distance(image[..., 3:4])

    return inner


@wrap_objective(require_format="NHWC", traced=("n_channel1", "n_channel2"))
def channel_interpolate(layer1: str, n_channel1: int, layer2: str, n_channel2: int) -> Objective:
    """Interpolate from one channel to another along the batch.

    Image n of N maximises `(1 - n/(N-1))` times the first channel plus `n/(N-1)` times the second.

    Parameters
    ----------
    layer1, layer2 : names of layers with activations `[N, H, W, C]`; the batch has at least two
        images.
    n_channel1, n_channel2 : indices into C.
    """

    def inner(T):
        size = _static_batch(T(layer1), layer1, 2)
        weights = np.linspace(0, 1, size, dtype=np.float32)
        means = [_means(T(layer1), layer1, n_channel1), _means(T(layer2), layer2, n_channel2)]
        return tf.reduce_sum((1 - weights) * means[0] + weights * means[1])

    return inner


def _means(acts: tf.Tensor, layer: str, channel: Any) -> tf.Tensor:
    """Mean of one channel for each image: `[N]`."""
    values = take_channel(acts, layer, channel)
    return tf.reduce_mean(tf.reshape(values, [dimension(acts, 0), -1]), -1)


def _static_batch(acts: tf.Tensor, layer: str, least: int) -> int:
    size = dimension(acts, 0)
    if size is None or size < least:
        raise InvalidValueError(
            f"This objective compares the images of a batch: {layer!r} needs a known batch size "
            f"of at least {least}, not {size}. Pass batch={least} or more to the image "
            "parameterization."
        )
    return size


@wrap_objective(traced=("mask", "C"))
def penalize_boundary_complexity(
    shp: Sequence[int], w: int = 20, mask: np.ndarray | None = None, C: float = 0.5
) -> Objective:
    """Penalty for structure near the border of the image. Already negative: add it as it is.

    Parameters
    ----------
    shp : shape of the images, `[N, H, W, channels]`.
    w : width of the border in pixels; 0 penalizes everywhere.
    mask : array of `shp` that weights the pixels, instead of the border.
    C : the grey that is not penalized.
    """
    if mask is None:
        mask = np.ones(shp, np.float32)
        mask[:, w:-w, w:-w] = 0

    def inner(T):
        image = T("input")
        complexity = (_tf_blur(image, w=5) - image) ** 2 + 0.8 * (image - C) ** 2
        return -tf.reduce_sum(complexity * tf.cast(mask, tf.float32))

    return inner


@wrap_objective(traced=())
def alignment(layer: str, decay_ratio: float = 2) -> Objective:
    """Penalty for differences between neighbouring images of the batch. Already negative.

    Makes the same thing appear at the same place when images interpolate between objectives
    ("Differentiable Image Parameterizations", Distill 2018). Images up to four apart are compared.

    Parameters
    ----------
    layer : name of a layer.
    decay_ratio : by how much the weight falls with each step of distance in the batch.
    """

    def inner(T):
        acts = T(layer)
        size = _static_batch(acts, layer, 1)
        distances = [
            (size - d) * tf.reduce_mean((acts[:-d] - acts[d:]) ** 2) / decay_ratio**d
            for d in range(1, min(5, size))
        ]
        return -sum(distances, tf.constant(0.0))

    return inner


@wrap_objective(require_format="NHWC", traced=())
def diversity(layer: str) -> Objective:
    """How alike the images of the batch are, by the cosine between their Gram matrices.

    Use it with a negative weight, so that the images show different facets ("Feature
    Visualization", Distill 2017). It is the sum over ordered pairs, divided by the batch size.

    Parameters
    ----------
    layer : name of a layer with activations `[N, H, W, C]`; the batch has at least two images.
    """

    def inner(T):
        acts = T(layer)
        size = _static_batch(acts, layer, 1)
        flat = tf.reshape(acts, [size, -1, tf.shape(acts)[-1]])
        grams = tf.reshape(tf.matmul(flat, flat, transpose_a=True), [size, -1])
        grams = tf.nn.l2_normalize(grams, -1, epsilon=1e-10)
        alike = tf.matmul(grams, grams, transpose_b=True)
        return (tf.reduce_sum(alike) - tf.linalg.trace(alike)) / size

    return inner


@wrap_objective(traced=("orig_img",))
def input_diff(orig_img: np.ndarray) -> Objective:
    """Root mean square difference between the image and another.

    Parameters
    ----------
    orig_img : array of the image's shape, in 0..1.
    """
    # The root has no gradient at 0, where a picture that starts as `orig_img` is.
    return lambda T: tf.sqrt(
        1e-12 + tf.reduce_mean((T("input") - tf.cast(orig_img, tf.float32)) ** 2)
    )


@wrap_objective(require_format="NHWC", traced=("label",))
def class_logit(layer: str, label: int | str, batch: int | None = None) -> Objective:
    """Activation of one class in an output layer, summed over the images.

    Choose the layer before the softmax: after it, the gradient is mostly about other classes.

    Parameters
    ----------
    layer : name of a layer `[N, classes]`, such as `"softmax2_pre_activation"`.
    label : index of the class, or its name in the model's labels.
    batch : restrict to one image of the batch.
    """

    def inner(T):
        index = class_index(T("labels"), label) if isinstance(label, str) else label
        return tf.reduce_sum(take_channel(T(layer), layer, index))

    return handle_batch(batch)(inner)


def class_index(labels: Sequence[str], label: str) -> int:
    """Position of a class by its name.

    Raises
    ------
    InvalidValueError : no class has that name; the closest are offered.
    """
    if label not in labels:
        raise InvalidValueError(f"No class is called {label!r}. {did_you_mean(label, labels)}")
    return list(labels).index(label)


def layer_and_channel(text: str) -> tuple[str, int]:
    """The two parts of `"layer:channel"`.

    Raises
    ------
    InvalidValueError : a string of another form.
    """
    layer, _, number = (part.strip() for part in text.rpartition(":"))
    if not layer or not re.fullmatch(r"[+-]?\d{1,9}", number, re.ASCII):
        raise InvalidValueError(
            f"{text!r} is not 'layer:channel', for instance 'mixed4a:476': a layer's name, a "
            "colon and a whole number."
        )
    return layer, int(number)


def as_objective(obj: Any) -> Callable[[T], Any]:
    """What was meant by an objective.

    Parameters
    ----------
    obj : an `Objective` or another function of T: itself; `"layer:n"`: channel n of a layer.

    Raises
    ------
    InvalidValueError : a string of another form.
    InvalidTypeError : neither.
    """
    if callable(obj):
        return obj
    if not isinstance(obj, str):
        raise InvalidTypeError(
            f"An objective is 'layer:channel', an Objective or a function of T; not {obj!r}."
        )
    return channel(*layer_and_channel(obj))
