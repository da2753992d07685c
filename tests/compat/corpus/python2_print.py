# -*- coding: utf-8 -*-
"""Python 2: statements that print."""
import sys

import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
from lucid.optvis import render

model = models.EfficientNetLite0()
model.load_graphdef()

print "Model", model.image_shape
print >>sys.stderr, "to the other stream"
with tf.Graph().as_default(), tf.Session():
    t_img = tf.placeholder(tf.float32, [None, None, None, 3])
    T = render.import_model(model, t_img, t_img)
    acts = T("stem").eval({t_img: np.zeros([1, 8, 8, 3])})
    for n in xrange(2):
        print n,
        print "%0.2f" % acts[0, 0, 0, n]
print u"caf\xe9",
print
try:
    raise ValueError, "old"
except ValueError, e:
    message = str(e)

assert message == "old"
assert acts.shape == (1, 4, 4, 32)
