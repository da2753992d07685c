"""A small pattern network written with slim, painting pixel coordinates."""
import numpy as np
import tensorflow as tf
import tensorflow.contrib.slim as slim


def composite(x):
    x = tf.atan(x)
    return tf.concat([x / .67, (x * x) / .6], -1)


def image_cppn(size, num_hidden=8, num_layers=3):
    r = 3.0 ** .5
    coord_range = tf.linspace(-r, r, size)
    y, x = tf.meshgrid(coord_range, coord_range, indexing="ij")
    net = tf.stack([x, y], -1)[None]
    with slim.arg_scope([slim.conv2d], kernel_size=[1, 1], activation_fn=None,
                        weights_initializer=tf.initializers.variance_scaling(),
                        biases_initializer=tf.initializers.random_normal(0.0, 0.1)):
        for _ in range(num_layers):
            net = composite(slim.conv2d(net, num_hidden))
        rgb = slim.conv2d(net, 3, activation_fn=tf.nn.sigmoid,
                          weights_initializer=tf.zeros_initializer())
    return rgb


tf.reset_default_graph()
tf.set_random_seed(0)
t_size = tf.placeholder_with_default(16, [])
img = image_cppn(t_size)
loss = tf.reduce_mean(tf.square(img - [1.0, 0.0, 0.5]))
opt = tf.train.AdamOptimizer(0.05).minimize(loss)
assert len(slim.get_variables()) >= 8
assert {v.op.name for v in tf.trainable_variables()} >= {"Conv/weights", "Conv_3/biases"}
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    first = sess.run(loss)
    for _ in range(4):
        sess.run(opt)
    assert sess.run(loss) < first
    assert sess.run(img, {t_size: 5}).shape == (1, 5, 5, 3)
