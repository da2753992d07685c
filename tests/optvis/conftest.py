"""A network small enough to trace in a moment."""

import numpy as np
import pytest
import tensorflow as tf

from lucidx.modelzoo.vision_base import Model


def tiny_graphdef(channels: int = 3) -> tf.compat.v1.GraphDef:
    """Two convolutions with ReLUs, a pool, and ten classes; weights from a fixed seed."""
    rng = np.random.default_rng(0)

    def weights(*shape):
        return tf.constant(rng.normal(0, 0.4, shape).astype(np.float32))

    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, None, None, channels], "images")
        first = tf.nn.conv2d(images, weights(3, 3, channels, 8), 2, "SAME")
        first = tf.nn.relu(first, "first")
        second = tf.add(
            tf.nn.conv2d(first, weights(3, 3, 8, 12), 1, "SAME"), weights(12), "second_pre_relu"
        )
        second = tf.nn.relu(second, "second")
        pooled = tf.reduce_mean(second, [1, 2], name="pool")
        logits = tf.matmul(pooled, weights(12, 10), name="logits")
        tf.nn.softmax(logits, name="probabilities")
    return graph.as_graph_def()


def make_tiny_model(channels: int = 3, **options) -> Model:
    options = {"image_value_range": (-1, 1), "name": "Tiny"} | options
    return Model.from_graphdef(tiny_graphdef(channels), "images", **options)


@pytest.fixture
def tiny() -> Model:
    return make_tiny_model(labels=[f"class {i}" for i in range(10)])
