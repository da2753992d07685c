"""Linear attribution: the gradient of a logit at a hidden layer."""
import numpy as np
import tensorflow as tf

from lucid.modelzoo.vision_models import EfficientNetLite0
from lucid.optvis.render import import_model

model = EfficientNetLite0()
model.load_graphdef()


def channel_attr_simple(img, layer, class1, class2):
    with tf.Graph().as_default(), tf.Session():
        t_input = tf.placeholder_with_default(img, [None, None, 3])
        T = import_model(model, t_input, t_input)
        logit = T("logits")[0]
        score = logit[model.labels.index(class1)] - logit[model.labels.index(class2)]
        t_grad = tf.gradients([score], [T(layer)])[0]
        acts, grad = T(layer).eval(), t_grad.eval()
    return (acts * grad)[0].sum((0, 1))


img = np.random.RandomState(0).rand(64, 64, 3).astype("float32")
attr = channel_attr_simple(img, "block6a/output", "goldfish", "tench")
assert attr.shape == (192,)
assert np.abs(attr).max() > 0
