"""Ported half way: TensorFlow 1 by its name in TensorFlow 2."""
import numpy as np
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()

from lucid.modelzoo import vision_models
from lucid.optvis import objectives, param, render

model = vision_models.EfficientNetLite0()
model.load_graphdef()
with tf.Graph().as_default(), tf.Session() as sess:
    T = render.make_vis_T(model, objectives.neuron("block2a/expand", 2), lambda: param.image(16))
    tf.global_variables_initializer().run()
    before = T("input").eval()
    T("vis_op").run()
    after = T("input").eval()
assert not np.array_equal(before, after)
assert T("input").shape[1].value == 16
