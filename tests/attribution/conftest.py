"""A small network with everything that attribution has to get right, and two photos."""

import numpy as np
import pytest
import tensorflow as tf

from lucidx.modelzoo.vision_base import Model

LABELS = ("ant", "bee", "cat", "dog", "eel", "fox")


def small_network(layout="NHWC"):
    """Two branches, a connection that skips one, max pooling, and six classes."""
    rng = np.random.default_rng(0)

    def weights(*shape):
        scale = np.sqrt(2 / np.prod(shape[:-1]))
        return tf.constant(rng.normal(0, scale, shape).astype(np.float32))

    def conv(t, size, channels, name):
        depth = t.shape[-1 if layout == "NHWC" else 1]
        linear = tf.nn.conv2d(t, weights(size, size, depth, channels), 1, "SAME", layout)
        return tf.nn.relu(tf.nn.bias_add(linear, weights(channels) * 0.1, layout), name=name)

    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3], name="input")
        t = images if layout == "NHWC" else tf.transpose(images, [0, 3, 1, 2])
        early = conv(t, 3, 6, "early")
        window = [1, 2, 2, 1] if layout == "NHWC" else [1, 1, 2, 2]
        pooled = tf.nn.max_pool2d(early, window, window, "SAME", layout, name="pooled")
        branch = conv(pooled, 3, 6, "branch")
        stream = tf.add(pooled, branch, name="stream")
        late = conv(stream, 3, 8, "late")
        axes = [1, 2] if layout == "NHWC" else [2, 3]
        mean = tf.reduce_mean(late, axes, name="mean")
        tf.matmul(mean, weights(8, 6), name="logits")
    return Model.from_graphdef(
        graph.as_graph_def(), "input", (-1, 1), (8, 8, 3), labels=LABELS, name="Small"
    )


@pytest.fixture(scope="session")
def small():
    return small_network()


@pytest.fixture(scope="session")
def small_nchw():
    return small_network("NCHW")


@pytest.fixture(scope="session")
def noise():
    return np.random.default_rng(1).random((3, 8, 8, 3), np.float32)


@pytest.fixture(scope="session")
def photos():
    """scikit-learn's two photos, `[2, 224, 224, 3]`."""
    from PIL import Image, ImageOps
    from sklearn.datasets import load_sample_images

    fitted = [ImageOps.fit(Image.fromarray(i), (224, 224)) for i in load_sample_images().images]
    return np.stack([np.asarray(photo) for photo in fitted]) / np.float32(255)
