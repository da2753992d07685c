"""A session that stays open, as in exploratory notebooks."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
from lucid.optvis import param, render

tf.reset_default_graph()
sess = tf.InteractiveSession()
model = models.EfficientNetLite0()
model.load_graphdef()

t_img = param.image(16)
T = render.import_model(model, t_img, t_img)
vis = tf.reduce_mean(T("block1a/output")[..., 2])
opt = tf.train.GradientDescentOptimizer(1.0)
train_op = opt.minimize(-vis)
tf.global_variables_initializer().run()
before = vis.eval()
for i in range(3):
    train_op.run()
assert vis.eval() > before
assert t_img.eval().shape == (1, 16, 16, 3)
assert sess is tf.get_default_session()
sess.close()
