import itertools

import numpy as np
import pytest

from lucidx.errors import InvalidValueError
from lucidx.factorization.channel_reducer import ChannelReducer
from lucidx.factorization.gradients import get_attr
from lucidx.factorization.paths import get_multi_path_attr, get_paths

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ACTS = np.random.default_rng(0).uniform(0, 1, (2, 3, 7)).astype(np.float32)


def factorization(features, acts=ACTS):
    reducer = ChannelReducer(features, max_iter=1000)
    reducer.fit(acts)
    return reducer


def test_paths_go_from_zero_to_the_activations():
    for path in get_paths(ACTS, factorization(3), max_paths=None, integrate_steps=4):
        assert path.shape == (5, *ACTS.shape)
        np.testing.assert_array_equal(path[0], np.zeros_like(ACTS))
        np.testing.assert_allclose(path[-1], ACTS, atol=1e-6)


@pytest.mark.parametrize(("features", "count"), [(1, 2), (2, 2), (3, 6), (4, 6), (5, 20)])
def test_there_is_a_path_for_each_half_of_the_features(features, count):
    paths = list(get_paths(ACTS, factorization(features), max_paths=None, integrate_steps=2))
    assert len(paths) == count
    different = {path[1].tobytes() for path in paths}
    assert len(different) == count


def test_on_a_path_half_of_the_features_come_early_and_half_late():
    nmf = factorization(4)
    path = next(get_paths(ACTS, nmf, max_paths=1, integrate_steps=4))
    features, rest = nmf.transform(ACTS), ACTS - nmf.inverse_transform(nmf.transform(ACTS))
    middle = path[2] - rest / 2
    weights = [np.array(w) for w in itertools.product([0.25, 0.75], repeat=4) if sum(w) == 2]
    assert any(np.allclose(middle, nmf.inverse_transform(features * w), atol=1e-5) for w in weights)


def test_a_path_is_followed_by_the_one_with_halves_exchanged():
    paths = list(get_paths(ACTS, factorization(4), max_paths=4, integrate_steps=4))
    np.testing.assert_allclose(paths[0] + paths[1], paths[2] + paths[3], atol=1e-5)


def test_not_more_paths_than_asked_for_and_the_same_for_a_seed():
    acts = np.random.default_rng(0).uniform(0, 1, (40, 20)).astype(np.float32)
    nmf = factorization(16, acts)

    def paths(seed):
        return list(get_paths(acts, nmf, max_paths=5, integrate_steps=2, seed=seed))

    assert len(paths(0)) == 5
    np.testing.assert_array_equal(paths(0), paths(0))
    assert not np.array_equal(paths(0), paths(1))


def test_attribution_over_paths_is_complete(skipping, obses):
    acts = skipping.activations(obses, "second")
    attribution = get_multi_path_attr(
        skipping, "logits", "second", obses, factorization(3, acts), integrate_steps=100
    )
    # The logits are a constant and a quadratic form of this layer, without mixed terms.
    change = get_attr(skipping, "logits", "second", obses).sum((1, 2, 3)) / 2
    np.testing.assert_allclose(attribution.sum((1, 2, 3)), change, rtol=0.03)


def test_at_least_one_path_and_step_are_needed(skipping, obses):
    for options in ({"max_paths": 0}, {"integrate_steps": 0}):
        with pytest.raises(InvalidValueError, match="At least one"):
            get_multi_path_attr(skipping, "logits", "second", obses, factorization(3), **options)
