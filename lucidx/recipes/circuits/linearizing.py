"""A network made linear: the slope of one position of a layer in an earlier layer."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from lucidx.attribution.feeding import (
    INPUT,
    as_layer,
    channels_last,
    check_between,
    check_layer,
    fed_spec,
    import_part,
)
from lucidx.errors import InvalidValueError
from lucidx.modelzoo import graphs, model_io
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis.overrides import avg_smoothed_maxpool_grad, gradient_override_map
from lucidx.recipes.circuits.gates import GATES, RECTIFIERS, digest, gated_grad


def _faint_lrn_grad(op: tf.Operation, grad: tf.Tensor) -> tf.Tensor:
    """Gradient of local response normalization where activations are near zero: a constant."""
    return grad * op.get_attr("bias") ** -op.get_attr("beta")


LINEARIZED = {
    **dict.fromkeys(RECTIFIERS, gated_grad),
    "MaxPool": avg_smoothed_maxpool_grad,
    "LRN": _faint_lrn_grad,
}
# Whose gradient does not depend on what goes through them; of products, if one factor is constant.
_LINEAR = frozenset(
    "Add AddN AddV2 AvgPool BatchToSpaceND BiasAdd Concat ConcatV2 Const Conv2D "
    "DepthwiseConv2dNative ExpandDims FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 GatherV2 "
    "Identity IdentityN MatMul Mean MirrorPad Neg Pack Pad PadV2 Placeholder RealDiv Reshape Shape "
    "Slice SpaceToBatchND Split SplitV Squeeze StopGradient StridedSlice Sub Sum Transpose".split()
)
_TOLERANCE = 1e-3  # of slopes at different points, for one that does not depend on the point

Grid = tuple[int, int]


class LinearMap(NamedTuple):
    """What a position of a layer is made of, in images of one size.

    Attributes
    ----------
    slope : from how much each channel of the position counts, `[K]`, to the slope of their sum in
        the earlier layer, float32 `[h, w, C]`.
    grid : h and w of the earlier layer.
    position : row and column in the later layer, the middle; None of a layer without positions.
    """

    slope: Callable[[np.ndarray], np.ndarray]
    grid: Grid
    position: Grid | None


def check_layers(model: Model, first: str, last: str) -> None:
    """Refuse two layers that no weights lead between.

    Raises
    ------
    UnknownLayerError, InvalidValueError
    """
    check_layer(model, first)
    check_layer(model, last)
    if last == INPUT or first == last:
        raise InvalidValueError(
            f"{last!r} is not after {first!r}: name two layers, the earlier one first."
        )
    if first != INPUT:
        check_between(model, first, [last], f"{last!r}")


def linear_map(
    model: Model,
    first: str,
    last: str,
    height: int,
    width: int,
    gates: Mapping[str, np.ndarray],
) -> LinearMap:
    """What the middle of a layer is made of in an earlier one.

    Parameters
    ----------
    model : a model.
    first, last : names of layers, the earlier one may be `"input"`.
    height, width : of the images.
    gates : what rectifiers, by their names, multiply activations with; others pass all on.

    Raises
    ------
    InvalidValueError : the network takes no such images, or is not linear between the layers even
        if ReLUs, max pooling and local response normalization are; names what is not.
    """
    key = ("linear map", first, last, height, width, digest(gates))
    return model_io.skeleton(model).function(
        key, functools.partial(_make, model, first, last, height, width, gates)
    )


def _make(
    model: Model,
    first: str,
    last: str,
    height: int,
    width: int,
    gates: Mapping[str, np.ndarray],
) -> LinearMap:
    image = np.zeros([1, height, width, model.image_shape[-1] or 3], np.float32)
    names = [last] if first == INPUT else [first, last]
    shapes = {
        name: channels_last(model, name, acts).shape
        for name, acts in model.activations(image, names).items()
    }
    shapes[INPUT] = image.shape if first == INPUT else ()
    *places, depth = shapes[last][1:]
    position = (places[0] // 2, places[1] // 2) if places else None
    token = GATES.set(gates)
    try:
        traced = _trace(model, first, last, image.shape, shapes[first], position)
    except LookupError as error:  # of an operation that has no gradient
        raise InvalidValueError(
            f"{model.name} has no gradient from {last!r} to {first!r}: {error}"
        ) from error
    finally:
        GATES.reset(token)

    def slope_at(activations: np.ndarray, seed: np.ndarray) -> np.ndarray:
        with model_io.eagerly():
            found = traced(tf.constant(image), tf.constant(activations), tf.constant(seed))
            return np.asarray(found)[0]

    zero = np.zeros(shapes[first], np.float32)
    rng = np.random.default_rng(0)
    seed = rng.uniform(0.5, 1.5, depth).astype(np.float32)
    elsewhere = rng.uniform(0, 1, shapes[first]).astype(np.float32)
    here, there = slope_at(zero, seed), slope_at(elsewhere, seed)
    if not np.abs(here - there).max() <= _TOLERANCE * np.abs(here).max():
        raise InvalidValueError(
            f"No constant weights stand for what {model.name} does from {first!r} to {last!r}: "
            f"{_not_linear(model, first, last)}. ReLUs, max pooling and local response "
            "normalization are taken as linear; choose layers with nothing else between them."
        )
    return LinearMap(functools.partial(slope_at, zero), shapes[first][1:-1] or (1, 1), position)


def _trace(
    model: Model,
    first: str,
    last: str,
    image_shape: tuple[int, ...],
    shape: tuple[int, ...],
    position: Grid | None,
) -> Callable[..., tf.Tensor]:
    """Function of an image, activations of `first`, and how much each channel of `last` counts."""

    def slope(image: tf.Tensor, at: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        fed = {} if first == INPUT else {first: as_layer(model, first, at)}
        with gradient_override_map(LINEARIZED):
            T = import_part(model, [last], at if first == INPUT else image, fed)
        reached = tf.cast(channels_last(model, last, T(last)), tf.float32)[0]
        vector = reached if position is None else reached[position]
        (found,) = tf.gradients(tf.reduce_sum(vector * seed), at)
        if found is None:
            raise InvalidValueError(
                f"No gradient passes from {last!r} to {first!r} in {model.name}."
            )
        return found if len(shape) == 4 else found[:, tf.newaxis, tf.newaxis]

    depth = fed_spec(model, last, 1).shape[-1]
    specs = [tf.TensorSpec(of, tf.float32) for of in (image_shape, shape, [depth])]
    with model_io.eagerly():
        return tf.function(slope, autograph=False).get_concrete_function(*specs)


def _not_linear(model: Model, first: str, last: str) -> str:
    """Which operations between two layers are to blame: a clause."""
    parts = model_io.skeleton(model)
    cut = model.input_name if first == INPUT else first
    between = graphs.prune(parts.graph_def, [last], {graphs.tensor_of(cut)}, parts.added)
    blamed = sorted({node.op for node in between.node} - _LINEAR - LINEARIZED.keys())
    return f"there is {', '.join(blamed)} between them" if blamed else "its slope is not constant"
