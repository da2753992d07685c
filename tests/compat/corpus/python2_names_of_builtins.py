"""Python 2, with names of builtins given to other things."""
import numpy as np
import tensorflow as tf

from lucid.misc.io import load, save

input = tf.placeholder(tf.float32, [None, 8, 8, 1], name="input")
filter = tf.Variable(np.ones([3, 3, 1, 2], "float32"), name="filter")
map = tf.nn.conv2d(input, filter, strides=[1, 1, 1, 1], padding="VALID")
range = tf.reduce_max(map) - tf.reduce_min(map)
file = "map.npy"
reduce = tf.reduce_mean
long, unicode = 2, u"x"


def zip(image, times=long):
    return np.concatenate([image] * times)


class Layers(object):
    def __init__(self):
        self.sizes = {"input": 8, "map": 6}
    def iteritems(self):
        for key in sorted(self.sizes):
            yield key, self.sizes[key]
    def has_key(self, key):
        return key in self.sizes or key == "filter"
    def next(self):
        return "next"


layers = Layers()
assert list(layers.iteritems()) == [("input", 8), ("map", 6)]
assert layers.has_key("filter") and not layers.sizes.has_key("filter")
assert layers.sizes.iteritems().next()[0] in ("input", "map")
assert layers.next() == "next"
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    image = np.zeros([1, 8, 8, 1], "float32")
    image[0, 4, 4] = 3
    found, spread = sess.run([map, range], {input: zip(image)})
    assert found.shape == (2, 6, 6, 2) and spread == 3
    assert sess.run(reduce(map), {input: image}) == found.mean()
save(found, file)
assert np.array_equal(load(file), found)
print "sizes", len(layers.sizes) / 4, unicode
assert long / 4 == 0
