"""Variables constrained to a unit ball, with gradients for projected optimisation.

The gradients are Lucid's: they stop motion out of the ball for an optimizer that *ascends* along
them. An optimizer that descends moves against the gradient, so here it is the way back into the
ball that is stopped: minimise through these only from inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from lucidx.optvis.overrides.custom_gradient import custom_gradient
from lucidx.optvis.param.resize_bilinear_nd import static_shape


def dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Sum of the elementwise products of two tensors of one shape; a scalar."""
    return tf.reduce_sum(a * b)


def constrain_L2(x: tf.Tensor) -> tf.Tensor:
    """Project onto the L2 unit ball.

    Forward: x / max(1, ||x||), the norm being over the whole tensor. Backward: the gradient; on or
    outside the sphere, where it points outwards, without its radial component.

    Parameters
    ----------
    x : float tensor of any shape. A saturated `x` does not come back under descent, see the module.

    Returns
    -------
    Tensor of the shape of `x` with norm at most 1.
    """
    return _constrain_L2(tf.convert_to_tensor(x, dtype_hint=tf.float32))


@custom_gradient
def _constrain_L2(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    norm = tf.norm(x)
    projected = x / tf.maximum(norm, 1)

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        radial = dot(projected, upstream)
        return tf.where((norm <= 1) | (radial < 0), upstream, upstream - projected * radial)

    return projected, gradient


def unit_ball_L2(shape: Sequence[int]) -> tf.Tensor:
    """Variable of the given shape, zero at first, projected onto the L2 unit ball.

    Parameters
    ----------
    shape : of the tensor.

    Returns
    -------
    float32 tensor with L2 norm at most 1; see `constrain_L2` for its gradient.
    """
    return constrain_L2(_zeros_variable(shape))


def constrain_L_inf_precondition(x: tf.Tensor) -> tf.Tensor:
    """Clip to [-1, 1]; backward, the sign of what `constrain_L_inf` gives (steepest ascent in L∞).

    Parameters
    ----------
    x : float tensor of any shape. Saturated entries do not come back under descent, see the module.

    Returns
    -------
    Tensor of the shape of `x`.
    """
    return _constrain_L_inf(x, tf.sign)


def constrain_L_inf(x: tf.Tensor) -> tf.Tensor:
    """Clip to [-1, 1]; backward, the gradient, but 0 where |x| >= 1 and it points outwards.

    Parameters
    ----------
    x : float tensor of any shape. Saturated entries do not come back under descent, see the module.

    Returns
    -------
    Tensor of the shape of `x`.
    """
    return _constrain_L_inf(x, tf.identity)


def _constrain_L_inf(x: tf.Tensor, precondition: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    @custom_gradient
    def constrain(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            outward = (tf.abs(x) >= 1) & (x * upstream > 0)
            return tf.where(outward, tf.zeros_like(upstream), precondition(upstream))

        return x / tf.maximum(tf.abs(x), 1), gradient

    return constrain(tf.convert_to_tensor(x, dtype_hint=tf.float32))


def unit_ball_L_inf(shape: Sequence[int], precondition: bool = True) -> tf.Tensor:
    """Variable of the given shape, zero at first, clipped to [-1, 1].

    Parameters
    ----------
    shape : of the tensor.
    precondition : replace the gradient by its sign, see `constrain_L_inf_precondition`.

    Returns
    -------
    float32 tensor in [-1, 1].
    """
    x = _zeros_variable(shape)
    return constrain_L_inf_precondition(x) if precondition else constrain_L_inf(x)


def _zeros_variable(shape: Sequence[int]) -> tf.Variable:
    shape = static_shape(shape)
    return tf.Variable(lambda: np.zeros(shape, np.float32), shape=shape, dtype=tf.float32)
