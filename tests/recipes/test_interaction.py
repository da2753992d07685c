import interrupting
import numpy as np
import pytest
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.optvis import objectives
from lucidx.recipes import interaction
from lucidx.recipes.interaction import interaction_grid, interaction_pairs

QUICK = {"size": 24, "steps": 3, "progress": False}


def values(model, grid, channels, layer="high"):
    """Mean of channels in each picture of a grid, `[rows, columns, channels]`."""
    acts = model.activations(grid.reshape(-1, *grid.shape[2:]), layer)[..., channels]
    return acts.mean((1, 2)).reshape(*grid.shape[:2], -1)


def test_weights_decide_what_rises_and_falls(tiny):
    grid = interaction_grid(tiny, "signed:3", "signed:5", **QUICK | {"steps": 30})
    assert grid.shape == (3, 3, 24, 24, 3)
    assert 0 <= grid.min() < grid.max() <= 1
    np.testing.assert_array_equal(grid[1, 1], 0.5)
    of_a, of_b = np.moveaxis(values(tiny, grid, [3, 5], "signed"), -1, 0)
    assert of_a[0, 1] < of_a[1, 1] < of_a[2, 1]
    assert of_b[1, 0] < of_b[1, 1] < of_b[1, 2]
    both, first = of_a + of_b, of_a - of_b
    assert both[2, 2] > max(both[2, 0], both[0, 2]) > both[0, 0]
    assert first[2, 0] > max(first[2, 2], first[0, 0]) > first[0, 2]


def test_pairs_have_both_and_the_diagonal_one(tiny):
    channels = [3, 5, 8]
    grid = interaction_pairs(tiny, [f"high:{c}" for c in channels], **QUICK | {"steps": 40})
    assert grid.shape == (3, 3, 24, 24, 3)
    np.testing.assert_array_equal(grid, grid.swapaxes(0, 1))
    total = values(tiny, grid, channels)
    for i in range(3):
        assert total[i, i, i] == pytest.approx(total[:, :, i].max(), rel=0.1)
        for j in range(3):
            assert total[i, j, [i, j]].sum() > 0.95 * total[i, i, [i, j]].sum()


def test_two_lists_make_every_pair_of_both(tiny):
    grid = interaction_pairs(tiny, ["high:3"], ["high:3", "low:2"], **QUICK)
    assert grid.shape == (1, 2, 24, 24, 3)
    twice = interaction_grid(tiny, "high:3", "low:2", [1], **QUICK)
    np.testing.assert_allclose(grid[0, 1], twice[0, 0], atol=1e-5)


def test_a_picture_does_not_depend_on_the_others(tiny, monkeypatch):
    together = interaction_pairs(tiny, ["high:3", "high:5", "low:1"], **QUICK)
    monkeypatch.setattr(interaction, "_BATCH", 2)
    fewer = interaction_pairs(tiny, ["high:5", "low:1"], **QUICK)
    np.testing.assert_allclose(together[1:, 1:], fewer, atol=1e-4)


def test_pictures_start_from_the_same_noise(tiny):
    one, same, other = (
        interaction_pairs(tiny, ["high:3"], ["high:5"] * 2, **QUICK, seed=seed)
        for seed in (0, 0, 1)
    )
    np.testing.assert_allclose(one[0, 0], one[0, 1], atol=1e-5)
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


def test_models_of_one_size_and_other_channels():
    model = make_model(24, 24, channels=5, flat=True)
    options = QUICK | {"size": None}
    assert interaction_pairs(model, ["scores:1", "scores:2"], **options).shape == (2, 2, 24, 24, 5)


def test_interrupted_what_was_not_begun_is_grey(tiny, monkeypatch):
    monkeypatch.setattr(interaction, "_BATCH", 1)
    stopping = interrupting.after(2, objectives.channel("high", 3))
    grid = interaction_pairs(tiny, [stopping], ["high:3", "high:5"], **QUICK | {"steps": 10_000})
    assert grid[0, 0].std() > 0
    np.testing.assert_array_equal(grid[0, 1], 0.5)


WRONG = {
    "no such layer": ({"b": "hihg:3"}, UnknownLayerError, "high"),
    "no such channel": ({"a": "high:12"}, InvalidValueError, "12"),
    "no weights": ({"weights": []}, InvalidValueError, "one or more"),
    "one weight": ({"weights": 1}, InvalidTypeError, "list"),
    "no numbers": ({"weights": "ab"}, InvalidTypeError, "list"),
    "infinite": ({"weights": [1, np.inf]}, InvalidValueError, "finite"),
    "no size": ({"size": 1}, InvalidValueError, "size"),
    "no steps": ({"steps": 0}, InvalidValueError, "steps"),
    "seed": ({"seed": -1}, InvalidValueError, "seed"),
    "not a model": ({"model": "InceptionV1"}, InvalidTypeError, "lucidx.load"),
}


@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused(tiny, change, error, says):
    with pytest.raises(error, match=says):
        interaction_grid(**{"model": tiny, "a": "high:3", "b": "high:5", **QUICK, **change})


def test_pairs_are_of_lists(tiny):
    with pytest.raises(InvalidTypeError, match="list"):
        interaction_pairs(tiny, "high:3")
    with pytest.raises(InvalidValueError, match="at least one"):
        interaction_pairs(tiny, [])
