import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.factorization import ChannelReducer
from lucidx.misc import channel_reducer

ACTS = np.random.default_rng(0).uniform(0, 1, (2, 5, 4, 7)).astype(np.float32)


def test_lucids_path_has_the_same_class():
    assert channel_reducer.ChannelReducer is ChannelReducer


def test_identity_matrices_need_only_one_of_two_components():
    acts = np.stack([np.identity(10)] * 10)
    reduced = ChannelReducer(2).fit_transform(acts)
    assert reduced.shape == (10, 10, 2)


@settings(deadline=None, max_examples=10)
@given(st.lists(st.integers(1, 4), min_size=0, max_size=3), st.integers(3, 5))
def test_the_last_axis_is_reduced_and_restored(leading, channels):
    acts = np.random.default_rng(0).normal(size=(*leading, 2, channels))
    reducer = ChannelReducer(2, "PCA", svd_solver="full")
    reduced = reducer.fit_transform(acts)
    assert reduced.shape == (*leading, 2, 2)
    restored = reducer.inverse_transform(reduced)
    assert restored.shape == acts.shape
    flat = acts.reshape(-1, channels)
    expected = PCA(2, svd_solver="full").fit(flat)
    np.testing.assert_allclose(
        restored.reshape(flat.shape),
        expected.inverse_transform(expected.transform(flat)),
        atol=1e-9,
    )


def test_float32_stays_float32():
    assert ChannelReducer(3).fit_transform(ACTS).dtype == np.float32


def test_numpy_integers_are_numbers_of_components():
    reducer = ChannelReducer(np.int64(2))
    reducer.fit(ACTS)
    assert reducer.components.shape == (2, 7)


def test_fit_returns_the_estimator_of_scikit_learn():
    reducer = ChannelReducer(2)
    assert reducer.fit(ACTS) is reducer._reducer
    assert reducer._reducer.components_ is reducer.components


def test_calling_fits_once_and_then_only_transforms():
    reducer = ChannelReducer(2)
    reducer(ACTS)
    components = reducer.components.copy()
    reducer(ACTS[::-1] ** 3)
    np.testing.assert_array_equal(reducer.components, components)


def test_a_class_may_be_given_instead_of_its_name():
    np.testing.assert_allclose(
        ChannelReducer(2, PCA, random_state=0).fit_transform(ACTS),
        ChannelReducer(2, "PCA", random_state=0).fit_transform(ACTS),
    )


def test_attributes_are_those_of_the_fitted_estimator_and_no_others():
    reducer = ChannelReducer(2)
    assert not hasattr(reducer, "components")
    with pytest.raises(AttributeError, match="Fit it first"):
        _ = reducer.components
    reducer.fit(ACTS)
    assert "components" in dir(reducer)
    assert reducer.reconstruction_err > 0
    with pytest.raises(AttributeError, match="components"):
        _ = reducer.component


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_and_pickles_transform_alike(again):
    reducer = ChannelReducer(2)
    reducer.fit(ACTS)
    np.testing.assert_array_equal(again(reducer)(ACTS), reducer(ACTS))


def test_unknown_algorithms_are_refused_with_the_closest():
    with pytest.raises(InvalidValueError, match="FastICA"):
        ChannelReducer(2, "FastIca")


@pytest.mark.parametrize("number", [0, -1, 2.5, "3", None, True])
def test_impossible_numbers_of_components_are_refused(number):
    with pytest.raises(InvalidValueError, match="n_components"):
        ChannelReducer(number)


def test_arguments_that_the_algorithm_does_not_take_are_refused():
    with pytest.raises(InvalidTypeError, match="whiten"):
        ChannelReducer(2, "NMF", whiten=True)


def test_nmf_of_negative_activations_is_refused_with_a_way_out():
    with pytest.raises(InvalidValueError, match="PCA"):
        ChannelReducer(2).fit(ACTS - 1)


@pytest.mark.parametrize("bad", [np.full((2, 3), np.nan), np.zeros((0, 3)), np.float32(1)])
def test_what_is_not_activations_is_refused(bad):
    with pytest.raises(InvalidValueError):
        ChannelReducer(2).fit(bad)


def test_transforming_before_fitting_is_an_error():
    with pytest.raises(NotFittedError):
        ChannelReducer(2).transform(ACTS)


def test_algorithms_without_a_way_back_say_so():
    reducer = ChannelReducer(2, "FactorAnalysis")
    with pytest.raises(InvalidValueError, match="way back"):
        reducer.inverse_transform(reducer.fit_transform(ACTS))
