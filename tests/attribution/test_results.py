import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx import basis
from lucidx.attribution import Attribution, ablate_groups, attribute, curves, layer_attribution
from lucidx.errors import InvalidTypeError, InvalidValueError

VALUES = np.float32([[[1, -4, 0], [2, 0, 0]], [[0, 0.5, 0], [-0.5, 0, 0]]])


def made(values=VALUES, shape=None, **fields):
    activations = np.ones(values.shape if shape is None else shape, np.float32)
    return Attribution("m", "l", "dog", "own", values, activations, 2.0, **fields)


def random_basis(layer, depth, count, seed=0, nonnegative=False):
    directions = np.random.default_rng(seed).random((count, depth), np.float32)
    return basis.Basis(layer, directions, nonnegative=nonnegative)


def test_sums_over_channels_and_positions():
    found = made()
    np.testing.assert_array_equal(found.spatial(), [[-3, 2], [0.5, -0.5]])
    np.testing.assert_array_equal(found.channels(), [2.5, -3.5, 0])
    assert found.total == -1


def test_strongest_neurons_first_and_none_that_did_nothing():
    found = made().neurons(top=3)
    assert found[:2] == [((0, 0), 1, -4.0), ((0, 1), 0, 2.0)]
    assert found[2] == ((0, 0), 0, 1.0)
    assert len(made().neurons(top=100)) == 5


def test_strongest_channels_for_and_against():
    top = made().top(2)
    assert top.supporting == [(0, 2.5)]
    assert top.opposing == [(1, -3.5)]


def test_a_dense_layer_has_channels_and_one_position():
    found = made(np.float32([1, -2, 3]))
    np.testing.assert_array_equal(found.channels(), [1, -2, 3])
    assert found.spatial() == 2
    assert found.neurons(1) == [((), 2, 3.0)]


@pytest.mark.parametrize("shape, fails, works", [
    ((2, 2, 1), "channels", "spatial"), ((1, 1, 3), "spatial", "channels"),
])  # fmt: skip
def test_attribution_to_whole_units_says_nothing_of_others(shape, fails, works):
    found = made(np.ones(shape, np.float32), (2, 2, 3))
    assert getattr(found, works)().size in (4, 3)
    with pytest.raises(InvalidValueError, match="whole"):
        getattr(found, fails)()
    with pytest.raises(InvalidValueError, match="not to neurons"):
        found.neurons()


def test_gap_is_what_the_total_misses_of_the_change_in_score():
    found = made(baseline_scorer=lambda: 3.5)
    assert found.gap == pytest.approx(0.5)
    assert found.relative_gap == pytest.approx(0.5 / 1.5)
    assert made(baseline_scorer=lambda: 2.0).relative_gap == -np.inf
    assert made().gap is made().relative_gap is made().baseline_score is None


def test_what_weights_hide_is_a_part_of_the_change_too():
    found = made(baseline_scorer=lambda: 3.5, unweighted_total=-1.8)
    assert found.unweighted_gap == pytest.approx(-0.3 / 1.5)
    assert made(baseline_scorer=lambda: 2.0, unweighted_total=1.0).unweighted_gap == np.inf
    assert made(baseline_scorer=lambda: 3.5).unweighted_gap is None


def test_values_cannot_be_changed():
    found = made()
    with pytest.raises(ValueError):
        found.values[0, 0, 0] = 1
    with pytest.raises(AttributeError):
        found.score = 3


def test_an_attribution_can_be_kept_in_a_file(small, noise):
    found = attribute(small, noise[0], "dog", "late")
    kept = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(kept.values, found.values)
    assert kept.gap == found.gap


@given(seed=st.integers(0, 10), count=st.integers(1, 12), nonnegative=st.booleans())
@settings(deadline=None, max_examples=12)
def test_effects_of_groups_and_the_rest_add_up_to_the_layer(small, noise, seed, count, nonnegative):
    found = attribute(small, noise[0], "dog", "late")
    groups = found.groups(random_basis("late", 8, count, seed, nonnegative))
    assert groups.effects.shape == (count,)
    assert groups.effects.sum() + groups.rest == pytest.approx(found.total, abs=1e-12)
    np.testing.assert_allclose(groups.spatial.sum((0, 1)), groups.effects)


def test_groups_that_make_up_the_activations_leave_no_rest(small, noise):
    for layer in ("late", "mean"):
        found = attribute(small, noise[0], "dog", layer, "path")
        groups = found.groups(random_basis(layer, 8, 8))
        assert groups.rest == pytest.approx(0, abs=1e-4)


def test_channels_as_groups_are_the_channels(small, noise):
    found = attribute(small, noise[0], "dog", "late")
    groups = found.groups(basis.channels(small, "late"))
    np.testing.assert_allclose(groups.effects, found.channels(), atol=1e-6)
    assert groups.rest == pytest.approx(0, abs=1e-6)
    assert groups.names[2] == "late:2"


def test_a_baseline_is_taken_apart_like_the_activations(small, noise):
    found = attribute(small, noise[0], "dog", "late", "path", baseline="mean")
    groups = random_basis("late", 8, 3, nonnegative=True)
    effects = found.groups(groups)
    parts = groups.coefficients(found.activations) - groups.coefficients(found.baseline)
    expected = (parts * (found.gradient @ groups.directions.T)).sum((0, 1))
    np.testing.assert_allclose(effects.effects, expected, atol=1e-5)
    assert effects.effects.sum() + effects.rest == pytest.approx(found.total, abs=1e-12)


def test_results_are_short_to_look_at(small, noise):
    found = attribute(small, noise[0], "dog", "late")
    groups = found.groups(random_basis("late", 8, 3))
    assert repr(groups).startswith(f"<GroupAttribution: 0 {groups.effects[0]:+.4g}, 1 ")
    assert f"rest {groups.rest:+.4g}" in repr(groups)
    many = found.groups(random_basis("late", 8, 40))
    assert "32 weaker ones" in repr(many)
    assert repr(layer_attribution(small, noise[0], "early", "late")) == (
        "<LayerAttribution of 4x4 of 'late' to 8x8 of 'early'>"
    )
    curve = curves(small, noise[0], "dog", found, steps=4)
    assert repr(curve) == f"<Curve of insertion: 5 scores, mean height {curve.auc:.4g}>"


def test_ablated_groups_take_their_part_out(small, noise):
    directions = random_basis("late", 8, 3)
    effects = ablate_groups(small, noise[0], "dog", "late", directions)
    at = small.activations(noise[0], "late")
    part = directions.coefficients(at)[..., 1:2] * directions.directions[1]
    without = small.function("logits", "late")((at - part)[np.newaxis])[0, 3]
    score = small.activations(noise[0], "logits")[3]
    assert effects[1] == pytest.approx(score - float(without), abs=1e-5)


def test_what_is_no_basis_of_the_layer_is_refused(small, noise):
    found = attribute(small, noise[0], "dog", "late")
    with pytest.raises(InvalidValueError, match="are of 'early'"):
        found.groups(random_basis("early", 8, 2))
    with pytest.raises(InvalidValueError, match="have 5 channels"):
        found.groups(random_basis("late", 5, 2))
    with pytest.raises(InvalidTypeError, match="Basis"):
        found.groups(np.ones([2, 8]))
    ablated = attribute(small, noise[0], "dog", "late", "ablation")
    with pytest.raises(InvalidValueError, match="ablate_groups"):
        ablated.groups(random_basis("late", 8, 2))
    with pytest.raises(InvalidValueError, match="At least 1"):
        found.top(0)
