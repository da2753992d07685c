"""Layers of tf.contrib.slim and tf.contrib.layers in a network of one's own."""
import numpy as np
import tensorflow as tf
from tensorflow.contrib import layers, slim

with tf.Graph().as_default(), tf.Session() as sess:
    x = tf.placeholder(tf.float32, [None, 8, 8, 3])
    with slim.arg_scope([slim.conv2d, slim.fully_connected],
                        weights_initializer=slim.variance_scaling_initializer(),
                        weights_regularizer=slim.l2_regularizer(1e-4)):
        net = slim.conv2d(x, 4, [3, 3], scope="conv1")
        net = slim.max_pool2d(net, [2, 2], scope="pool1")
        net = slim.repeat(net, 2, slim.conv2d, 6, [3, 3], stride=1, scope="conv2")
        net = layers.instance_norm(net)
        net = slim.flatten(net)
        net = slim.stack(net, slim.fully_connected, [10, 7], scope="fc")
        net = slim.dropout(net, 0.5, is_training=False)
        logits = tf.contrib.layers.fully_connected(net, 5, activation_fn=None)
    sess.run(tf.global_variables_initializer())
    out = logits.eval({x: np.ones([2, 8, 8, 3])})
    names = [v.op.name for v in tf.global_variables()]
    penalties = tf.losses.get_regularization_losses()

assert out.shape == (2, 5)
assert net.get_shape().as_list() == [None, 7]
assert "conv1/weights" in names and "conv2/conv2_2/biases" in names and "fc/fc_1/weights" in names
assert len(penalties) == 6
