"""Effects of groups are those of what their maps show."""

import numpy as np
import pytest

from lucidx.attribution import ablate_groups, attribute, probe_at
from lucidx.factorization import compatible_groups, neuron_groups

METHODS = (
    "NMF", "MiniBatchNMF", "KMeans", "PCA", "IncrementalPCA", "FastICA", "TruncatedSVD",
    "FactorAnalysis", "MiniBatchSparsePCA",
)  # fmt: skip


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(1).uniform(0, 1, (16, 12, 3)).astype(np.float32)


def effects_of_maps(found, groups, n=0):
    slopes = found.gradient.astype(np.float64) @ groups.directions.T
    return (groups.spatial[n].reshape(slopes.shape) * slopes).reshape(-1, len(groups)).sum(0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", METHODS)
def test_effects_are_those_of_the_maps_and_the_mean_is_in_the_rest(skipping, image, method):
    found = attribute(skipping, image, "logits:1", "second")
    groups = neuron_groups(skipping, image, "second", 4, method)
    effects = found.groups(groups)
    np.testing.assert_allclose(effects.effects, effects_of_maps(found, groups), atol=1e-6)
    assert effects.effects.sum() + effects.rest == pytest.approx(found.total, abs=1e-12)
    left = groups.activations[0] - groups.spatial[0] @ groups.directions
    assert effects.rest == pytest.approx((left * found.gradient).sum(), abs=1e-4)


@pytest.mark.parametrize("method", ["NMF", "KMeans", "PCA"])
def test_ablation_takes_out_what_the_maps_show(skipping, image, method):
    groups = neuron_groups(skipping, image, "second", 3, method)
    lost = ablate_groups(skipping, image, "logits:1", "second", groups)
    parts = [groups.spatial[0][..., [k]] * d for k, d in enumerate(groups.directions)]
    probe = probe_at(skipping, image, "logits:1", "second")
    scores = probe.scores((groups.activations[0] - part for part in parts), 3)
    np.testing.assert_allclose(lost, [probe.score - score for score in scores], atol=1e-5)
    assert np.abs(lost).min() > 1e-3


def test_each_of_several_images_has_its_own_maps(skipping, obses):
    groups = neuron_groups(skipping, obses, "second", 3, "KMeans")
    for n in (0, 4):
        found = attribute(skipping, obses[n], "logits:1", "second")
        expected = effects_of_maps(found, groups, n)
        np.testing.assert_allclose(found.groups(groups).effects, expected, atol=1e-6)
    dense = neuron_groups(skipping, obses, "pool", 2, "PCA")
    found = attribute(skipping, obses[4], "logits:1", "pool")
    np.testing.assert_allclose(
        found.groups(dense).effects, effects_of_maps(found, dense, 4), atol=1e-6
    )


def test_groups_of_chains_have_the_effects_of_their_maps(skipping, image):
    lower, _ = compatible_groups(skipping, image, ["first", "second"], 3).groups
    found = attribute(skipping, image, "logits:1", "first")
    np.testing.assert_allclose(
        found.groups(lower).effects, effects_of_maps(found, lower), atol=1e-6
    )


@pytest.mark.parametrize("method", ["NMF", "KMeans", "PCA", "FastICA", "TruncatedSVD"])
def test_activations_of_other_images_are_taken_apart_by_the_same_method(skipping, obses, method):
    groups = neuron_groups(skipping, obses, "second", 3, method)
    np.testing.assert_array_equal(groups.coefficients(groups.activations), groups.spatial)
    # Not the activations that were grouped, but nearly.
    other = groups.activations * np.float32(1.001)
    found = groups.coefficients(other)
    assert np.abs(found - groups.spatial).max() < 0.02 * np.abs(groups.spatial).max()
    assert not np.array_equal(found, groups.spatial) or method == "KMeans"


def test_a_baseline_is_taken_apart_like_the_activations(skipping, image):
    groups = neuron_groups(skipping, image, "second", 3, "PCA")
    found = attribute(skipping, image, "logits:1", "second", "path", steps=3, baseline="mean")
    # The mean over positions is what PCA takes off: the groups say nothing of it.
    np.testing.assert_allclose(
        found.groups(groups).effects, effects_of_maps(found, groups), atol=1e-5
    )
