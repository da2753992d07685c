"""Gradients that get a visualization started when its units are off.

Where a ReLU's input is negative its gradient is zero. If that is so for a whole image, as it often
is at the start, nothing can be optimised. The redirected gradient then also lets through what would
push the inputs towards the active region; whatever would push them further away is still blocked.

Gradients here are those of a loss that is *minimised*, as everywhere in TensorFlow.

| gradient | input below | active | input above (ReLU6) |
| -------- | ----------- | ------ | ------------------- |
| positive | blocked     | passes | passes              |
| negative | passes      | passes | blocked             |

It acts only for images through which no plain gradient flows, and only in the first steps.
"""

from __future__ import annotations

import tensorflow as tf

from lucidx.errors import InvalidValueError

tf1 = tf.compat.v1

# The redirected gradient acts while the global step is at most this: for 17 updates.
LAST_STEP = 16


def acts_at(step: int) -> bool:
    """Whether the redirected gradient acts at a step, counted from 0."""
    return step <= LAST_STEP


def redirected_relu_grad(op: tf.Operation, grad: tf.Tensor) -> tf.Tensor:
    """Gradient of `Relu` that is redirected during the first 17 steps; see the module.

    The global step is that of the graph. In a `tf.function` without one it counts as 0.
    """
    plain, redirected = _relu(op, grad)
    return tf.where(_global_step() > LAST_STEP, plain, redirected)


def redirected_relu6_grad(op: tf.Operation, grad: tf.Tensor) -> tf.Tensor:
    """Gradient of `Relu6` that is redirected during the first 17 steps; see the module."""
    plain, redirected = _relu6(op, grad)
    return tf.where(_global_step() > LAST_STEP, plain, redirected)


def always_redirected_relu_grad(op: tf.Operation, grad: tf.Tensor) -> tf.Tensor:
    """Redirected gradient of `Relu`, whatever the step."""
    return _relu(op, grad)[1]


def always_redirected_relu6_grad(op: tf.Operation, grad: tf.Tensor) -> tf.Tensor:
    """Redirected gradient of `Relu6`, whatever the step."""
    return _relu6(op, grad)[1]


def _relu(op: tf.Operation, grad: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    x = op.inputs[0]
    return _redirect(grad, off=x < 0, blocked=(x < 0) & (grad > 0))


def _relu6(op: tf.Operation, grad: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    x = op.inputs[0]
    blocked = ((x < 0) & (grad > 0)) | ((x > 6) & (grad < 0))
    return _redirect(grad, off=(x < 0) | (x > 6), blocked=blocked)


def _redirect(grad: tf.Tensor, off: tf.Tensor, blocked: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    if grad.shape.rank is not None and grad.shape.rank < 2:
        raise InvalidValueError(
            "The redirected ReLU gradient is decided image by image and needs a batch axis; "
            f"this ReLU's output has shape {grad.shape}."
        )
    zeros = tf.zeros_like(grad)
    plain = tf.where(off, zeros, grad)
    redirected = tf.where(blocked, zeros, grad)
    flows = tf.reduce_sum(tf.square(plain), tf.range(1, tf.rank(plain)), keepdims=True) > 0
    return plain, tf.where(flows, plain, redirected)


def _global_step() -> tf.Tensor:
    if tf.inside_function():
        step = tf1.train.get_global_step()
        return tf.constant(0, tf.int64) if step is None else step
    return tf1.train.get_or_create_global_step()
