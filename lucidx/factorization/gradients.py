"""Activations, gradients and attributions of layers with respect to layers: Lucid's rl_util.

Numpy in, numpy out. "Attribution" is activation times gradient, or its mean along the way from zero
("The Building Blocks of Interpretability", Distill 2018; integrated gradients, Sundararajan et al.
2017). Scores of different observations must not depend on each other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from lucidx.attribution.feeding import (
    as_images,
    check_between,
    import_part,
    maxpool_gradients,
)
from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo import model_io
from lucidx.optvis.overrides import gradient_override_map

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model

_AT_ONCE = 32  # observations
Score = Callable[[tf.Tensor], tf.Tensor]
Gradient = Callable[..., np.ndarray]


def maxpool_override() -> dict[str, Callable[..., tf.Tensor]]:
    """For `gradient_override_map`: max pooling has the gradient of L2 pooling, without grids."""
    return dict(maxpool_gradients("smoothed"))


def default_score_fn(t: tf.Tensor) -> tf.Tensor:
    """Sum over all axes but that of the batch: `[N, ...]` to `[N]`."""
    return tf.reduce_sum(t, axis=list(range(1, t.shape.rank)))


def get_acts(model: Model, layer_name: str, obses: np.ndarray) -> np.ndarray:
    """Activations of a layer: float32 `[N, ...]`.

    Parameters
    ----------
    obses : observations `[N, H, W, C]`: images, floats in 0..1 or uint8.

    Raises
    ------
    UnknownLayerError, InvalidValueError
    """
    return model.activations(obses, layer_name, _AT_ONCE)


def get_grad_or_attr(
    model: Model,
    layer_name: str,
    prev_layer_name: str | None,
    obses: np.ndarray,
    *,
    act_dir: np.ndarray | None = None,
    act_poses: np.ndarray | None = None,
    score_fn: Score = default_score_fn,
    grad_or_attr: str,
    override: Mapping[str, Any] | None = None,
    integrate_steps: int = 1,
) -> np.ndarray:
    """Gradient of a score with respect to an earlier layer, or that times the layer's activations.

    Parameters
    ----------
    layer_name : layer that the score is made of.
    prev_layer_name : the earlier layer; None for the observations.
    obses : observations `[N, H, W, C]`: floats in 0..1 or uint8.
    act_dir : weights `[C]` for the channels of the layer; by default 1.
    act_poses : `[N, 2]`, the one position (row, column) of the layer to take per observation; by
        default all.
    score_fn : makes scores `[N]` of the weighted activations `[N, ...]`, of which the axes are
        `[N, C]` if there are positions. By default their sum.
    grad_or_attr : "grad" or "attr".
    override : gradients for types of operations; see `gradient_override_map`.
    integrate_steps : 1 for the gradient at the activations; k for the mean of the gradients at 1/k,
        2/k, ... and all of them, while what does not pass through the earlier layer stays.

    Returns
    -------
    Float32, of the shape of the earlier layer's activations.

    Raises
    ------
    UnknownLayerError, InvalidValueError, InvalidTypeError
    """
    if grad_or_attr not in ("grad", "attr"):
        raise InvalidValueError(f"grad_or_attr is 'grad' or 'attr', not {grad_or_attr!r}.")
    if integrate_steps < 1:
        raise InvalidValueError(f"integrate_steps is at least 1, not {integrate_steps}.")
    acts, gradient = scored_gradients(
        model, layer_name, prev_layer_name, obses, act_dir, act_poses, score_fn, override
    )
    steps = range(1, integrate_steps + 1)
    mean = sum(gradient(acts * np.float32(k / integrate_steps)) for k in steps)
    mean = mean / np.float32(integrate_steps)
    return mean if grad_or_attr == "grad" else acts * mean


def get_attr(
    model: Model, layer_name: str, prev_layer_name: str | None, obses: np.ndarray, **kwargs: Any
) -> np.ndarray:
    """Attribution of a layer to an earlier layer; see `get_grad_or_attr`."""
    return get_grad_or_attr(
        model, layer_name, prev_layer_name, obses, grad_or_attr="attr", **kwargs
    )


def get_grad(model: Model, layer_name: str, obses: np.ndarray, **kwargs: Any) -> np.ndarray:
    """Gradient of a layer with respect to the observations; see `get_grad_or_attr`."""
    return get_grad_or_attr(model, layer_name, None, obses, grad_or_attr="grad", **kwargs)


def scored_gradients(
    model: Model,
    layer_name: str,
    prev_layer_name: str | None,
    obses: np.ndarray,
    act_dir: np.ndarray | None,
    act_poses: np.ndarray | None,
    score_fn: Score,
    override: Mapping[str, Any] | None,
) -> tuple[np.ndarray, Gradient]:
    """`layer_gradients` of the score that `get_grad_or_attr` describes."""
    obses, given = as_images(model, obses), []
    if act_poses is not None:
        given.append(np.asarray(act_poses, np.float32))
    if act_dir is not None:
        weights = np.asarray(act_dir, np.float32)
        given.append(np.broadcast_to(weights, (len(obses), *weights.shape)))

    def score(acts: tf.Tensor, *given: tf.Tensor) -> tf.Tensor:
        if act_poses is not None:
            chosen = tf.gather_nd(acts, tf.cast(given[0], tf.int32), batch_dims=1)
            acts = tf.ensure_shape(chosen, [None, acts.shape[-1]])
        if act_dir is not None:
            *_, weights = given
            missing = acts.shape.rank - weights.shape.rank
            weights = tf.reshape(weights, [-1, *[1] * missing, *weights.shape[1:]])
            acts *= tf.cast(weights, acts.dtype)
        return score_fn(acts)

    key = None
    if score_fn is default_score_fn:  # of other functions nothing is known: they may change
        key = (act_poses is not None, act_dir is not None)
    return layer_gradients(
        model, layer_name, prev_layer_name, obses, score, given, key=key, override=override
    )


def layer_gradients(
    model: Model,
    layer_name: str,
    prev_layer_name: str | None,
    obses: np.ndarray,
    score: Callable[..., tf.Tensor],
    given: Sequence[np.ndarray] = (),
    *,
    key: Any = None,
    override: Mapping[str, Any] | None = None,
) -> tuple[np.ndarray, Gradient]:
    """Gradients of a layer's score with respect to an earlier layer, wherever that is.

    Parameters
    ----------
    score : makes scores of the layer's activations, and of what is given, for a batch.
    given : arrays `[N, ...]` for `score`.
    key : what scores that compute the same thing have in common: they are traced once, unless
        gradients are overridden in ways of one's own.
    model, layer_name, prev_layer_name, obses, override : as for `get_grad_or_attr`.

    Returns
    -------
    The earlier layer's activations, and a function from such activations, and from what is given
    if that changes, to the gradient there.
    """
    obses = as_images(model, obses)
    for array in given:
        if np.ndim(array) < 1 or len(array) != len(obses):
            raise InvalidValueError(
                f"Something is needed for each of {len(obses)} observations; the shape is "
                f"{np.shape(array)}."
            )
    shapes = [np.shape(array)[1:] for array in given]
    override = dict(override or {})
    if key is not None and override in ({}, maxpool_override()):
        key = ("layer gradient", layer_name, prev_layer_name, key, *shapes, *override)
    else:
        key = None
    make = functools.partial(_trace, model, layer_name, prev_layer_name, score, shapes, override)
    with model_io.eagerly():
        run = model_io.skeleton(model).function(key, make)

    def gradient(acts: np.ndarray, *others: np.ndarray) -> np.ndarray:
        before = [] if prev_layer_name is None else [acts]
        images = acts if prev_layer_name is None else obses
        return _in_batches(model, run, [images, *before, *(others or given)])

    return obses if prev_layer_name is None else get_acts(model, prev_layer_name, obses), gradient


def _trace(
    model: Model,
    layer: str,
    before: str | None,
    score: Callable[..., tf.Tensor],
    shapes: Iterable[tuple[int, ...]],
    override: Mapping[str, Any],
) -> Callable[..., tf.Tensor]:
    """Function of images, activations of `before` if there is such a layer, and what is given."""
    parts = model_io.skeleton(model)
    specs = [tf.TensorSpec([None, None, None, model.image_shape[-1]], tf.float32)]
    if before is not None:
        check_between(model, before, [layer], repr(layer))
        specs.append(tf.TensorSpec(parts.layer(before).shape, tf.float32))
    specs += [tf.TensorSpec([None, *shape], tf.float32) for shape in shapes]

    def gradient(images: tf.Tensor, *tensors: tf.Tensor) -> tf.Tensor:
        at, given, fed = images, tensors, {}
        if before is not None:
            at, *given = tensors
            fed = {before: tf.cast(at, parts.layer(before).dtype)}
        with gradient_override_map(override):
            T = import_part(model, [layer], images, fed)
        (slope,) = tf.gradients(tf.reduce_sum(score(T(layer), *given)), at)
        if slope is None:
            raise InvalidValueError(
                f"In {model.name}, no gradient passes from {layer!r} to {before or 'the image'!r}."
            )
        return tf.convert_to_tensor(slope)

    return tf.function(gradient, autograph=False).get_concrete_function(*specs)


def _in_batches(
    model: Model, run: Callable[..., tf.Tensor], arrays: Sequence[np.ndarray]
) -> np.ndarray:
    parts = []
    for start in range(0, len(arrays[0]), _AT_ONCE):
        some = [array[start : start + _AT_ONCE] for array in arrays]
        try:
            with model_io.eagerly():
                parts.append(np.asarray(run(*(tf.constant(part, tf.float32) for part in some))))
        except tf.errors.OpError as error:
            raise InvalidValueError(f"{model.name}: {model_io.reason_of(error)}") from error
    return np.concatenate(parts)


def get_var(model: Model, var_name: str) -> np.ndarray:
    """Value of a constant in a model's graph, such as weights.

    Parameters
    ----------
    var_name : name of the node.

    Raises
    ------
    UnknownLayerError : the graph has no such node.
    InvalidTypeError : the node is not a constant.
    """
    parts = model_io.skeleton(model)
    value = tf.get_static_value(parts.T(var_name))
    if value is None:
        raise InvalidTypeError(
            f"{var_name!r} of {model.name} is computed ({parts.layer(var_name).op_type}); "
            "constants have values."
        )
    return value


def get_shape(model: Model, node_name: str) -> list[int | None]:
    """Static shape of a node's output, None where it is not known.

    Raises
    ------
    UnknownLayerError : the graph has no such node.
    """
    return model_io.skeleton(model).layer(node_name).shape.as_list()
