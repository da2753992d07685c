"""A transform of one's own, with tf.contrib.image."""
import math

import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
from lucid.optvis import param, render

model = models.EfficientNetLite0()
model.load_graphdef()


def quarter_turn(t_image):
    return tf.contrib.image.rotate(t_image, math.pi / 2)


with tf.Session() as sess:
    img = tf.reshape(tf.range(4.), [1, 2, 2, 1])
    turned = sess.run(quarter_turn(img))
    smooth = sess.run(tf.contrib.image.rotate(img, [.1], interpolation="BILINEAR"))
assert turned[0, ..., 0].tolist() == [[1, 3], [0, 2]]
assert smooth.shape == (1, 2, 2, 1)

imgs = render.render_vis(model, "block2a/expand:3", lambda: param.image(16),
                         transforms=[quarter_turn], thresholds=(1,), verbose=False)
assert imgs[0].shape == (1, 16, 16, 3)
