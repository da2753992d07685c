import interrupting
import numpy as np
import pytest
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.optvis import objectives
from lucidx.recipes.interpolation import interpolate


def quick(model, asked=("high:3", "high:5"), n=3, **options):
    options = {"size": 24, "steps": 3, "progress": False} | options
    return interpolate(model, list(asked), n, **options)


def test_there_are_n_pictures_from_each_objective_to_the_next(tiny):
    images = quick(tiny, ["high:3", "low:1", "scores:2"], 4)
    assert images.shape == (7, 24, 24, 3)
    assert images.dtype == np.float32
    assert 0 <= images.min() < images.max() <= 1


def test_one_objective_falls_and_the_other_rises(tiny):
    images = quick(tiny, n=4, steps=60)
    one, other = tiny.activations(images, "high")[..., [3, 5]].mean((1, 2)).T
    assert one[0] > 1.1 * one[-1]
    assert other[-1] > 1.1 * other[0]
    assert (np.diff(one) < 0.02 * one[0]).all() and (np.diff(other) > -0.02 * other[-1]).all()


def test_in_the_middle_of_a_way_is_the_objective_alone(efficientnet):
    layer, channels = "block3b/output", [3, 10, 20]
    asked = [f"{layer}:{channel}" for channel in channels]
    images = quick(efficientnet, asked, 2, size=48, steps=24)
    values = efficientnet.activations(images, layer)[..., channels].mean((1, 2))
    assert values.argmax(0).tolist() == [0, 1, 2]


def test_neighbours_are_aligned(tiny):
    """They differ far less than pictures that share nothing."""
    images, others = (quick(tiny, n=4, steps=40, seed=seed) for seed in (0, 1))
    change = np.abs(images[1:] - images[:-1]).mean()
    assert 0.01 < change < 0.4 * np.abs(images[1:] - others[:-1]).mean()


def test_the_same_seed_gives_the_same_pictures(tiny):
    first, again, other = (quick(tiny, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_models_of_one_size_and_other_channels():
    model = make_model(24, 24, channels=5, flat=True)
    assert quick(model, ["scores:1", "scores:2"], size=None).shape == (3, 24, 24, 5)
    assert quick(model, ["scores:1", "scores:2"], size=30).shape == (3, 30, 30, 5)


def test_interrupted_there_are_the_pictures_so_far(tiny):
    stopping = interrupting.after(3, objectives.channel("high", 3))
    assert quick(tiny, [stopping, "high:5"], steps=10_000).shape == (3, 24, 24, 3)


WRONG = {
    "one end": ({"asked": ["high:3"]}, InvalidValueError, "two"),
    "no such layer": ({"asked": ["high:3", "hihg:3"]}, UnknownLayerError, "high"),
    "no such channel": ({"asked": ["high:3", "high:12"]}, InvalidValueError, "12"),
    "one picture": ({"n": 1}, InvalidValueError, "n is"),
    "no size": ({"size": 1}, InvalidValueError, "size"),
    "no steps": ({"steps": 0}, InvalidValueError, "steps"),
    "not a model": ({"model": "InceptionV1"}, InvalidTypeError, "lucidx.load"),
}


@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused(tiny, change, error, says):
    with pytest.raises(error, match=says):
        quick(**{"model": tiny, **change})


def test_objectives_are_a_list(tiny):
    with pytest.raises(InvalidTypeError, match="list"):
        interpolate(tiny, "high:3")
