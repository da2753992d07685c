"""A class that builds its graph when it is made, and owns the session that runs it."""
import numpy as np
import tensorflow as tf


class Classifier(object):

    def __init__(self, n_features, rate=0.5):
        self.graph = tf.Graph()
        self.sess = tf.InteractiveSession(graph=self.graph)
        self.x = tf.placeholder(tf.float32, [None, n_features], name="x")
        self.y = tf.placeholder(tf.float32, [None], name="y")
        self._build(rate)
        self.sess.run(tf.global_variables_initializer())

    def _build(self, rate):
        w = tf.get_variable("w", [self.x.get_shape()[1].value, 1], initializer=tf.zeros_initializer())
        b = tf.Variable(0.0, name="b")
        self.logits = tf.matmul(self.x, w)[:, 0] + b
        losses = tf.nn.sigmoid_cross_entropy_with_logits(logits=self.logits, labels=self.y)
        self.loss = tf.reduce_mean(losses)
        self.step = tf.train.GradientDescentOptimizer(rate).minimize(self.loss)

    def fit(self, x, y, steps=20):
        for _ in range(steps):
            _, loss = self.sess.run([self.step, self.loss], {self.x: x, self.y: y})
        return loss

    def predict(self, x):
        return self.logits.eval({self.x: x}, session=self.sess) > 0

    def close(self):
        self.sess.close()


x = np.float32([[0, 1], [1, 0], [0, 2], [3, 0]])
y = np.float32([0, 1, 0, 1])
model = Classifier(2)
assert model.fit(x, y) < np.log(2)
assert model.predict(x).tolist() == [False, True, False, True]
assert sorted(op.name for op in model.graph.get_operations() if op.type == "Placeholder") == ["x", "y"]
assert tf.get_default_graph() is model.graph
model.close()
