"""Layers as TensorFlow 1 called them: by position, with batch norm, in collections of the graph."""

import numpy as np
import pytest
import tensorflow as tf

from lucidx.compat import layers as classic
from lucidx.compat.contrib import framework, layers, slim
from lucidx.errors import InvalidValueError

tf1 = tf.compat.v1
IMAGES = np.random.default_rng(0).random((4, 6, 5, 3)).astype(np.float32)


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf1.Session() as session:
        yield session


def run(session, tensor, feeds=None):
    session.run(tf1.global_variables_initializer())
    return session.run(tensor, feeds)


def names(variables=None):
    return [v.op.name for v in variables or tf1.global_variables()]


def normalized(x, epsilon=1e-3):
    return (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + epsilon)


@pytest.mark.parametrize(
    "layer",
    [
        lambda x, training: slim.batch_norm(x, 0.9, is_training=training),
        lambda x, training: classic.batch_normalization(x, 3, 0.9, training=training),
    ],
)
def test_batch_norm_is_by_the_batch_in_training_and_by_what_it_counted_otherwise(session, layer):
    training = tf1.placeholder(tf.bool, [])
    y = layer(tf.constant(IMAGES), training)
    count = tf1.get_collection(tf1.GraphKeys.UPDATE_OPS)
    trained = run(session, y, {training: True})
    np.testing.assert_allclose(trained, normalized(IMAGES), atol=1e-4)
    untouched = session.run(y, {training: False})
    np.testing.assert_allclose(untouched, IMAGES / np.sqrt(1.001), rtol=1e-5)
    session.run(count, {training: False})
    np.testing.assert_array_equal(session.run(y, {training: False}), untouched)
    for _ in range(200):
        session.run(count, {training: True})
    np.testing.assert_allclose(session.run(y, {training: False}), normalized(IMAGES), atol=0.05)


def test_moving_averages_go_to_the_batch_by_one_less_decay(session):
    slim.batch_norm(tf.constant(IMAGES), decay=0.75)
    mean, variance = tf1.global_variables()[-2:]
    run(session, tf1.get_collection(tf1.GraphKeys.UPDATE_OPS))
    np.testing.assert_allclose(session.run(mean), IMAGES.mean((0, 1, 2)) / 4, rtol=1e-5)
    wanted = 0.75 + IMAGES.var((0, 1, 2), ddof=1) / 4
    np.testing.assert_allclose(session.run(variance), wanted, rtol=1e-5)


def test_without_a_collection_the_averages_are_updated_with_the_layer(session):
    y = slim.batch_norm(tf.constant(IMAGES), 0.5, updates_collections=None)
    assert not tf1.get_collection(tf1.GraphKeys.UPDATE_OPS)
    run(session, y)
    mean = slim.get_variables(suffix="moving_mean")[0]
    np.testing.assert_allclose(session.run(mean), IMAGES.mean((0, 1, 2)) / 2, rtol=1e-5)


def test_batch_norm_that_does_not_train_has_nothing_to_update(session):
    slim.batch_norm(tf.constant(IMAGES), is_training=False)
    classic.batch_normalization(tf.constant(IMAGES))
    assert not tf1.get_collection(tf1.GraphKeys.UPDATE_OPS)


def test_batch_norm_as_a_normalizer_has_the_names_of_tensorflow_1(session):
    x = tf.constant(IMAGES)
    scope = {"is_training": False, "scale": True, "epsilon": 1e-5}
    with slim.arg_scope([slim.batch_norm], **scope):
        slim.conv2d(x, 2, 3, normalizer_fn=slim.batch_norm, scope="c")
    classic.batch_normalization(x)
    batch = ["moving_mean", "moving_variance"]
    assert names() == [
        *(f"c/{n}" for n in ["weights", *(f"BatchNorm/{n}" for n in ["beta", "gamma", *batch])]),
        *(f"batch_normalization/{n}" for n in ["gamma", "beta", *batch]),
    ]
    assert not any("moving" in name for name in names(tf1.trainable_variables()))
    assert names(slim.get_model_variables("c")) == names()[:5]


