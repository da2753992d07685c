"""Images from variables made by TensorFlow 1's own means, rendered by render_vis."""
import numpy as np
import tensorflow as tf
import tensorflow.contrib.slim as slim

import lucid.modelzoo.vision_models as models
from lucid.optvis import render

model = models.EfficientNetLite0()
model.load_graphdef()


def xy2rgb(size=12):
    r = tf.linspace(-1.0, 1.0, size)
    y, x = tf.meshgrid(r, r, indexing="ij")
    net = tf.stack([x, y], -1)[None]
    with slim.arg_scope([slim.conv2d], kernel_size=1, activation_fn=None):
        net = tf.atan(slim.conv2d(net, 6))
        return slim.conv2d(net, 3, activation_fn=tf.nn.sigmoid)


param_fs = [
    xy2rgb,
    lambda: tf.sigmoid(tf.Variable(tf.random_normal([1, 12, 12, 3]))),
    lambda: tf.sigmoid(tf.get_variable("pixels", [1, 12, 12, 3])),
]
for param_f in param_fs:
    first, last = render.render_vis(
        model, lambda T: tf.reduce_mean(T("block1a/output")), param_f, transforms=[],
        optimizer=tf.train.AdamOptimizer(.05), thresholds=range(2), verbose=False)
    assert first.shape == (1, 12, 12, 3)
    assert not np.array_equal(first, last)
