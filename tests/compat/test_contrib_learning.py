"""Steps of training as slim made them."""

import numpy as np
import pytest
import tensorflow as tf

from lucidx.compat.contrib import slim
from lucidx.errors import MissingFromTensorFlow1Error

tf1 = tf.compat.v1


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf1.Session() as session:
        yield session


def descent():
    return tf1.train.GradientDescentOptimizer(0.5)


def test_a_step_gives_the_loss_before_it_and_is_counted(session):
    x = tf1.get_variable("x", initializer=[3.0, 4.0])
    step = slim.learning.create_train_op(tf.reduce_sum(x**2) / 2, descent())
    session.run(tf1.global_variables_initializer())
    assert [session.run(step) for _ in range(3)] == [12.5, 12.5 / 4, 12.5 / 16]
    assert session.run(x).tolist() == [3 / 8, 0.5]
    assert session.run(slim.get_or_create_global_step()) == 3
    assert tf1.get_collection(tf1.GraphKeys.TRAIN_OP)[-1] is step


def test_none_is_no_count_of_steps(session):
    x = tf1.get_variable("x", initializer=1.0)
    slim.learning.create_train_op(x**2, descent(), None)
    assert tf1.global_variables() == [x]


def test_gradients_are_multiplied_then_clipped(session):
    x = tf1.get_variable("x", initializer=[3.0, 4.0])
    y = tf1.get_variable("y", initializer=[2.0])
    loss = tf.reduce_sum(x**2) / 2 + tf.reduce_sum(y)
    step = slim.learning.create_train_op(
        loss, descent(), clip_gradient_norm=2.0, gradient_multipliers={"y": 4.0}
    )
    session.run(tf1.global_variables_initializer())
    session.run(step)
    np.testing.assert_allclose(session.run(x), [3 - 0.6, 4 - 0.8], rtol=1e-6)
    assert session.run(y) == [1.0]


def test_rows_of_an_embedding_are_clipped_and_multiplied_as_well(session):
    table = tf1.get_variable("table", initializer=np.ones([3, 2], np.float32))
    loss = tf.reduce_sum(tf.gather(table, [1]) * 3)
    step = slim.learning.create_train_op(
        loss, descent(), gradient_multipliers={"table": 2.0}, summarize_gradients=True
    )
    session.run(tf1.global_variables_initializer())
    session.run(step)
    assert session.run(table).tolist() == [[1, 1], [-2, -2], [1, 1]]
    assert len(tf1.get_collection(tf1.GraphKeys.SUMMARIES)) == 2


def test_only_what_is_named_is_trained(session):
    x, y = (tf1.get_variable(name, initializer=1.0) for name in "xy")
    step = slim.learning.create_train_op(x * y, descent(), variables_to_train=[y])
    session.run(tf1.global_variables_initializer())
    session.run(step)
    assert session.run([x, y]) == [1.0, 0.5]


@pytest.mark.parametrize(("given", "mean"), [(None, 0.25), ([], 0.0)])
def test_batch_norm_counts_with_every_step_unless_told_not_to(session, given, mean):
    inputs = tf.ones([2, 3, 3, 1])
    out = slim.batch_norm(slim.conv2d(inputs, 1, 1), decay=0.75)
    loss = tf.reduce_mean(out) + tf.reduce_mean(tf1.trainable_variables()[0])
    step = slim.learning.create_train_op(loss, descent(), update_ops=given)
    session.run(tf1.global_variables_initializer())
    weights, *_, moving_mean, _ = tf1.model_variables()
    session.run(weights.assign(tf.ones_like(weights)))
    session.run(step)
    np.testing.assert_allclose(session.run(moving_mean), [mean], rtol=1e-5)


def test_a_loss_that_is_no_number_is_an_error_unless_told_not_to_look(session):
    x = tf1.get_variable("x", initializer=-1.0)
    looks = slim.learning.create_train_op(tf.math.log(x), descent())
    other = slim.learning.create_train_op(tf.math.log(x), descent(), check_numerics=False)
    session.run(tf1.global_variables_initializer())
    with pytest.raises(tf.errors.InvalidArgumentError, match="not finite"):
        session.run(looks)
    assert np.isnan(session.run(other))


def test_its_loop_is_said_to_be_gone():
    with pytest.raises(MissingFromTensorFlow1Error, match=r"slim\.learning\.train went"):
        _ = slim.learning.train
