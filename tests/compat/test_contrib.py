"""The layers and the rotation that went with TensorFlow 1."""

import numpy as np
import pytest
import tensorflow as tf

from lucidx.compat import layers as classic
from lucidx.compat.contrib import framework, image, layers, slim
from lucidx.errors import InvalidTypeError, InvalidValueError

tf1 = tf.compat.v1
GRID = np.arange(9, dtype=np.float32).reshape(3, 3)
IMAGES = np.random.default_rng(0).random((2, 4, 5, 3)).astype(np.float32)


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf1.Session() as session:
        yield session


def run(session, tensor):
    session.run(tf1.global_variables_initializer())
    return session.run(tensor)


def names():
    return [v.op.name for v in tf1.global_variables()]


def test_rotation_is_counter_clockwise_with_zeros_outside(session):
    quarter = run(session, image.rotate(GRID, np.pi / 2))
    assert quarter.tolist() == [[2, 5, 8], [1, 4, 7], [0, 3, 6]]
    eighth = run(session, image.rotate(np.ones([9, 9, 1]), np.pi / 4))
    assert eighth[0, 0, 0] == 0 and eighth[4, 4, 0] == 1


def test_each_image_can_have_its_own_angle(session):
    batch = np.stack([GRID, GRID])[..., None]
    turned = run(session, image.rotate(batch, [0.0, np.pi]))
    np.testing.assert_array_equal(turned[0], batch[0])
    np.testing.assert_array_equal(turned[1], batch[1, ::-1, ::-1])


def test_bilinear_rotation_blends_pixels(session):
    turned = run(session, image.rotate(GRID, 0.1, interpolation="BILINEAR"))
    assert turned[1, 1] == 4 and turned[0, 1] not in GRID
    with pytest.raises(InvalidValueError, match=r"\[N, H, W, C\]"):
        image.rotate(np.zeros(3), 1.0)


def test_rotation_works_eagerly_and_traced():
    wanted = [[2, 5, 8], [1, 4, 7], [0, 3, 6]]
    assert image.rotate(GRID, np.pi / 2).numpy().tolist() == wanted
    traced = tf.function(lambda t: image.rotate(t, np.pi / 2))
    assert traced(tf.constant(GRID)).numpy().tolist() == wanted


def test_a_convolution_of_one_pixel_is_a_matrix_product(session):
    weights = np.arange(6, dtype=np.float32).reshape(3, 2) - 2
    out = slim.conv2d(
        IMAGES,
        2,
        [1, 1],
        weights_initializer=tf1.constant_initializer(weights),
        biases_initializer=tf1.constant_initializer(-0.5),
    )
    np.testing.assert_allclose(run(session, out), np.maximum(IMAGES @ weights - 0.5, 0), rtol=1e-5)


def test_variables_have_the_names_of_tensorflow_1(session):
    x = tf.constant(IMAGES)
    net = slim.conv2d(x, 4, 3)
    net = slim.conv2d(net, 4, [3, 3], biases_initializer=None)
    net = slim.stack(slim.flatten(net), slim.fully_connected, [6, 5], scope="fc")
    slim.repeat(x, 2, slim.conv2d, 3, [1, 1], scope="again")
    classic.dense(classic.conv2d(x, 2, 3), 2, use_bias=False)
    assert names() == [
        *("Conv/weights", "Conv/biases", "Conv_1/weights"),
        *("fc/fc_1/weights", "fc/fc_1/biases", "fc/fc_2/weights", "fc/fc_2/biases"),
        *("again/again_1/weights", "again/again_1/biases"),
        *("again/again_2/weights", "again/again_2/biases"),
        *("conv2d/kernel", "conv2d/bias", "dense/kernel"),
    ]
    assert [v.op.name for v in slim.get_variables("fc", suffix="biases")] == [
        "fc/fc_1/biases",
        "fc/fc_2/biases",
    ]


