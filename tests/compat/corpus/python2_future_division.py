"""Python 2, with the division that Python 3 has."""
from __future__ import division
import numpy as np
import tensorflow as tf

widths = {"mixed3a": 256, "mixed4d": 528}
mean = sum(widths.values()) / len(widths)
half = 7 / 2
whole = 7 // 2
print "mean width", mean

assert (mean, half, whole) == (392, 3.5, 3)
rate = 1 / 4
rate /= 2
assert rate == 0.125
assert (np.arange(3) / 2).tolist() == [0, 0.5, 1]

n = tf.size(tf.zeros([3, 2]))
with tf.Session() as sess:
    assert sess.run(n / 4) == 1.5
    assert sess.run(n // 4) == 1
for name, width in sorted(widths.iteritems()):
    print >>open("/dev/null", "w"), name, width / 3
