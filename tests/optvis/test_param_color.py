import numpy as np
import pytest
import tensorflow as tf

from lucidx.errors import InvalidValueError
from lucidx.optvis.param import color, from_valid_rgb, to_valid_rgb


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({}, [0.5249792, 0.450166, 0.5744426]),
        ({"decorrelate": True}, [0.507576, 0.5064938, 0.5291906]),
        ({"decorrelate": True, "sigmoid": False}, [0.5103061, 0.4859767, 0.5268952]),
        ({"sigmoid": False}, [0.1, 0, 0.3]),
    ],
)
def test_colours_are_lucids(kwargs, expected):
    np.testing.assert_allclose(to_valid_rgb([0.1, -0.2, 0.3], **kwargs), expected, atol=1e-6)


def test_the_largest_column_of_the_colour_map_has_unit_length():
    assert color.max_norm_svd_sqrt == pytest.approx(0.4619524, abs=1e-6)


@pytest.mark.parametrize("shape", [[3], [5, 3], [2, 4, 4, 3]])
@pytest.mark.parametrize("sigmoid", [True, False])
def test_colours_are_in_range_for_any_rank(shape, sigmoid):
    t = 10 * np.random.default_rng(0).normal(size=shape).astype(np.float32)
    rgb = to_valid_rgb(t, decorrelate=True, sigmoid=sigmoid).numpy()
    assert rgb.shape == tuple(shape)
    assert rgb.min() >= 0
    assert rgb.max() <= 1


def test_decorrelation_needs_three_channels():
    with pytest.raises(InvalidValueError, match="3 channels"):
        to_valid_rgb(tf.zeros([1, 2, 2, 4]), decorrelate=True)
    assert to_valid_rgb(tf.zeros([1, 2, 2, 4])).shape == [1, 2, 2, 4]


def test_clipping_stops_gradients_that_point_out_of_range_only():
    t = tf.constant([1.5, 1.5, 0.5])
    with tf.GradientTape() as tape:
        tape.watch(t)
        rgb = to_valid_rgb(t, sigmoid=False)
    gradient = tape.gradient(rgb, t, tf.constant([1.0, -1.0, 1.0]))
    np.testing.assert_allclose(gradient, [0, -1, 1])


@pytest.mark.parametrize("decorrelate", [True, False])
def test_numbers_of_colours_lead_back_to_them(decorrelate):
    rgb = np.random.default_rng(0).uniform(size=[7, 5, 3])
    rgb[0, 0], rgb[0, 1] = 0, 1
    t = from_valid_rgb(rgb, decorrelate)
    assert t.dtype == np.float32
    back = to_valid_rgb(t, decorrelate)
    assert np.abs(back - rgb).max() < 1 / 255
    np.testing.assert_allclose(back[1:], rgb[1:].clip(1 / 256, 255 / 256), atol=1e-6)


def test_colours_to_decorrelate_are_three():
    with pytest.raises(InvalidValueError, match="3 channels"):
        from_valid_rgb(np.zeros([2, 2, 1]), decorrelate=True)
    assert from_valid_rgb(np.full([2, 2, 1], 0.5)).tolist() == [[[0], [0]]] * 2
