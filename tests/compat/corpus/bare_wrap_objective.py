"""Custom objectives by the decorator without parentheses, as before Lucid 0.3.10."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
from lucid.optvis import objectives, param, render

model = models.EfficientNetLite0()
model.load_graphdef()


@objectives.wrap_objective
def dot_compare(layer, batch=1, cossim_pow=0):
    def inner(T):
        dot = tf.reduce_sum(T(layer)[batch] * T(layer)[0])
        mag = tf.sqrt(tf.reduce_sum(T(layer)[0] ** 2))
        cossim = dot / (1e-6 + mag)
        return dot * cossim ** cossim_pow
    return inner


@objectives.wrap_objective()
def brightness(weight):
    return lambda T: weight * tf.reduce_mean(T("input"))


obj = dot_compare("block2a/expand", cossim_pow=1) - 2.0 * brightness(.5)
obj.description = "Caricature"
with tf.Graph().as_default(), tf.Session() as sess:
    T = render.make_vis_T(model, obj, lambda: param.image(16, batch=2), transforms=[])
    tf.global_variables_initializer().run()
    before = T("loss").eval()
    for _ in range(3):
        sess.run(T("vis_op"))
    after = T("loss").eval()

assert "Caricature" in obj.description
assert np.isfinite(after) and after > before
