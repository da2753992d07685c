"""The first example of Lucid's README."""
import numpy as np

import lucid.modelzoo.vision_models as models
from lucid.misc.io import show
import lucid.optvis.objectives as objectives
import lucid.optvis.param as param
import lucid.optvis.render as render
import lucid.optvis.transform as transform

model = models.InceptionV1()
model.load_graphdef()

_ = render.render_vis(model, "mixed3a_pre_relu:9", lambda: param.image(32), thresholds=(1,))
neuron = objectives.neuron("conv2d2_pre_relu", 3)
images = render.render_vis(model, neuron, lambda: param.image(24, fft=False), thresholds=(0, 2),
                           transforms=[transform.jitter(2)], verbose=False)
show(images[-1])
assert images[-1].shape == (1, 24, 24, 3)
assert np.isfinite(images[-1]).all()
