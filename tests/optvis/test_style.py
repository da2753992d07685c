"""Style as statistics of activations, and the loss that compares them."""

import numpy as np
import pytest
import tensorflow as tf
from settings import SETTINGS, tf1

from lucidx.errors import InvalidValueError
from lucidx.optvis.style import StyleLoss, gram_style, mean_l1_loss, mean_l2_loss

RNG = np.random.default_rng(0)
STYLE = RNG.normal(size=(2, 4, 5, 3)).astype(np.float32)
CONTENT = RNG.normal(size=(1, 6, 7, 3)).astype(np.float32)


def gram(acts):
    flat = acts.reshape(-1, acts.shape[-1])
    return flat.T @ flat / len(flat)


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_gram_matrix_is_a_mean_over_images_and_positions(setting):
    np.testing.assert_allclose(SETTINGS[setting](gram_style, STYLE), gram(STYLE), rtol=1e-5)


def test_the_gram_matrix_of_a_layer_of_unknown_depth():
    traced = tf.function(gram_style, [tf.TensorSpec([None] * 4)])
    np.testing.assert_allclose(traced(STYLE), gram(STYLE), rtol=1e-5)


def test_losses():
    ones, threes = tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])
    assert mean_l1_loss(ones, threes) == 2
    assert mean_l2_loss(ones, threes) == 2


def test_losses_have_a_gradient_where_styles_are_equal():
    for loss in (mean_l1_loss, mean_l2_loss):
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(x, tf.identity(x))
        np.testing.assert_allclose(value, 0, atol=1e-5)
        assert np.isfinite(tape.gradient(value, x)).all()


def test_the_target_is_set_in_a_session():
    with tf.Graph().as_default(), tf1.Session() as session:
        layers = [tf1.placeholder(tf.float32, [None, None, None, 3]) for _ in range(2)]
        loss = StyleLoss(layers)
        assert loss.ema is None and loss.effective_grams is loss.input_grams
        session.run(tf1.global_variables_initializer())
        loss.set_style({layers[0]: STYLE, layers[1]: 2 * STYLE})
        np.testing.assert_allclose(session.run(loss.target_vars[1]), 4 * gram(STYLE), rtol=1e-5)

        itself = {layers[0]: STYLE, layers[1]: 2 * STYLE}
        np.testing.assert_allclose(session.run(loss.style_loss, itself), 0, atol=1e-6)
        other = dict.fromkeys(layers, CONTENT)
        losses, total = session.run([loss.style_losses, loss.style_loss], other)
        expected = [np.abs(gram(CONTENT) - k * gram(STYLE)).mean() for k in (1, 4)]
        np.testing.assert_allclose(losses, expected, rtol=1e-5)
        np.testing.assert_allclose(total, sum(expected), rtol=1e-5)


def test_targets_are_not_trained():
    with tf.Graph().as_default():
        StyleLoss([tf1.placeholder(tf.float32, [1, 4, 4, 3])], ema_decay=0.9)
        assert not tf1.trainable_variables()


def test_the_average_starts_at_zero_and_moves_with_each_evaluation():
    with tf.Graph().as_default(), tf1.Session() as session:
        layer = tf1.placeholder(tf.float32, CONTENT.shape)
        loss = StyleLoss([layer], ema_decay=0.9, loss_func=mean_l2_loss)
        (gradient,) = tf.gradients(loss.style_loss, layer)
        session.run(tf1.global_variables_initializer())
        for step in range(1, 4):
            average, total, slope = session.run(
                [loss.effective_grams[0], loss.style_loss, gradient], {layer: CONTENT}
            )
            expected = (1 - 0.9**step) * gram(CONTENT)
            np.testing.assert_allclose(average, expected, rtol=1e-4)
            np.testing.assert_allclose(total, np.sqrt((expected**2).mean()), rtol=1e-4)
            assert np.abs(slope).max() > 0
        assert isinstance(loss.ema, tf.train.ExponentialMovingAverage)


@pytest.mark.parametrize("setting", SETTINGS)
def test_given_targets_need_no_session(setting):
    def loss_and_slope(acts):
        with tf.GradientTape() as tape:
            tape.watch(acts)
            loss = StyleLoss([acts, 2 * acts], targets=[gram(STYLE), 4 * gram_style(STYLE)])
        return tf.stack([loss.style_loss, tf.reduce_sum(tape.gradient(loss.style_loss, acts) ** 2)])

    total, slope = SETTINGS[setting](loss_and_slope, CONTENT)
    np.testing.assert_allclose(total, 5 * np.abs(gram(CONTENT) - gram(STYLE)).mean(), rtol=1e-5)
    assert slope > 0


def test_a_style_of_ones_own():
    means = StyleLoss(
        [tf.constant(CONTENT)],
        style_func=lambda acts: tf.reduce_mean(acts, [0, 1, 2]),
        loss_func=mean_l2_loss,
        targets=[np.zeros(3)],
    )
    expected = np.sqrt((CONTENT.mean((0, 1, 2)) ** 2).mean())
    np.testing.assert_allclose(means.style_loss, expected, rtol=1e-5)


def test_what_needs_a_session_says_so():
    acts = tf.constant(CONTENT)
    for options in ({}, {"ema_decay": 0.9}, {"ema_decay": 0.9, "targets": [gram(STYLE)]}):
        with pytest.raises(InvalidValueError, match="pass targets="):
            StyleLoss([acts], **options)
        with pytest.raises(InvalidValueError, match="pass targets="):
            tf.function(lambda a, o=options: StyleLoss([a], **o).style_loss, autograph=False)(acts)
    with tf.Graph().as_default():
        loss = StyleLoss([tf1.placeholder(tf.float32, [1, 4, 4, 3])])
        with pytest.raises(InvalidValueError, match=r"default tf.compat.v1.Session"):
            loss.set_style({})


def test_layers_and_targets_have_to_match():
    acts = tf.constant(CONTENT)
    with pytest.raises(InvalidValueError, match="no style layers"):
        StyleLoss([], targets=[])
    with pytest.raises(InvalidValueError, match="1 style layers and 2 targets"):
        StyleLoss([acts], targets=[gram(STYLE)] * 2)
    with pytest.raises(InvalidValueError, match=r"layer 1 has shape \(3, 3\), its target \(4, 4\)"):
        StyleLoss([acts, acts], targets=[np.eye(3), np.eye(4)])
