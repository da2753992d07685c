"""tf.layers, control flow, select by rows, and a saver."""
import os
import tempfile

import numpy as np
import tensorflow as tf

tf.set_random_seed(1)
x = tf.placeholder(tf.float32, [None, 6, 6, 2])
net = tf.layers.conv2d(x, 4, 3, padding="same", activation=tf.nn.relu, name="c1")
net = tf.layers.max_pooling2d(net, 2, 2)
net = tf.layers.flatten(net)
net = tf.layers.dense(net, 3, name="d1")
rows = tf.where([True, False], tf.ones([2, 3]), tf.zeros([2, 3]))
i = tf.while_loop(lambda i: i < 5, lambda i: i + 2, [tf.constant(0)])
saver = tf.train.Saver()
path = os.path.join(tempfile.mkdtemp(), "model")

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    first = net.eval({x: np.ones([2, 6, 6, 2])})
    assert rows.eval().tolist() == [[1, 1, 1], [0, 0, 0]]
    assert sess.run(i) == 6
    saver.save(sess, path)
    sess.run(tf.global_variables_initializer())
    saver.restore(sess, path)
    again = net.eval({x: np.ones([2, 6, 6, 2])})
assert np.array_equal(first, again)
assert {v.op.name for v in tf.trainable_variables()} == {
    "c1/kernel", "c1/bias", "d1/kernel", "d1/bias"}
