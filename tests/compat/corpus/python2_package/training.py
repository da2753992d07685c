"""Training: nothing here is called by the module itself."""
import numpy as np
import tensorflow as tf

import nets
from sizes import N_BATCH

steps = xrange(5)


class Trainer(object):
    def __init__(self, n_in=3):
        self.x = tf.placeholder(tf.float32, [None, n_in])
        self.y = nets.perceptron(self.x)
        self.loss = tf.reduce_mean(tf.square(self.y - tf.reduce_sum(self.x, 1, keep_dims=True)))
        self.train = tf.train.GradientDescentOptimizer(0.1).minimize(self.loss)
        self.n_seen = tf.Variable(0, trainable=False)
        self.seen = tf.assign_add(self.n_seen, tf.shape(self.x)[0] / 3)
        self.sess = tf.Session()
        self.sess.run(tf.global_variables_initializer())

    def run(self):
        x = np.random.RandomState(0).rand(N_BATCH, 3)
        losses = [self.sess.run([self.loss, self.train, self.seen], {self.x: x})[0] for _ in steps]
        print "loss", losses[-1]
        return losses, self.sess.run(self.n_seen)
