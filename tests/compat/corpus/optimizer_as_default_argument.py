"""Optimizers made outside of any graph, used in several."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
from lucid.optvis import param, render

model = models.EfficientNetLite0()
model.load_graphdef()


def train(size, optimizer=tf.train.AdamOptimizer(0.05), steps=2):
    with tf.Graph().as_default(), tf.Session() as sess:
        T = render.make_vis_T(model, lambda T: tf.reduce_mean(T("block1a/output")[..., 1]),
                              lambda: param.image(size), optimizer, transforms=[])
        sess.run(tf.global_variables_initializer())
        for _ in range(steps):
            sess.run(T("vis_op"))
        return T("input").eval()


assert train(12).shape == (1, 12, 12, 3)
assert train(16).shape == (1, 16, 16, 3)
