"""Neuron groups: activations are factored, and each factor is rendered."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
from lucid.misc.channel_reducer import ChannelReducer
from lucid.optvis import objectives, param, render

model = models.EfficientNetLite0()
model.load_graphdef()
img = np.random.RandomState(6).rand(32, 32, 3)

with tf.Graph().as_default(), tf.Session():
    t_input = tf.placeholder_with_default(np.float32(img), [None, None, 3])
    T = render.import_model(model, t_input, t_input)
    acts = T("block2a/expand").eval()

nmf = ChannelReducer(2, "NMF")
spatial_factors = nmf.fit_transform(acts)[0].transpose(2, 0, 1).astype("float32")
channel_factors = nmf._reducer.components_.astype("float32")
obj = sum(objectives.direction("block2a/expand", channel_factors[i], batch=i) for i in range(2))
icons = render.render_vis(
    model, obj, lambda: param.image(12, batch=2), transforms=[], thresholds=(2,), verbose=False)[-1]

assert spatial_factors.shape == (2, 16, 16)
assert icons.shape == (2, 12, 12, 3)
