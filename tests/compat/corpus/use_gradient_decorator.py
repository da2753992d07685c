"""A function with a gradient of its own."""
import tensorflow as tf

from lucid.misc.gradient_override import use_gradient


def _sign_grad(op, grad):
    return tf.sign(grad) * tf.ones_like(op.inputs[0])


@use_gradient(_sign_grad)
def clip(x):
    return tf.clip_by_value(x, 0., 1.)


with tf.Graph().as_default(), tf.Session() as sess:
    x = tf.constant([-1., .5, 2.])
    y = clip(x)
    g = tf.gradients(-3 * tf.reduce_sum(y), x)[0]
    y_val, g_val = sess.run([y, g])

assert list(y_val) == [0, .5, 1]
assert list(g_val) == [-1, -1, -1]