def test_arguments_come_in_the_order_of_tensorflow_1(session):
    x, relu = tf.constant(IMAGES), tf.nn.relu
    layers_by_position = [
        classic.conv2d(x, 4, 3, 1, "same", "channels_last", 1, relu),
        classic.conv2d_transpose(x, 4, 3, 1, "same", "channels_last", relu, False),
        classic.separable_conv2d(x, 4, 3, 1, "same", "channels_last", 1, 2, relu),
        slim.conv2d(x, 4, 3, 1, "SAME", None, 1, relu),
        slim.conv2d_transpose(x, 4, 3, 1, "SAME", "NHWC", relu),
        slim.separable_conv2d(x, 4, 3, 2, 1, "SAME", "NHWC", 1, relu),
    ]
    for y in layers_by_position:
        assert y.shape == (4, 6, 5, 4) and y.op.type == "Relu"
    kept = classic.dropout(x, 0.5, None, None, True)
    assert (run(session, kept) == 0).any()
    same = slim.dropout(x, 0.5, None, False)
    np.testing.assert_array_equal(session.run(same), IMAGES)
    assert slim.max_pool2d(x, 2, 2, "VALID", "NHWC").shape == (4, 3, 2, 3)


def test_nodes_have_the_names_of_tensorflow_1(session):
    x = tf.constant(IMAGES)
    flat = slim.flatten(slim.max_pool2d(slim.conv2d(x, 2, 3), 2, scope="pool"))
    logits = slim.fully_connected(flat, 3, activation_fn=None, scope="logits")
    made = [flat, logits, slim.softmax(logits, scope="Predictions"), slim.dropout(x)]
    assert [y.op.name for y in made[:3]] == [
        "Flatten/flatten/Reshape",
        "logits/BiasAdd",
        "Predictions/Reshape_1",
    ]
    there = {op.name for op in tf1.get_default_graph().get_operations()}
    assert {"Conv/Conv2D", "Conv/Relu", "pool/MaxPool", "logits/MatMul"} <= there
    assert classic.dense(flat, 2, tf.nn.relu, name="d").op.name == "d/Relu"
    assert classic.max_pooling2d(x, 2, 2).op.name == "max_pooling2d/MaxPool"
    sums = run(session, made[2]).sum(-1)
    np.testing.assert_allclose(sums, 1, rtol=1e-5)


def test_a_transposed_convolution_undoes_the_size_of_a_convolution(session):
    x = tf1.placeholder(tf.float32, [None, None, 7, 3])
    ones = tf1.ones_initializer()
    for padding, size in (("SAME", 14), ("VALID", 15)):
        y = slim.conv2d_transpose(x, 1, 3, 2, padding, weights_initializer=ones)
        assert y.shape.as_list() == [None, None, size, 1]
        value = run(session, y, {x: np.ones([1, 4, 7, 3])})
        assert value.shape[2] == size
        if padding == "VALID":
            assert value.sum() == 3 * 9 * 28


def test_a_separable_convolution_is_a_depthwise_one_and_a_mixture(session):
    x = tf.constant(IMAGES)
    ones, plain = tf1.ones_initializer(), {"activation_fn": None, "biases_initializer": None}
    deep = slim.separable_conv2d(x, None, 1, 2, weights_initializer=ones, **plain)
    mixed = slim.separable_conv2d(x, 5, 1, 1, weights_initializer=ones, **plain)
    deep, mixed = run(session, [deep, mixed])
    np.testing.assert_allclose(deep, np.repeat(IMAGES, 2, -1), rtol=1e-5)
    np.testing.assert_allclose(mixed[..., 0], IMAGES.sum(-1), rtol=1e-5)
    assert names()[-2:] == [
        "SeparableConv2d_1/depthwise_weights",
        "SeparableConv2d_1/pointwise_weights",
    ]


