import numpy as np
import pytest

from lucidx.errors import InvalidValueError
from lucidx.factorization import compatible_groups, neuron_groups
from lucidx.factorization.compatible import _gradients_of_groups
from lucidx.factorization.signs import NegativeActivationsError


def test_each_layer_is_grouped_and_the_last_as_on_its_own(skipping, obses):
    found = compatible_groups(skipping, obses, ["first", "second"], [3, 4])
    assert [len(groups) for groups in found.groups] == [3, 4]
    assert [groups.layer for groups in found.groups] == ["first", "second"]
    alone = neuron_groups(skipping, obses, "second", 4)
    np.testing.assert_array_equal(found.groups[1].spatial, alone.spatial)
    lower = found.groups[0]
    left = lower.activations - lower.spatial @ lower.directions
    assert lower.error == pytest.approx(
        np.linalg.norm(left) / np.linalg.norm(lower.activations), rel=1e-4
    )


def test_effects_are_what_groups_add_to_the_next_layers_groups(skipping, obses):
    found = compatible_groups(skipping, obses, ["first", "second"], [3, 2])
    lower, upper = found.groups
    activity = skipping.function("second", "first")
    for j in range(2):
        share = upper.spatial[..., [j]] * upper.directions[j]

        def value(acts, share=share):
            return float((np.asarray(activity(acts), np.float64) * share).sum())

        for k in range(3):
            part = lower.spatial[..., [k]] * lower.directions[k]
            step = 1e-3
            more = value(lower.activations + step * part)
            less = value(lower.activations - step * part)
            difference = (more - less) / (2 * step)
            assert found.effects[0][k, j] == pytest.approx(difference, rel=0.02, abs=0.5)


def test_layers_with_channels_first_are_the_same_layers(skipping, obses):
    plain = compatible_groups(skipping, obses, ["first", "second"], 2)
    first = compatible_groups(skipping, obses, ["first", "channels_first"], 2)
    np.testing.assert_allclose(first.effects[0], plain.effects[0], rtol=1e-3)


def test_several_images_dense_layers_and_chains_work(skipping, obses):
    found = compatible_groups(skipping, obses, ["first", "second", "pool"], 2)
    assert [effect.shape for effect in found.effects] == [(2, 2), (2, 2)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": ["second"]}, "Two or more"),
        ({"layers": "second"}, "Two or more"),
        ({"layers": ["second", "first"]}, "does not depend on"),
        ({"layers": ["first", "second"], "n_groups": [1, 2, 3]}, "3 numbers"),
        ({"layers": ["second_pre_relu", "second"]}, "must not be negative"),
    ],
)
def test_impossible_chains_are_refused(skipping, obses, arguments, message):
    with pytest.raises(InvalidValueError, match=message):
        compatible_groups(skipping, obses, **{"n_groups": 2, **arguments})


def test_negative_layers_are_refused_without_a_method_that_cannot_be_chosen(skipping, obses):
    for layers in (["first", "second_pre_relu"], ["second_pre_relu", "second"]):
        with pytest.raises(NegativeActivationsError, match="such as") as caught:
            compatible_groups(skipping, obses, layers, 2)
        assert "PCA" not in str(caught.value)


def test_compatible_groups_are_short_to_look_at(skipping, obses):
    found = compatible_groups(skipping, obses, ["first", "second"], 2)
    lower, upper = map(repr, found.groups)
    assert repr(found) == f"<CompatibleGroups: {lower}, then {upper}>"


@pytest.mark.slow
def test_compatible_groups_feed_fewer_groups_than_others_do(inception_v1, dog_cat):
    found = compatible_groups(inception_v1, dog_cat, ["mixed4a", "mixed4d"], 6)
    other = neuron_groups(inception_v1, dog_cat, "mixed4a", 6)
    gradient = _gradients_of_groups(inception_v1, dog_cat, "mixed4a", found.groups[1])
    effects = np.einsum("nhwk,kc,nhwcj->kj", other.spatial, other.directions, gradient)

    def concentration(effects):
        """How much of what a group does it does to one group."""
        return (np.abs(effects).max(1) / np.abs(effects).sum(1)).mean()

    assert concentration(found.effects[0]) > concentration(effects) + 0.02
