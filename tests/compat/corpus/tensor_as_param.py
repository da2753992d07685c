"""The image is a tensor with parts that are fed and parts that do not learn."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
from lucid.optvis import objectives, param, render

model = models.EfficientNetLite0()
model.load_graphdef()
photo = np.random.RandomState(9).rand(16, 16, 3)

with tf.Graph().as_default(), tf.Session() as sess:
    t_photo = tf.placeholder(tf.float32, [16, 16, 3])
    learned = param.image(16, decorrelate=True, fft=True)
    fixed = tf.stop_gradient(param.image(16))
    t_image = tf.stack([learned[0], fixed[0], t_photo])
    obj = objectives.direction("block2a/expand", tf.ones([96]), batch=0)
    T = render.make_vis_T(model, obj, t_image, transforms=[])
    tf.global_variables_initializer().run()
    before = t_image.eval({t_photo: photo})
    sess.run([T("vis_op")], {t_photo: photo})
    after = t_image.eval({t_photo: photo})

assert not np.allclose(before[0], after[0])
assert np.allclose(before[1:], after[1:])
