"""An image painted by Lucid's own pattern network."""
import tensorflow as tf

import lucid.modelzoo.vision_models as models
import lucid.optvis.param as param
import lucid.optvis.render as render

model = models.EfficientNetLite0()
model.load_graphdef()
imgs = render.render_vis(
    model, "block2a/expand:4", lambda: param.cppn(16, num_hidden_channels=6, num_layers=2),
    optimizer=tf.train.AdamOptimizer(0.01), transforms=[], thresholds=[0, 2], verbose=False)
assert [img.shape for img in imgs] == [(1, 16, 16, 3)] * 2
assert ((imgs[-1] > 0) & (imgs[-1] < 1)).all()
