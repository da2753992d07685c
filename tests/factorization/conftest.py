"""A network with a connection that skips a layer, and observations for it."""

import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from lucidx.modelzoo.pictures import read_image
from lucidx.modelzoo.vision_base import Model


def skipping_graphdef():
    rng = np.random.default_rng(0)

    def weights(*shape):
        return tf.constant(rng.normal(0, 0.4, shape).astype(np.float32))

    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3], "images")
        kernel = tf.identity(weights(3, 3, 3, 8), "first_kernel")
        first = tf.nn.relu(tf.nn.conv2d(images, kernel, 2, "SAME"), "first")
        second = tf.add(
            tf.nn.conv2d(first, weights(3, 3, 8, 12), 1, "SAME"), weights(12), "second_pre_relu"
        )
        second = tf.nn.relu(second, "second")
        tf.multiply(second, 0.0, "silent")
        early, late = tf.reduce_mean(first, [1, 2]), tf.reduce_mean(second**2, [1, 2], name="pool")
        tf.add(tf.matmul(late, weights(12, 5)), tf.matmul(early, weights(8, 5)), "logits")
        tf.transpose(second, [0, 3, 1, 2], name="channels_first")
    return graph.as_graph_def()


@pytest.fixture(scope="session")
def skipping():
    return Model.from_graphdef(skipping_graphdef(), "images", (-1, 1), name="Skipping")


@pytest.fixture
def obses():
    return np.random.default_rng(1).uniform(0, 1, (6, 16, 12, 3)).astype(np.float32)


@pytest.fixture(scope="session")
def dog_cat():
    models = os.environ.get("LUCIDX_MODELS", "").split(os.pathsep)[0]
    photo = Path(models).parent / "images" / "dog_cat.jpg"
    if not models or not photo.exists():
        pytest.skip("dog_cat.jpg is not beside the directory LUCIDX_MODELS")
    return read_image(photo, (224, 224, 3))