def test_padding_strides_and_dilation_set_the_size(session):
    x = tf.constant(IMAGES)
    assert slim.conv2d(x, 2, 3).shape == (2, 4, 5, 2)
    assert slim.conv2d(x, 2, 3, stride=2, padding="VALID").shape == (2, 1, 2, 2)
    assert slim.conv2d(x, 2, [1, 3], rate=2, padding="VALID").shape == (2, 4, 1, 2)
    assert slim.max_pool2d(x, [2, 2]).shape == (2, 2, 2, 3)
    assert slim.avg_pool2d(x, 3, stride=1, padding="SAME").shape == (2, 4, 5, 3)
    assert classic.max_pooling2d(x, 2, 2).shape == (2, 2, 2, 3)
    assert classic.conv2d(x, 2, 3, padding="same").shape == (2, 4, 5, 2)
    assert classic.average_pooling2d(x, 2, 2, padding="same").shape == (2, 2, 3, 3)


def test_variables_are_shared_on_request(session):
    x = tf.constant(IMAGES)
    first = slim.conv2d(x, 2, 1, scope="shared")
    second = slim.conv2d(x, 2, 1, scope="shared", reuse=True)
    a, b = run(session, [first, second])
    np.testing.assert_array_equal(a, b)
    assert names() == ["shared/weights", "shared/biases"]


def test_instance_norm_takes_the_place_of_biases(session):
    out = slim.conv2d(IMAGES, 4, 3, normalizer_fn=layers.instance_norm, activation_fn=None)
    values = run(session, out)
    np.testing.assert_allclose(values.mean((1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(values.std((1, 2)), 1, atol=1e-3)
    assert names() == ["Conv/weights", "Conv/InstanceNorm/beta", "Conv/InstanceNorm/gamma"]


def test_regularizers_are_collected(session):
    slim.conv2d(IMAGES, 2, 1, weights_regularizer=slim.l2_regularizer(0.5), scope="a")
    (loss,) = tf1.losses.get_regularization_losses()
    weights = tf1.global_variables()[0]
    value, w = run(session, [loss, weights])
    np.testing.assert_allclose(value, 0.25 * (w**2).sum(), rtol=1e-5)
    l1 = session.run(slim.l1_regularizer(2.0)(weights))
    np.testing.assert_allclose(l1, 2 * np.abs(w).sum(), rtol=1e-5)


def test_initializers_scale_with_the_number_of_inputs(session):
    he = slim.variance_scaling_initializer()
    glorot = slim.xavier_initializer()
    w = run(session, [he([1, 1, 50, 400]), glorot([300, 100], tf.float32)])
    assert w[0].std() == pytest.approx((2 / 50) ** 0.5, rel=0.05)
    assert w[1].std() == pytest.approx((2 / 400) ** 0.5, rel=0.05)
    assert np.abs(w[1]).max() <= (6 / 400) ** 0.5


def test_dropout_acts_only_in_training(session):
    x = np.ones([1000], np.float32)
    kept, dropped = run(session, [slim.dropout(x, is_training=False), slim.dropout(x, 0.8)])
    assert kept.all() and np.unique(dropped).tolist() == [0, 1.25]
    assert 0.7 < (dropped > 0).mean() < 0.9
    assert run(session, classic.dropout(x)).all()
    assert not run(session, classic.dropout(x, 0.5, training=True)).all()


def test_flatten_keeps_the_batch(session):
    assert slim.flatten(tf.constant(IMAGES)).shape == (2, 60)
    unknown = tf1.placeholder(tf.float32, [None, None, 3])
    assert session.run(slim.flatten(unknown), {unknown: IMAGES[0]}).shape == (4, 15)


def test_arg_scopes_nest_and_can_be_entered_again():
    @framework.add_arg_scope
    def layer(x, size=1, rate=1):
        return x, size, rate

    with framework.arg_scope([layer], size=2, rate=3) as outer:
        assert layer(0) == (0, 2, 3)
        with framework.arg_scope([layer], size=5):
            assert layer(0) == (0, 5, 3)
            assert layer(0, rate=9) == (0, 5, 9)
        assert layer(0) == (0, 2, 3)
    assert layer(0) == (0, 1, 1)
    with framework.arg_scope(outer):
        assert layer(0) == (0, 2, 3)


def test_arg_scope_refuses_what_does_not_take_part():
    with (
        pytest.raises(InvalidTypeError, match="add_arg_scope"),
        framework.arg_scope([np.sum], axis=0),
    ):
        pass
    with (
        framework.arg_scope([slim.conv2d], stride=2) as scope,
        pytest.raises(InvalidTypeError, match="no further arguments"),
        framework.arg_scope(scope, stride=1),
    ):
        pass
