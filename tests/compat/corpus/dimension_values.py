"""Sizes are asked for as in TensorFlow 1."""
import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 6, 8, 3])
assert x.shape[0].value is None
assert x.shape[1].value == 6
assert x.get_shape()[-1].value == 3
batch, height, width, channels = [d.value for d in x.get_shape()]
assert (batch, height, width, channels) == (None, 6, 8, 3)
flat = tf.reshape(x, [-1, x.shape[1] * x.shape[2], channels])
assert flat.shape.as_list() == [None, 48, 3]
w = tf.get_variable("w", [x.shape[3].value, int(x.shape[1]) // 2])
assert w.shape == (3, 3)
y = tf.matmul(tf.reshape(x, [-1, x.shape[3]]), w)
assert y.shape[1:].as_list() == [3]
assert tf.Dimension(4).value == 4
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    assert y.eval({x: np.zeros([2, 6, 8, 3])}).shape == (96, 3)
