"""Icons for directions in a layer."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidValueError
from lucidx.optvis.objectives import Objective, Vector, wrap_objective
from lucidx.optvis.objectives_util import (
    _extract_act_pos,
    _norm,
    _T_handle_batch,
    batch_index,
    matched,
    vector,
)


@wrap_objective(require_format="NHWC", traced=("vec", "S"))
def direction_neuron_S(
    layer_name: str,
    vec: Vector,
    batch: int | None = None,
    x: int | None = None,
    y: int | None = None,
    S: np.ndarray | None = None,
) -> Objective:
    """Mean product of the activations at one position with a direction, or with a whitened one.

    Parameters
    ----------
    layer_name : name of a layer with activations `[N, H, W, C]`.
    vec : direction `[C]`.
    batch : which image of the batch; needed.
    x, y : row and column, by default the centre.
    S : `[C, C]`, such as the inverse of the layer's second moments; the direction becomes `vec S`.
    """
    activation = _activation(layer_name, vec, batch, x, y)

    def inner(T):
        return tf.reduce_mean(activation(T) * _whitened(vec, S))

    return inner


@wrap_objective(require_format="NHWC", traced=("vec", "S"))
def direction_neuron_cossim_S(
    layer_name: str,
    vec: Vector,
    batch: int | None = None,
    x: int | None = None,
    y: int | None = None,
    cossim_pow: float = 2,
    S: np.ndarray | None = None,
) -> Objective:
    """`direction_neuron_S` times a power of its quotient with the activations' norm.

    Parameters
    ----------
    layer_name, vec, batch, x, y, S : as in `direction_neuron_S`.
    cossim_pow : the power of `max(0.1, product / |activations|)`.
    """
    activation = _activation(layer_name, vec, batch, x, y)

    def inner(T):
        acts = activation(T)
        product = tf.reduce_mean(acts * _whitened(vec, S))
        return product * tf.maximum(0.1, product / (1e-4 + _norm(acts))) ** cossim_pow

    return inner


def _activation(layer_name, vec, batch, x, y):
    """Function of T: activations `[C]` of one image at one position, as many as in `vec`."""
    batch, vec = batch_index(batch), vector(vec)
    if batch is None:
        raise InvalidValueError("Say which image of the batch is meant: batch=0, for instance.")

    def activation(T):
        acts = matched(_T_handle_batch(T, batch)(layer_name), vec, layer_name)
        return _extract_act_pos(acts, x, y)[0, 0, 0]

    return activation


def _whitened(vec, S):
    vec = vector(vec)
    return vec if S is None else tf.linalg.matvec(tf.cast(S, tf.float32), vec, transpose_a=True)
