"""A small classifier in a file, with labels that are hard to name on a command line."""

import numpy as np
import tensorflow as tf

from lucidx.modelzoo.vision_base import Model

LABELS = ("3", "crane", "daisy, common", "cat", "crane", "7, up", "dog", "hen")


def write(path, size=24):
    """Write the classifier to a .pb file; layers with positions: low, middle, signed, high."""
    rng = np.random.default_rng(0)

    def weights(*shape):
        return tf.constant(rng.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape), tf.float32)

    with tf.Graph().as_default() as graph:
        t = tf.compat.v1.placeholder(tf.float32, [None, size, size, 3], "images")
        t = tf.nn.relu(tf.nn.conv2d(t, weights(3, 3, 3, 6), 1, "SAME"), "low")
        t = tf.nn.relu(tf.nn.conv2d(t, weights(3, 3, 6, 8), 2, "SAME"), "middle")
        signed = tf.nn.conv2d(t, weights(3, 3, 8, 8), 1, "SAME", name="signed")
        t = tf.nn.relu(signed, "high")
        mean = tf.reduce_mean(t, [1, 2], name="mean")
        tf.matmul(mean, weights(8, len(LABELS)), name="scores")
    model = Model.from_graphdef(
        graph.as_graph_def(), "images", (-1, 1), (size, size, 3), labels=LABELS, name="small"
    )
    model.export(path)
    return path
