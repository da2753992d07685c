"""Networks small enough to trace in a moment, for images of several kinds."""

import numpy as np
import tensorflow as tf

from lucidx.modelzoo.vision_base import Model

SIZE = 24


def make_model(height=None, width=None, channels=3, flat=False):
    """Layers "low" [8] and "high" [12] with ReLUs, "signed" before the second, and "scores"."""
    rng = np.random.default_rng(0)

    def weights(*shape):
        return tf.constant(rng.normal(0, 0.4, shape), tf.float32)

    with tf.Graph().as_default() as graph:
        t = tf.compat.v1.placeholder(tf.float32, [None, height, width, channels], "images")
        t = tf.nn.relu(tf.nn.conv2d(t, weights(3, 3, channels, 8), 2, "SAME"), "low")
        t = tf.nn.conv2d(t, weights(3, 3, 8, 12), 1, "SAME", name="signed")
        t = tf.nn.relu(t, "high")
        t = tf.reshape(t, [-1, 12 * 12 * 12]) if flat else tf.reduce_mean(t, [1, 2])
        tf.matmul(t, weights(t.shape[-1], 5), name="scores")
    shape = (height or SIZE, width or SIZE, channels)
    return Model.from_graphdef(graph.as_graph_def(), "images", (-1, 1), shape, name="Tiny")
