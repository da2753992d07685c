import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import InvalidValueError
from lucidx.misc.io.collapse_channels import (
    collapse_channels,
    hue_to_rgb,
    sparse_channels_to_rgb,
)


@pytest.mark.parametrize(
    ("ang", "warp", "rgb"),
    [
        (0, True, [1, 0, 0]),
        (30, True, [0.8459, 0.5334, 0]),
        (30, False, [0.9239, 0.3827, 0]),
        (60, True, [0.7071, 0.7071, 0]),
        (90, True, [0.5334, 0.8459, 0]),
        (120, True, [0, 1, 0]),
        (240, False, [0, 0, 1]),
        (300, True, [0.7071, 0, 0.7071]),
    ],
)
def test_hues(ang, warp, rgb):
    np.testing.assert_allclose(hue_to_rgb(ang, warp), rgb, atol=1e-4)


@settings(deadline=None, max_examples=50)
@given(st.floats(-720, 720), st.booleans())
def test_hues_have_unit_length_are_not_negative_and_wrap(ang, warp):
    rgb = hue_to_rgb(ang, warp)
    assert np.linalg.norm(rgb) == pytest.approx(1)
    assert (rgb >= 0).all()
    np.testing.assert_allclose(hue_to_rgb(ang + 360, warp), rgb, atol=1e-6)


@pytest.mark.parametrize(
    ("channels", "rgb"),
    [
        ([1, 0, 0, 0], [0.9999, 0, 0]),
        ([0.5, 0.5, 0, 0], [0.5444, 0.3967, 0.2149]),
        ([0.2, 0.2, 0.2, 0.2], [0.2473, 0.2223, 0.2223]),
        ([0, 0, 0], [0, 0, 0]),
    ],
)
def test_one_channel_is_a_pure_hue_and_mixtures_are_paler(channels, rgb):
    np.testing.assert_allclose(sparse_channels_to_rgb(np.array(channels)), rgb, atol=1e-4)


def test_a_negative_value_has_the_opposite_hue():
    plus, minus = collapse_channels([[0, 2.0, 0], [0, -2.0, 0]])
    np.testing.assert_allclose(plus, 2 * hue_to_rgb(60), atol=1e-3)
    np.testing.assert_allclose(minus, 2 * hue_to_rgb(240), atol=1e-3)


def test_the_least_value_of_an_integer_type_can_be_negated():
    np.testing.assert_allclose(
        collapse_channels(np.array([-128, 0], np.int8)), collapse_channels([-128.0, 0.0])
    )


@pytest.mark.parametrize("shape", [(1,), (5,), (4, 2), (3, 4, 508), (2, 3, 4, 7)])
def test_leading_axes_are_kept(shape):
    rgb = collapse_channels(np.random.default_rng(0).normal(size=shape))
    assert rgb.shape == (*shape[:-1], 3)
    assert (rgb >= 0).all()


def test_bad_input_is_refused():
    with pytest.raises(InvalidValueError, match=r"negative; collapse_channels\(\)"):
        sparse_channels_to_rgb([-1.0, 0])
    with pytest.raises(InvalidValueError, match="NaN"):
        collapse_channels([np.nan, 0])
    with pytest.raises(InvalidValueError, match=r"at least one channel; the shape is \[2, 0\]"):
        collapse_channels(np.zeros((2, 0)))