def test_what_layers_give_is_collected_by_name(session):
    with tf1.variable_scope("net") as scope:
        ends = f"{scope.name}_end_points"
        collecting = [slim.conv2d, slim.max_pool2d, slim.fully_connected]
        with slim.arg_scope(collecting, outputs_collections=ends):
            a = slim.conv2d(IMAGES, 2, 3, scope="conv1")
            b = slim.max_pool2d(a, 2, scope="pool1")
    found = slim.utils.convert_collection_to_dict(ends, clear_collection=True)
    assert list(found) == ["net/conv1", "net/pool1"]
    assert found["net/conv1"] is a and found["net/pool1"] is b
    assert not slim.utils.convert_collection_to_dict(ends)


def test_variables_are_collected_by_kind(session):
    slim.conv2d(IMAGES, 2, 3, variables_collections={"weights": ["w"], "biases": None})
    slim.fully_connected(tf.constant(IMAGES), 2, variables_collections=["all"])
    assert names(tf1.get_collection("w")) == ["Conv/weights"]
    assert len(tf1.get_collection("all")) == 2


def test_what_layers_cannot_do_is_refused_by_name(session):
    x = tf.constant(IMAGES)
    refused = [
        ("data_format='NCHW'", lambda: slim.conv2d(x, 2, 3, data_format="NCHW")),
        (
            "data_format='channels_first'",
            lambda: classic.max_pooling2d(x, 2, 2, "same", "channels_first"),
        ),
        ("renorm=True", lambda: slim.batch_norm(x, renorm=True)),
        ("axis=1", lambda: classic.batch_normalization(x, axis=1)),
        ("kernel_constraint", lambda: classic.dense(x, 2, kernel_constraint=abs)),
    ]
    for said, call in refused:
        with pytest.raises(InvalidValueError, match=said):
            call()


def test_losses_of_slim_take_predictions_first(session):
    logits, labels = tf.constant([[0.0, 9.0]]), tf.constant([[0.0, 1.0]])
    right = slim.losses.softmax_cross_entropy(logits, labels)
    same = slim.losses.sparse_softmax_cross_entropy(logits, tf.constant([1]))
    wrong = slim.losses.softmax_cross_entropy(logits, 1 - labels)
    right, same, wrong = session.run([right, same, wrong])
    assert right == pytest.approx(same) and right < 0.001 and wrong == pytest.approx(9, rel=0.01)
    total = session.run(slim.losses.get_total_loss())
    assert total == pytest.approx(right + same + wrong)


def test_regularization_can_be_applied_afterwards(session):
    weights = tf1.get_variable("w", [3], initializer=tf1.ones_initializer())
    loss = layers.apply_regularization(slim.l1_regularizer(2.0), [weights])
    assert run(session, loss) == 6
    assert tf1.losses.get_regularization_losses() == [loss]
    classic.dense(tf.constant(IMAGES), 2, activity_regularizer=slim.l2_regularizer(0.1))
    assert len(tf1.losses.get_regularization_losses()) == 2


def test_a_part_of_the_variables_comes_from_a_checkpoint(session, tmp_path):
    slim.fully_connected(tf.constant(IMAGES), 2, scope="kept")
    session.run(tf1.global_variables_initializer())
    path = tf1.train.Saver().save(session, str(tmp_path / "model"))
    saved = session.run(tf1.global_variables()[0])
    slim.fully_connected(tf.constant(IMAGES), 2, scope="new")
    wanted = slim.get_variables_to_restore(exclude=["new"])
    assert names(wanted) == ["kept/weights", "kept/biases"]
    session.run(tf1.global_variables_initializer())
    framework.assign_from_checkpoint_fn(path, wanted)(session)
    np.testing.assert_array_equal(session.run(wanted[0]), saved)
    load = slim.assign_from_checkpoint_fn(path, tf1.global_variables(), ignore_missing_vars=True)
    load(session)
    assert slim.assign_from_checkpoint_fn(path, {"x": wanted[0]}, ignore_missing_vars=True) is None
