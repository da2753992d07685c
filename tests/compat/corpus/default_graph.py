"""Nothing but the default graph: variables, a placeholder, a training loop."""
import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, shape=(None, 2), name="x")
w = tf.Variable(tf.zeros([2, 1]), name="w")
b = tf.get_variable("b", shape=[1], initializer=tf.constant_initializer(.5))
y = tf.matmul(x, w) + b
loss = tf.reduce_mean(tf.square(y - tf.reduce_sum(x, 1, keep_dims=True)))
step = tf.train.get_or_create_global_step()
train = tf.train.GradientDescentOptimizer(.1).minimize(loss, global_step=step)
assert x.graph is tf.get_default_graph()
assert x in {x: 1} and not (x == y)

sess = tf.Session()
sess.run(tf.global_variables_initializer())
data = np.random.RandomState(0).rand(8, 2)
losses = []
for _ in range(4):
    _, value = sess.run([train, loss], feed_dict={x: data})
    losses.append(value)
assert losses[-1] < losses[0]
assert sess.run(step) == 4
assert sess.run(w).shape == (2, 1)
