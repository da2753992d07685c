"""Objectives add up, by sum(), by Objective.sum() and with numbers."""
import numpy as np
import tensorflow as tf

from lucid.modelzoo.vision_models import *
from lucid.optvis import objectives, param, render

model = EfficientNetLite0()
model.load_graphdef()

channels = [3, 5]
a = sum(objectives.channel("block2a/expand", c, batch=i) for i, c in enumerate(channels))
b = objectives.Objective.sum(
    [objectives.channel("block2a/expand", c, batch=i) for i, c in enumerate(channels)])
weighted = 2.0 * a - b + 1 - 1e-3 * objectives.total_variation() * 0

with tf.Graph().as_default(), tf.Session():
    t_img = param.image(12, batch=2)
    T = render.import_model(model, t_img, t_img)
    tf.global_variables_initializer().run()
    va, vb, vw = a(T).eval(), b(T).eval(), np.mean(weighted(T).eval())

assert np.allclose(va, vb, rtol=1e-5)
assert np.allclose(vw, va + 1, rtol=1e-4)
assert b.description.startswith("Sum(")
