"""Networks: nothing here makes a graph, or a session."""
import tensorflow as tf

import sizes


def perceptron(x):
    n_in, n_hidden = x.get_shape()[1].value, int(sizes.N_HIDDEN) / 2
    w1 = tf.get_variable("w1", [n_in, n_hidden])
    w2 = tf.get_variable("w2", [n_hidden, 1], initializer=tf.zeros_initializer())
    return tf.matmul(tf.nn.tanh(tf.matmul(x, w1)), w2)
