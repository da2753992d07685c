"""Activations, gradients and attributions of layers with respect to layers: Lucid's rl_util.

Numpy in, numpy out. "Attribution" is activation times gradient, or its mean along the way from zero
("The Building Blocks of Interpretability", Distill 2018; integrated gradients, Sundararajan et al.
2017). Scores of different observations must not depend on each other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo import model_io
from lucidx.optvis.overrides import gradient_override_map
from lucidx.optvis.overrides.smoothed_maxpool_grad import l2_smoothed_maxpool_grad

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model

tf1 = tf.compat.v1

_AT_ONCE = 32  # observations
Score = Callable[[tf.Tensor], tf.Tensor]


def maxpool_override() -> dict[str, Callable[..., tf.Tensor]]:
    """For `gradient_override_map`: max pooling has the gradient of L2 pooling, without grids."""
    return {"MaxPool": l2_smoothed_maxpool_grad}


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
    with gradients(
        model, layer_name, prev_layer_name, obses, scoring(act_dir, score_fn), act_poses, override
    ) as (acts, gradient):
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


def scoring(act_dir: np.ndarray | None, score_fn: Score) -> Callable[..., tf.Tensor]:
    """Score for `gradients`: a function of the weighted activations, at positions if given."""

    def score(acts: tf.Tensor, poses: tf.Tensor | None) -> tf.Tensor:
        if poses is not None:
            chosen = tf.gather_nd(acts, tf.cast(poses, tf.int32), batch_dims=1)
            acts = tf.ensure_shape(chosen, [None, acts.shape[-1]])
        if act_dir is not None:
            acts *= np.asarray(act_dir, np.float32)
        return score_fn(acts)

    return score


@contextlib.contextmanager
def gradients(
    model: Model,
    layer_name: str,
    prev_layer_name: str | None,
    obses: np.ndarray,
    score: Callable[[tf.Tensor, tf.Tensor | None], tf.Tensor],
    given: np.ndarray | None = None,
    override: Mapping[str, Any] | None = None,
) -> Iterator[tuple[np.ndarray, Callable[..., np.ndarray]]]:
    """Open a model for many gradients of a layer's score with respect to an earlier layer.

    Parameters
    ----------
    score : makes scores `[N]` of the layer's activations and of what is given.
    given : array `[N, ...]` for `score`; may be another one of that rank each time.
    model, layer_name, prev_layer_name, obses, override : as for `get_grad_or_attr`.

    Yields
    ------
    The earlier layer's activations, and a function from such activations, and what is given, to the
    gradient there.
    """
    obses = model_io.as_floats(model_io.as_images(model, obses))
    given = None if given is None else _per_observation(given, len(obses))
    with tf.Graph().as_default() as graph, gradient_override_map(override or {}):
        images = tf1.placeholder(tf.float32, [None, None, None, obses.shape[-1]])
        T = model.import_graph(images)
        before = images if prev_layer_name is None else T(prev_layer_name)
        extra = None if given is None else tf1.placeholder(tf.float32, [None, *given.shape[1:]])
        (gradient,) = tf.gradients([tf.reduce_sum(score(T(layer_name), extra))], [before])
    if gradient is None:
        raise InvalidValueError(
            f"In {model.name}, {layer_name!r} does not depend on {prev_layer_name!r}: name the "
            "later layer first."
        )
    with tf1.Session(graph=graph) as session:

        def run(fetch: tf.Tensor, feeds: Mapping[Any, np.ndarray]) -> np.ndarray:
            parts = []
            for start in range(0, len(obses), _AT_ONCE):
                some = slice(start, start + _AT_ONCE)
                fed = {tensor: array[some] for tensor, array in feeds.items()}
                try:
                    parts.append(session.run(fetch, fed))
                except tf.errors.OpError as error:
                    reason = model_io.reason_of(error)
                    raise InvalidValueError(f"{model.name}: {reason}") from error
            return np.concatenate(parts)

        def at(acts: np.ndarray, given: np.ndarray | None = given) -> np.ndarray:
            feeds = {images: obses, before: acts}
            return run(gradient, feeds if extra is None else {**feeds, extra: given})

        yield run(before, {images: obses}), at


def _per_observation(given: np.ndarray, count: int) -> np.ndarray:
    given = np.asarray(given, np.float32)
    if given.ndim < 1 or len(given) != count:
        raise InvalidValueError(
            f"Something is needed for each of {count} observations; the shape is {given.shape}."
        )
    return given


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
