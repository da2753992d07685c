"""Resizing and combining images."""

import numpy as np
import pytest

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.ndimage_utils import composite, resize, soft_alpha_blend


@pytest.fixture
def image():
    return np.random.default_rng(0).random((8, 12, 3))


@pytest.mark.parametrize(
    "size", [(4, 6), [4, 6], np.array([4, 6]), (np.int64(4), np.int64(6))], ids=type
)
def test_sizes_are_rows_and_columns(image, size):
    assert resize(image, size).shape == (4, 6, 3)
    assert resize(image[None], size).shape == (1, 4, 6, 3)


def test_one_number_is_a_square(image):
    assert resize(image, 5).shape == resize(image, np.int32(5)).shape == (5, 5, 3)


@pytest.mark.parametrize("size", [(8, 12), [8, 12], np.array([8, 12])], ids=type)
def test_an_image_of_that_size_is_returned_as_it_is(image, size):
    assert resize(image, size) is image


def test_ratios_are_for_rows_and_columns_or_for_both(image):
    assert resize(image, ratios=(2, 0.5)).shape == (16, 6, 3)
    assert resize(image, ratios=0.5).shape == (4, 6, 3)
    assert resize(image, (3, 3), ratios=0.5).shape == (3, 3, 3)


def test_order_is_passed_on(image):
    linear = resize(image, 40, order=1)
    assert linear.min() >= image.min() and linear.max() <= image.max()


def test_impossible_sizes_say_so(image):
    for size in ("4", (1, 2, 3), 4.5, None, {}):
        with pytest.raises((InvalidTypeError, InvalidValueError)):
            resize(image, size)
    for wrong in ({"target_size": 0}, {"target_size": (4, -1)}, {"ratios": 0}, {"ratios": np.nan}):
        with pytest.raises(InvalidValueError, match="positive"):
            resize(image, **wrong)
    with pytest.raises(InvalidValueError, match="3 axes"):
        resize(image[0], 4)


def test_lists_and_tensors_are_images_too(image):
    tf = pytest.importorskip("tensorflow")
    for same in (image.tolist(), tf.constant(image)):
        np.testing.assert_array_equal(resize(same, 4), resize(image, 4))
        pasted = composite(same, same, 0.5, (1, 1))
        np.testing.assert_array_equal(pasted, composite(image, image, 0.5, (1, 1)))
    for wrong in ([[["a"]]], [[[1], [1, 2]]]):
        with pytest.raises(InvalidTypeError, match="array"):
            resize(wrong, 4)


@pytest.mark.parametrize("position", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_foreground_goes_into_the_corner_that_is_named(position):
    background, foreground = np.zeros((40, 60, 3)), np.ones((9, 9, 3))
    together = composite(background, foreground, 0.25, position)
    rows = slice(-15, None) if position[0] else slice(15)
    columns = slice(-15, None) if position[1] else slice(15)
    assert together[rows, columns].min() > 0.99
    assert together.sum() == pytest.approx(15 * 15 * 3)
    assert not background.any()


def test_nothing_to_paste_leaves_the_background():
    background = np.zeros((4, 4, 3))
    assert composite(background, np.ones((2, 2, 3)), 0) is background


def test_a_foreground_that_does_not_fit_is_refused():
    background = np.zeros((4, 8, 3))
    with pytest.raises(InvalidValueError, match="does not fit"):
        composite(background, np.ones((2, 2, 3)), 0.75)
    with pytest.raises(InvalidValueError, match="channels"):
        composite(background, np.ones((2, 2, 4)))
    with pytest.raises(InvalidValueError, match="3 axes"):
        composite(background, np.ones((2, 2)))
    for position in ((0, 1.5), (-0.5, 0), (np.nan, 0)):
        with pytest.raises(InvalidValueError, match="does not fit"):
            composite(background, np.ones((2, 2, 3)), 0.25, position)
    for position in ((0,), (0, 0, 0), ("a", 0), None):
        with pytest.raises(InvalidTypeError, match="foreground_position"):
            composite(background, np.ones((2, 2, 3)), 0.25, position)


def test_transparent_parts_stay_visible_as_a_hint():
    assert np.allclose(soft_alpha_blend(np.array([0.5, 0.5, 0.5, 0])), 0.8335)
    assert np.allclose(soft_alpha_blend(np.array([[0.2, 0.5, 0.9, 1]])), [[0.2, 0.5, 0.9]])
    with pytest.raises(InvalidValueError, match="Four channels"):
        soft_alpha_blend(np.zeros((2, 2, 3)))
