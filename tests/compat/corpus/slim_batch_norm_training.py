"""A slim network with batch norm: one step of training, then as it is in use."""
import numpy as np
import tensorflow as tf

slim = tf.contrib.slim


def net(x, is_training):
    norm = {"is_training": is_training, "decay": 0.5, "scale": True}
    with slim.arg_scope([slim.conv2d, slim.fully_connected],
                        normalizer_fn=slim.batch_norm, normalizer_params=norm,
                        weights_regularizer=slim.l2_regularizer(1e-3)):
        x = slim.conv2d(x, 4, [3, 3], scope="conv1")
        x = slim.max_pool2d(x, [2, 2], scope="pool1")
        x = slim.fully_connected(slim.flatten(x), 3, activation_fn=None, scope="logits")
    return x


tf.set_random_seed(0)
images = tf.placeholder(tf.float32, [None, 6, 6, 1])
labels = tf.placeholder(tf.int64, [None])
is_training = tf.placeholder_with_default(False, [])
logits = net(images, is_training)
loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
total = tf.losses.get_total_loss()
updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
with tf.control_dependencies(updates):
    train = tf.train.GradientDescentOptimizer(0.1).minimize(total)
accuracy = tf.reduce_mean(tf.to_float(tf.equal(tf.argmax(logits, 1), labels)))
mean = [v for v in tf.global_variables() if v.op.name == "conv1/BatchNorm/moving_mean"][0]
assert len(updates) == 4
assert {v.op.name for v in tf.trainable_variables()} >= {"conv1/weights", "logits/BatchNorm/gamma"}

rng = np.random.RandomState(0)
batch = {images: rng.rand(8, 6, 6, 1) + 1, labels: rng.randint(3, size=8)}
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    assert np.all(sess.run(mean) == 0)
    first = sess.run(total, {**batch, is_training: True})
    for _ in range(10):
        sess.run(train, {**batch, is_training: True})
    assert sess.run(total, {**batch, is_training: True}) < first
    assert np.any(sess.run(mean) != 0)
    assert 0 <= sess.run(accuracy, batch) <= 1
    assert sess.run(logits, batch).shape == (8, 3)
