"""Activations of a photo, looked at in a session."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
import lucid.optvis.render as render

model = models.EfficientNetLite0()
model.load_graphdef()

img = np.random.RandomState(0).rand(40, 48, 3)
with tf.Graph().as_default(), tf.Session() as sess:
    t_input = tf.placeholder(tf.float32, [None, None, None, 3])
    T = render.import_model(model, t_input, t_input)
    acts = T("block2a/expand").eval({t_input: [img]})
    again = sess.run(T("block2a/expand"), feed_dict={t_input: img[None]})

assert acts.shape == (1, 20, 24, 96)
assert acts.min() >= 0
assert np.array_equal(acts, again)
