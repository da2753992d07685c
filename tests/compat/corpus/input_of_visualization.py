"""T("input") is the image before the transforms; other names are layers."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
from lucid.optvis import objectives, param, render, transform

model = models.EfficientNetLite0()
model.load_graphdef()

with tf.Graph().as_default(), tf.Session() as sess:
    obj = objectives.channel("block2a/expand", 0) - 1e-3 * objectives.L1(constant=.5)
    obj += -.01 * objectives.blur_input_each_step()
    T = render.make_vis_T(model, obj, param_f=lambda: param.image(20),
                          transforms=[transform.jitter(4)])
    loss, vis_op, t_image = T("loss"), T("vis_op"), T("input")
    tf.global_variables_initializer().run()
    for i in range(3):
        loss_, _ = sess.run([loss, vis_op])
    vis = t_image.eval()
    step = T("global_step").eval()
    acts = T("block2a/expand").eval()

assert vis.shape == (1, 20, 20, 3)
assert acts.shape == (1, 8, 8, 96)
assert step == 3 and np.isfinite(loss_)
