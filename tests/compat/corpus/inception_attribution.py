"""Python 2: which channels of mixed4d argue for a label."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
import lucid.optvis.render as render

model = models.InceptionV1()
model.load_graphdef()
img = np.random.RandomState(0).rand(224, 224, 3).astype(np.float32)

with tf.Graph().as_default(), tf.Session():
    t_input = tf.placeholder_with_default(img, [None, None, 3])
    T = render.import_model(model, t_input, t_input)
    logit = T("softmax2_pre_activation")[0]
    score = logit[model.labels.index("goldfish")]
    t_grad = tf.gradients([score], [T("mixed4d")])[0]
    acts = T("mixed4d").eval()
    attr = (acts * t_grad.eval({T("mixed4d"): acts / 2}))[0].sum(0).sum(0)

print "strongest", np.argsort(-attr)[:3]
assert attr.shape == (528,)
assert len(model.labels) > 1000
