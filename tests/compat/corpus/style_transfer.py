"""Style by Gram matrices, in a session."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
from lucid.optvis import param, render
from lucid.optvis.style import StyleLoss, mean_l1_loss

model = models.EfficientNetLite0()
model.load_graphdef()
style = np.random.RandomState(8).rand(24, 24, 3)

with tf.Graph().as_default(), tf.Session() as sess:
    t_img = param.image(24)
    t_fed = tf.placeholder_with_default(t_img, [None, None, None, 3])
    T = render.import_model(model, t_fed, t_fed)
    loss = StyleLoss([T("stem"), T("block1a/output")], 0.9, loss_func=mean_l1_loss)
    train = tf.train.AdamOptimizer(0.05).minimize(loss.style_loss)
    tf.global_variables_initializer().run()
    loss.set_style({t_fed: style[None]})
    values = [sess.run([loss.style_loss, train])[0] for _ in range(3)]
    target = loss.target_vars[0].eval()

assert np.abs(target).max() > 0
assert np.isfinite(values).all()
