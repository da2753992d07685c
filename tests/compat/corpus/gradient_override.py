"""Gradients of a type of operation are replaced while the model is imported."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
from lucid.misc.gradient_override import gradient_override_map
from lucid.optvis import render

model = models.EfficientNetLite0()
model.load_graphdef()
img = np.random.RandomState(2).rand(32, 32, 3)


def pass_grad(op, grad):
    assert op.type == "Relu6"
    return grad * 1.0


def spatial_grad(override=None):
    with tf.Graph().as_default(), tf.Session(), gradient_override_map(override or {}):
        t_img = tf.placeholder(tf.float32, [1, None, None, 3])
        T = render.import_model(model, t_img, t_img)
        score = tf.reduce_sum(T("block2a/expand")[..., 5])
        return tf.gradients(score, [t_img])[0].eval({t_img: [img]})


plain = spatial_grad()
linear = spatial_grad({"Relu6": pass_grad})
assert plain.shape == linear.shape == (1, 32, 32, 3)
assert not np.allclose(plain, linear)
