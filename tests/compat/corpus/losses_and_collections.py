"""Losses and variables are collected by the graph."""
import numpy as np
import tensorflow as tf

from lucid.misc.io import show
from lucid.optvis import param

with tf.Graph().as_default() as graph, tf.Session() as sess:
    with tf.variable_scope("image"):
        t_alpha = param.image(12, h=8, alpha=True)
    crop = tf.random_crop(t_alpha, [1, 6, 6, 4])
    tf.losses.add_loss(tf.reduce_mean(tf.abs(crop[..., :3] - .9)))
    tf.losses.add_loss(.1 * tf.reduce_mean(crop[..., 3]))
    loss = tf.losses.get_total_loss()
    t_lr = tf.constant(.05)
    train = tf.train.AdamOptimizer(t_lr).minimize(loss)
    trainable = sess.graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)
    init_op = tf.global_variables_initializer()
    init_op.run()
    losses = [sess.run([train, loss], {t_lr: .2})[1] for _ in range(50)]
    everything = tf.get_collection("variables")

assert len(trainable) == 1
assert len(everything) > 1
assert losses[-1] < losses[0]
