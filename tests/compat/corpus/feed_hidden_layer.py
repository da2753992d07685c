"""A hidden layer is fed, and what follows is computed from it."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
from lucid.optvis import render

model = models.EfficientNetLite0()
model.load_graphdef()
img = np.random.RandomState(1).rand(64, 64, 3)

with tf.Graph().as_default(), tf.Session() as sess:
    t_img = tf.placeholder("float32", [None, None, None, 3])
    T = render.import_model(model, t_img, t_img)
    t_acts = T("block5a/output")
    t_grad = tf.gradients(T("logits")[:, 3], [t_acts])[0]
    acts = t_acts.eval({t_img: [img]})
    whole = T("logits").eval({t_img: [img]})
    from_acts = T("logits").eval({t_acts: acts})
    # Integrated along a straight path from zero, two steps only.
    path = [t_grad.eval({t_acts: acts * (n + .5) / 2}) for n in range(2)]

assert np.allclose(whole, from_acts, atol=1e-4)
assert np.mean(path, 0).shape == acts.shape
