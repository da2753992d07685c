"""An image parameterization put together from others."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
import lucid.optvis.objectives as objectives
import lucid.optvis.param as param
import lucid.optvis.render as render
import lucid.optvis.transform as transform

model = models.EfficientNetLite0()
model.load_graphdef()


def interpolate_param_f():
    unique = param.fft_image((2, 16, 16, 3))
    shared = [
        param.lowres_tensor((2, 16, 16, 3), (1, 8, 8, 3)),
        param.lowres_tensor((2, 16, 16, 3), (1, 4, 4, 3)),
    ]
    return param.to_valid_rgb(unique + sum(shared), decorrelate=True)


obj = objectives.channel_interpolate("block2a/expand", 3, "block2a/expand", 7)
obj += -.1 * objectives.alignment("block2a/expand", decay_ratio=2)
imgs = render.render_vis(
    model, obj, interpolate_param_f, transforms=[transform.jitter(2)], thresholds=(1, 2),
    optimizer=tf.train.AdamOptimizer(.05), verbose=False)
assert len(imgs) == 2
assert imgs[-1].shape == (2, 16, 16, 3)
assert not np.allclose(imgs[0], imgs[1])
