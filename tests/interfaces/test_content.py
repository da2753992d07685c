import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.interfaces.content import rank, strongest
from lucidx.interfaces.grids import pooled


def test_the_strongest_channels_of_each_position_come_in_order(rng):
    activations = rng.normal(size=(3, 4, 9)).astype(np.float32)
    found = strongest(activations, 4)
    assert found.channels.shape == found.values.shape == (3, 4, 4)
    np.testing.assert_array_equal(found.values, np.sort(activations, -1)[..., :-5:-1])
    np.testing.assert_array_equal(np.take_along_axis(activations, found.channels, -1), found.values)


def test_channels_are_ranked_for_and_against():
    found = rank(np.float32([0.5, -2, 0, 3, -1]), 2)
    assert found.supporting == [(3, 3.0), (0, 0.5)]
    assert found.opposing == [(1, -2.0), (4, -1.0)]
    assert rank(np.zeros(5), 3)[1:] == ([], [])


def test_a_channel_is_never_both_for_and_against():
    found = rank(np.float32([1, 2]), 5)
    assert found.supporting == [(1, 2.0), (0, 1.0)]
    assert found.opposing == []


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 17), st.integers(1, 17), st.integers(1, 9))
def test_pooling_keeps_what_is_even_and_shrinks_what_is_large(height, width, cells):
    even = np.full([height, width, 3], 2.5, np.float32)
    result = pooled(even, cells)
    assert result.shape == (min(height, cells), min(width, cells), 3)
    np.testing.assert_allclose(result, 2.5, rtol=1e-6)


def test_pooling_averages_neighbours():
    activations = np.arange(16, dtype=np.float32).reshape(4, 4, 1)
    np.testing.assert_array_equal(pooled(activations, 2)[..., 0], [[2.5, 4.5], [10.5, 12.5]])
    np.testing.assert_array_equal(pooled(activations, 14), activations)
