"""Networks of a few nodes, made by hand."""

import numpy as np
import tensorflow as tf

from lucidx.modelzoo.vision_base import Model

tf1 = tf.compat.v1


def graph_of(build):
    """GraphDef of what `build()` makes."""
    with tf.Graph().as_default() as graph:
        build()
    return graph.as_graph_def()


def weights(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def images(n=2, size=8, channels=3):
    return np.random.default_rng(1).uniform(size=(n, size, size, channels)).astype(np.float32)


def residual_network():
    """Two convolutions with a connection round the second, in blocks that are concatenations.

    input - first - first_relu - split -+- second - second_relu -+- skip - block - pool - scores
                         |              `-- (split:1) half       |                          |
                         `---------------------------------------'                    probabilities
    """
    x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
    x = tf.nn.conv2d(x, weights(3, 3, 3, 4), 1, "SAME", name="first")
    first = tf.nn.relu(x, name="first_relu")
    halves = tf.split(first, 2, -1, name="split")
    x = tf.concat([tf.nn.tanh(half) for half in halves], -1, name="mixed/inner")
    x = tf.nn.conv2d(x, weights(3, 3, 4, 4, seed=2), 1, "SAME", name="second")
    second = tf.nn.relu(x, name="second_relu")
    skip = tf.add(first, second, name="skip")
    tf.multiply(halves[1], 2.0, name="half")
    block = tf.concat([skip, second], -1, name="block")
    pool = tf.reduce_mean(block, [1, 2], name="pool")
    scores = tf.matmul(pool, weights(8, 5, seed=3), name="scores")
    tf.nn.softmax(scores, name="probabilities")


def residual_model(**options):
    """`residual_network` as a model that takes images in -1..1."""
    return Model.from_graphdef(
        graph_of(residual_network), **{"image_value_range": (-1, 1), "name": "Toy", **options}
    )


def in_session(build, feed=()):
    """Run what `build()` returns in a graph and a session of their own."""
    with tf.Graph().as_default() as graph, tf1.Session(graph=graph) as session:
        return session.run(build(), dict(feed))
