import itertools

import numpy as np
import pytest
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis import param, randomness


def made_by(param_f):
    made = []

    def record(make, **kwargs):
        made.append(make(**kwargs))
        return made[-1]

    with tf.variable_creator_scope(record):
        return param_f(), made


def test_a_cppn_starts_as_one_colour_near_grey():
    image = param.cppn(16).numpy()
    assert image.shape == (1, 16, 16, 3)
    np.testing.assert_array_equal(image, np.broadcast_to(image[:, :1, :1], image.shape))
    assert np.abs(image - 0.5).max() < 0.2


def test_a_cppn_has_lucids_variables():
    _, made = made_by(lambda: param.cppn(5))
    assert sum(v.shape.num_elements() for v in made) == 8451
    _, made = made_by(lambda: param.cppn(5, num_hidden_channels=6, num_layers=1, normalize=True))
    shapes = [[1, 1, 2, 6], [6], [6], [6], [1, 1, 12, 3], [3]]
    assert [v.shape.as_list() for v in made] == shapes
    offset, gain = made[2:4]
    np.testing.assert_array_equal(offset, np.zeros(6))
    np.testing.assert_array_equal(gain, np.ones(6))


def test_hidden_weights_start_truncated_with_variance_one_over_inputs():
    _, made = made_by(lambda: param.cppn(4, num_hidden_channels=128, num_layers=2))
    weights = made[2].numpy()
    assert weights.shape == (1, 1, 256, 128)
    assert weights.std() == pytest.approx(256**-0.5, rel=0.02)
    assert np.abs(weights).max() == pytest.approx(2 / 0.87962566 * 256**-0.5, rel=0.01)
    assert made[3].numpy().std() == pytest.approx(0.1, rel=0.3)


def painted(width, **kwargs):
    """A picture with structure: the same random weights at any width."""
    seeds = itertools.count()

    def weights(_, shape, **kwargs):
        return tf.constant(np.random.default_rng(next(seeds)).normal(size=shape), tf.float32)

    with tf.variable_creator_scope(weights):
        return param.cppn(width, num_hidden_channels=6, num_layers=2, **kwargs)


def test_one_network_paints_at_any_width():
    small, large = painted(5), painted(9)
    assert np.std(small) > 0.05
    np.testing.assert_allclose(large[:, ::2, ::2], small, atol=1e-4)


def test_the_width_may_be_a_tensor():
    traced = tf.function(painted, input_signature=[tf.TensorSpec([], tf.int32)])
    np.testing.assert_allclose(traced(7), painted(7), atol=1e-6)


def test_images_of_a_batch_are_equal():
    batch = painted(6, batch=3, normalize=True)
    np.testing.assert_array_equal(batch, np.tile(painted(6, normalize=True), [3, 1, 1, 1]))


def test_the_network_sees_columns_then_rows_with_unit_variance():
    seen = []

    def keep(x):
        seen.append(x.numpy()[0])
        return x

    def identity(_, shape, **kwargs):
        return tf.reshape(tf.eye(2), shape) if len(shape) == 4 else tf.zeros(shape)

    with tf.variable_creator_scope(identity):
        param.cppn(101, 1, 2, num_hidden_channels=2, num_layers=1, activation_func=keep)
    x, y = np.moveaxis(seen[0], -1, 0)
    np.testing.assert_allclose(x[0], np.linspace(-(3**0.5), 3**0.5, 101), atol=1e-5)
    np.testing.assert_allclose(x, y.T, atol=1e-6)
    assert x.std() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("kwargs", [{"width": 0}, {"batch": 0}, {"num_layers": 0}])
def test_counts_below_one_are_refused(kwargs):
    with pytest.raises(InvalidValueError, match="at least 1"):
        param.cppn(**{"width": 4} | kwargs)


def test_other_widths_are_refused():
    with pytest.raises(InvalidTypeError):
        param.cppn(4.5)
    with pytest.raises(InvalidValueError, match="one number"):
        param.cppn(tf.constant([4, 4]))


@pytest.mark.slow
def test_a_cppn_learns_xor_of_the_corners():
    def loss():
        image = param.cppn(16, num_output_channels=1)[0, ..., 0]
        corners = tf.stack([image[0, 0], image[0, -1], image[-1, 0], image[-1, -1]])
        return corners, tf.reduce_sum((corners - [0.0, 1.0, 1.0, 0.0]) ** 2)

    def learns(seed):
        with randomness.stream(seed):
            _, variables = made_by(loss)
        optimizer = tf.keras.optimizers.Adam(0.01)

        @tf.function
        def step():
            replay = iter(variables)
            with (
                tf.GradientTape() as tape,
                tf.variable_creator_scope(lambda make, **kwargs: next(replay)),
            ):
                corners, error = loss()
            optimizer.apply_gradients(zip(tape.gradient(error, variables), variables, strict=True))
            return corners

        return any(np.abs(step() - [0, 1, 1, 0]).max() < 0.01 for _ in range(200))

    assert any(learns(seed) for seed in range(3))
