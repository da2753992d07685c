import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis import randomness
from lucidx.optvis.param import lowres_tensor
from lucidx.optvis.param.resize_bilinear_nd import collapse_shape, product, resize_bilinear_nd


def resized_axis(t, axis, n_out):
    """Linear interpolation of one axis at i * n / m, by numpy."""
    n_in = t.shape[axis]
    position = np.arange(n_out) * n_in / n_out
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, n_in - 1)
    weight = (position - low).reshape([-1] + [1] * (t.ndim - 1 - axis))
    return t.take(low, axis) * (1 - weight) + t.take(high, axis) * weight


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ([0, 1, 2], [0, 0.5, 1, 1.5, 2, 2]),
        ([0, 1, 2, 3], [0, 2 / 3, 4 / 3, 2, 8 / 3, 3]),
        ([0, 1, 2, 3], [0, 4 / 3, 8 / 3]),
        ([7], [7, 7, 7]),
    ],
)
def test_a_line_is_resized_without_half_pixel_centres(line, expected):
    result = resize_bilinear_nd(np.float32(line), [len(expected)])
    np.testing.assert_allclose(result, expected, rtol=1e-6)


@given(sizes=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 7)), min_size=1, max_size=5))
@settings(deadline=None, max_examples=30)
def test_every_axis_is_resized_on_its_own(sizes):
    shape, target = zip(*sizes, strict=True)
    t = np.random.default_rng(0).normal(size=shape)
    expected = t
    for axis, n_out in enumerate(target):
        expected = resized_axis(expected, axis, n_out)
    np.testing.assert_allclose(resize_bilinear_nd(t, target), expected, atol=1e-5)


def test_resizing_refuses_unknown_shapes_and_other_ranks():
    with pytest.raises(InvalidValueError, match="2 entries"):
        resize_bilinear_nd(np.zeros([2, 3]), [4])
    with pytest.raises(InvalidValueError, match="at least 1"):
        resize_bilinear_nd(np.zeros([2, 3]), [4, 0])
    with tf.Graph().as_default():
        unknown = tf.compat.v1.placeholder(tf.float32, [None, 3])
        with pytest.raises(InvalidValueError, match="shape is known"):
            resize_bilinear_nd(unknown, [4, 3])


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ((0, 2), [1, 1, 2, 60]),
        ((1, 3), [1, 2, 3, 20]),
        ((2, 4), [2, 3, 4, 5]),
        ((3, 5), [6, 4, 5, 1]),
        ((-1, 1), [1, 1, 1, 120]),
        ((4, 6), [24, 5, 1, 1]),
    ],
)
def test_shapes_collapse_around_a_window(window, expected):
    assert list(collapse_shape([1, 2, 3, 4, 5], *window)) == expected


def test_the_product_of_nothing_is_one():
    assert product([]) == 1
    assert product([2, 3, 4]) == 24


def test_a_lowres_tensor_interpolates_its_variable():
    with randomness.stream(0):
        small = lowres_tensor([4, 4, 3], [4, 4, 3], sd=1)
    with randomness.stream(0):
        large = lowres_tensor([12, 8, 3], [4, 4, 3], sd=1)
    np.testing.assert_allclose(large[::3, ::2], small, atol=1e-6)


@given(offset=st.tuples(st.integers(0, 6), st.integers(0, 5)))
@settings(deadline=None, max_examples=15)
def test_an_offset_moves_content_and_reflects_at_the_start(offset):
    def tensor(offset):
        with randomness.stream(1):
            return lowres_tensor([6, 5], [3, 2], offset).numpy()

    padded = np.pad(tensor(None), [(n, 0) for n in offset], "symmetric")
    np.testing.assert_array_equal(tensor(offset), padded[:6, :5])


def test_offsets_come_in_many_forms():
    def tensor(offset):
        with randomness.stream(1):
            return lowres_tensor([8, 6], [2, 3], offset).numpy()

    half_cells = tensor([2, 1])
    for offset in (True, [True, True], (True, 1), np.array([2, 1]), np.array([True, True])):
        np.testing.assert_array_equal(tensor(offset), half_cells)
    for offset in (False, 0, [0, False]):
        np.testing.assert_array_equal(tensor(offset), tensor(None))
    given_list = [True, 1]
    tensor(given_list)
    assert given_list == [True, 1]


@pytest.mark.parametrize("offset", [7, -1, [1], [1, 2, 3]])
def test_impossible_offsets_are_refused(offset):
    with pytest.raises(InvalidValueError, match="offset"):
        lowres_tensor([6, 6], [3, 3], offset)


def test_offsets_of_another_type_are_refused():
    with pytest.raises(InvalidTypeError, match="offset"):
        lowres_tensor([6, 6], [3, 3], ["half", 0])


def test_shapes_must_have_one_rank():
    with pytest.raises(InvalidValueError, match="3 entries"):
        lowres_tensor([6, 6, 3], [3, 3])
