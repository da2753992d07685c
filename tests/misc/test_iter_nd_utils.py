"""Nested iteration, sparse arrays, batches."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import InvalidValueError
from lucidx.misc.iter_nd_utils import batch_iter, dict_to_ndarray, recursive_enumerate_nd


def test_items_come_with_their_indices():
    nested = ["ab", [1, (2, 3)], np.array(4), b"c"]
    found = dict(recursive_enumerate_nd(nested))
    assert found == {(0,): "ab", (1, 0): 1, (1, 1, 0): 2, (1, 1, 1): 3, (2,): 4, (3,): b"c"}


def test_iteration_stops_where_it_is_told():
    found = list(recursive_enumerate_nd([[(1, 2)], 3], lambda item: isinstance(item, tuple), (7,)))
    assert found == [((7, 0, 0), (1, 2)), ((7, 1), 3)]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_an_array_survives_being_taken_apart(shape):
    array = np.random.default_rng(0).random(shape, np.float32)
    again = dict_to_ndarray(dict(recursive_enumerate_nd(array)))
    assert np.array_equal(again, array) and again.dtype == np.float32


def test_values_may_be_arrays_and_gaps_are_zero():
    array = dict_to_ndarray({(1, 0): np.array([1, 2], np.int16)})
    assert array.dtype == np.int16 and array.tolist() == [[[0, 0]], [[1, 2]]]


@pytest.mark.parametrize("wrong", [{}, {(0,): 1, (0, 1): 2}, {(0,): [1], (1,): 2}, {(-1,): 1}])
def test_what_is_no_array_is_refused(wrong):
    with pytest.raises(InvalidValueError):
        dict_to_ndarray(wrong)


@pytest.mark.parametrize("kind", [list, iter, tuple])
def test_batches_of_any_iterable_end(kind):
    assert list(batch_iter(kind(range(7)), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batch_iter(kind([]))) == []


def test_batches_of_endless_iterators_are_taken_as_needed():
    assert next(batch_iter(itertools.count(), 2)) == [0, 1]
    with pytest.raises(InvalidValueError, match="at least one"):
        next(batch_iter([1], 0))
