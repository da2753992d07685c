import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import InvalidValueError
from lucidx.factorization.patches import argmax_nd, rescale_opacity


def test_without_a_limit_it_is_the_argmax():
    x = np.random.default_rng(0).normal(size=(5, 3, 4))
    rows, columns = argmax_nd(x, [1, 2])
    np.testing.assert_array_equal(x[np.arange(5), rows, columns], x.max((1, 2)))
    (items,) = argmax_nd(x, [0])
    np.testing.assert_array_equal(items, x.argmax(0))
    assert argmax_nd(x, [-1])[0].shape == (5, 3)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 3), st.integers(0, 99))
def test_no_place_comes_up_more_often_than_the_limit(items, places, limit, seed):
    x = np.random.default_rng(seed).normal(size=(items, places))
    if items > places * limit:
        with pytest.raises(InvalidValueError, match="max_rep"):
            argmax_nd(x, [1], max_rep=limit)
        limit = -(-items // places)
    (chosen,) = argmax_nd(x, [1], max_rep=limit, max_rep_strict=False)
    assert np.bincount(chosen).max() <= limit


def test_the_largest_values_keep_their_place():
    x = np.array([[5, 1], [9, 2], [7, 6.5]])
    (chosen,) = argmax_nd(x, [1], max_rep=2)
    np.testing.assert_array_equal(chosen, [1, 0, 0])
    (chosen,) = argmax_nd(x[:2], [1], max_rep=1)
    np.testing.assert_array_equal(chosen, [1, 0])


def test_axes_that_are_not_there_are_refused():
    with pytest.raises(InvalidValueError, match="argmax"):
        argmax_nd(np.ones((2, 3)), [])
    with pytest.raises(InvalidValueError, match="argmax"):
        argmax_nd(np.ones((2, 3)), [2])


def image(alphas):
    alphas = np.asarray(alphas, np.float32)
    return np.concatenate([np.full((*alphas.shape, 3), 0.5), alphas[..., None]], -1)


def test_the_most_opaque_part_becomes_solid_and_nothing_disappears():
    alphas = np.linspace(0, 0.5, 100).reshape(10, 10)
    raised = rescale_opacity(image(alphas))[..., 3]
    assert raised.min() == pytest.approx(15 / 255)
    assert (raised >= 1 - 1e-6).mean() == pytest.approx(0.1, abs=0.02)
    threshold = np.quantile(alphas, 0.9)
    middle = 15 / 255 + alphas[5, 0] * (240 / 255) / threshold
    assert raised[5, 0] == pytest.approx(middle, rel=1e-5)


def test_opacity_is_scaled_by_no_more_than_the_limit_and_zeros_can_be_kept():
    alphas = np.zeros((10, 10))
    alphas[0, 0], alphas[0, 1] = 1, 0.01
    raised = rescale_opacity(image(alphas), min_opacity=0)[..., 3]
    assert raised[0, 1] == pytest.approx(0.1, rel=1e-4)
    kept = rescale_opacity(image(alphas), keep_zeros=True)[..., 3]
    assert kept[5, 5] == 0
    assert kept[0, 1] > 0.1


def test_images_are_rescaled_each_by_itself():
    images = np.stack([image(np.full((4, 4), 0.1)), image(np.zeros((4, 4)))])
    raised = rescale_opacity(images)
    assert (raised[0, ..., 3] == 1).all()
    np.testing.assert_allclose(raised[1, ..., 3], 15 / 255)
    np.testing.assert_array_equal(raised[..., :3], images[..., :3])
