"""Icons for directions in a layer."""

from __future__ import annotations

import tensorflow as tf

from lucidx.errors import InvalidValueError
from lucidx.optvis.objectives import wrap_objective
from lucidx.optvis.objectives_util import _extract_act_pos, _norm


def _whitened(vec, S):
    vec = tf.cast(vec, tf.float32)
    return vec if S is None else tf.linalg.matvec(tf.cast(S, tf.float32), vec, transpose_a=True)


def _activation(T, layer_name, batch, x, y):
    """Activations `[C]` of one image at one position."""
    if batch is None:
        raise InvalidValueError("Say which image of the batch is meant: batch=0, for instance.")
    return _extract_act_pos(T(layer_name)[batch : batch + 1], x, y)[0, 0, 0]


@wrap_objective(require_format="NHWC", traced=("vec", "S"))
def direction_neuron_S(layer_name, vec, batch=None, x=None, y=None, S=None):
    """Mean product of the activations at one position with a direction, or with a whitened one.

    Parameters
    ----------
    layer_name : name of a layer with activations `[N, H, W, C]`.
    vec : direction `[C]`.
    batch : which image of the batch; needed.
    x, y : row and column, by default the centre.
    S : `[C, C]`, such as the inverse of the layer's second moments; the direction becomes `vec S`.
    """
    direction = _whitened(vec, S)
    return lambda T: tf.reduce_mean(_activation(T, layer_name, batch, x, y) * direction)


@wrap_objective(require_format="NHWC", traced=("vec", "S"))
def direction_neuron_cossim_S(layer_name, vec, batch=None, x=None, y=None, cossim_pow=2, S=None):
    """`direction_neuron_S` times a power of its quotient with the activations' norm.

    Parameters
    ----------
    layer_name, vec, batch, x, y, S : as in `direction_neuron_S`.
    cossim_pow : the power of `max(0.1, product / |activations|)`.
    """
    direction = _whitened(vec, S)

    def inner(T):
        acts = _activation(T, layer_name, batch, x, y)
        product = tf.reduce_mean(acts * direction)
        return product * tf.maximum(0.1, product / (1e-4 + _norm(acts))) ** cossim_pow

    return inner
