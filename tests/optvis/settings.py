"""The settings in which one implementation has to compute the same numbers."""

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1


def eager(f, *arrays):
    return np.asarray(f(*map(tf.constant, arrays)))


def traced(f, *arrays):
    return np.asarray(tf.function(f, autograph=False)(*map(tf.constant, arrays)))


def traced_with_unknown_positions(f, *arrays):
    """As rendering does: batch and channels are known, height and width are not."""
    specs = [tf.TensorSpec(_forget_positions(x.shape), x.dtype) for x in arrays]
    return np.asarray(tf.function(f, specs, autograph=False)(*map(tf.constant, arrays)))


def _forget_positions(shape):
    return [size if axis in (0, len(shape) - 1) else None for axis, size in enumerate(shape)]


def v1_graph(f, *arrays):
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = [tf1.placeholder(x.dtype, x.shape) for x in arrays]
        out = f(*tensors)
        session.run(tf1.global_variables_initializer())
        return session.run(out, dict(zip(tensors, arrays, strict=True)))


SETTINGS = {f.__name__: f for f in (eager, traced, traced_with_unknown_positions, v1_graph)}
