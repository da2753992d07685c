"""Python 2: channels that argue for one class over another, along a path from a blurred photo."""
import numpy as np
import tensorflow as tf
import scipy.ndimage as nd

import lucid.modelzoo.vision_models as models
from lucid.misc.io import show
import lucid.optvis.render as render

model = models.EfficientNetLite0()
model.load_graphdef()
labels = model.labels


def raw_class_group_attr(img, layer, label1, label2, steps=3):
  """Attribution of an interpolated image, summed over the path."""
  with tf.Graph().as_default(), tf.Session() as sess:
    t_input = tf.placeholder_with_default(img, [None, None, 3])
    T = render.import_model(model, t_input, t_input)
    logit = T("logits")[0]
    score = logit[labels.index(label1)] - logit[labels.index(label2)]
    t_grad = tf.gradients([score], [T(layer)])[0]
    end = T(layer).eval()
    start = T(layer).eval({t_input: nd.gaussian_filter(img, [4, 4, 0])})
    total = 0
    for n in range(steps):
      print n / steps, (n + 1) / float(steps)
      acts = start + (end - start) * n / steps
      total += t_grad.eval({T(layer): acts})
  return (total / steps * (end - start))[0].sum(0).sum(0)


img = np.float32(np.random.RandomState(5).rand(48, 48, 3))
attr = raw_class_group_attr(img, "block6a/output", "goldfish", "tench")
order = np.argsort(attr)[::-1]
for i in order[:2]:
  print "%s: %0.3f" % (i, attr[i])
show(np.float32([attr[order]] * 3))
assert attr[order[0]] >= attr[order[-1]]
assert attr.shape == (192,)
