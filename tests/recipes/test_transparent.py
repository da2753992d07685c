import interrupting
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.optvis import objectives
from lucidx.recipes.feature_visualization import channel
from lucidx.recipes.transparent import checkerboard, over, premultiplied, transparent

PICTURES = arrays(np.float32, (3, 4, 4), elements=st.floats(0, 1, width=32))


def quick(*args, **kwargs):
    return transparent(*args, **{"steps": 3, "progress": False, **kwargs})


@pytest.fixture(scope="module")
def spot(tiny):
    """What a neuron looks for, which sees a spot in the middle and nothing else."""
    return quick(tiny, objectives.neuron("high", 3), 32, steps=150).images[0]


def test_pictures_have_opacity_and_are_of_the_size_asked_for(tiny):
    images, frames = quick(tiny, ["high:3", "low:1"])
    assert images.shape == (2, 24, 24, 4) and images.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 1
    assert frames.shape == (0, 2, 24, 24, 4)
    assert quick(tiny, "high:3", 30).images.shape == (1, 30, 30, 4)


def test_what_does_not_matter_becomes_transparent(spot):
    opacity = spot[..., 3]
    assert opacity[13:19, 13:19].mean() > 0.75
    assert opacity[[0, -1]].mean() < 0.25


def test_the_objective_rises_before_any_background(tiny, spot):
    start = quick(tiny, objectives.neuron("high", 3), 32, steps=1).images[0]
    backgrounds = [(0, 0, 0), (1, 1, 1), (0, 0, 1), checkerboard(32, 32)]
    before, after = (
        tiny.activations(np.stack([over(image, b) for b in backgrounds]), "high")[:, 8, 8, 3]
        for image in (start, spot)
    )
    assert after.min() > 2 * before.max()


def test_a_channel_of_a_trained_network_rises_and_leaves_room(efficientnet):
    layer = "block3b/output"
    start, end = (
        quick(efficientnet, objectives.neuron(layer, 3), 64, steps=n).images[0] for n in (1, 60)
    )
    both = efficientnet.activations(
        np.stack([over(p, (0.5, 0.5, 0.5)) for p in (start, end)]), layer
    )
    assert both[1, 4, 4, 3] > both[0, 4, 4, 3] + both[0].std()
    assert end[..., 3].mean() < 0.4 < end[30:34, 30:34, 3].mean()


def test_channels_look_as_in_feature_visualization(tiny):
    same, _ = channel(tiny, "high", 3, alpha=True, n_steps=8, seed=0)
    np.testing.assert_allclose(quick(tiny, "high:3", steps=8).images, same, atol=1e-4)


def test_frames_show_the_way(tiny):
    images, frames = quick(tiny, "high:3", steps=30, frames=5)
    assert frames.shape == (5, 1, 24, 24, 4) and frames.dtype == np.uint8
    np.testing.assert_allclose(frames[-1] / 255, images, atol=0.5 / 255 + 1e-6)
    first = quick(tiny, "high:3", steps=1).images
    np.testing.assert_allclose(frames[0] / 255, first, atol=0.5 / 255 + 1e-6)
    distance = np.abs(frames / 255 - images).mean((1, 2, 3, 4))
    assert (np.diff(distance) < 0).all()


def test_there_are_no_more_frames_than_steps(tiny):
    assert len(quick(tiny, "high:3", steps=3, frames=50).frames) == 3
    assert len(quick(tiny, "high:3", steps=3, frames=1).frames) == 1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_pictures(tiny):
    first, again, other = (quick(tiny, "high:3", seed=seed).images for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


@pytest.mark.slow
def test_models_of_any_proportions_and_of_one_size():
    assert quick(make_model(16, 20), "scores:1").images.shape == (1, 16, 20, 4)
    assert quick(make_model(24, 24, flat=True), "scores:1", 30).images.shape == (1, 30, 30, 4)


def test_interrupted_there_are_the_pictures_so_far(tiny):
    stopping = interrupting.after(5, objectives.channel("high", 3))
    images, frames = quick(tiny, stopping, steps=99, frames=99)
    assert images.shape == (1, 24, 24, 4) and 3 <= len(frames) <= 8
    assert np.abs(frames[-1] / 255 - images).max() < 0.1


WRONG = {
    "no such layer": ({"objective": ["high:1", "hihg:3"]}, UnknownLayerError, "high"),
    "no such channel": ({"objective": "high:12"}, InvalidValueError, "12"),
    "nothing": ({"objective": []}, InvalidValueError, "at least one"),
    "no objective": ({"objective": 3}, InvalidTypeError, "3"),
    "no size": ({"size": 1}, InvalidValueError, "size"),
    "no steps": ({"steps": 0}, InvalidValueError, "steps"),
    "frames": ({"frames": -1}, InvalidValueError, "frames"),
    "a seed": ({"seed": -1}, InvalidValueError, "seed"),
    "no colours": ({"model": make_model(channels=5)}, InvalidValueError, "images of 5"),
    "not a model": ({"model": "InceptionV1"}, InvalidTypeError, "lucidx.load"),
}


@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused(tiny, change, error, says):
    with pytest.raises(error, match=says):
        quick(**{"model": tiny, "objective": "high:3", **change})


@settings(max_examples=30, deadline=None)
@given(PICTURES)
def test_pictures_before_a_background_are_between_paint_and_background(picture):
    for background in (np.array([0.25, 0.5, 1]), checkerboard(3, 4, 1)):
        seen = over(picture, background)
        low = np.minimum(picture[..., :3], background)
        high = np.maximum(picture[..., :3], background)
        assert (seen >= low - 1e-6).all() and (seen <= high + 1e-6).all()


@settings(max_examples=30, deadline=None)
@given(PICTURES)
def test_premultiplied_pictures_are_composed_by_adding(picture):
    ready = premultiplied(picture)
    np.testing.assert_array_equal(ready[..., 3], picture[..., 3])
    background = checkerboard(3, 4, 2)
    composed = ready[..., :3] + (1 - ready[..., 3:]) * background
    np.testing.assert_allclose(composed, over(picture, background), atol=1e-6)
    np.testing.assert_array_equal(over(picture, (0, 0, 0)), ready[..., :3])


def test_opaque_parts_hide_the_background_and_empty_ones_show_it():
    picture = np.zeros((2, 8, 8, 4))
    picture[:, :, :4] = (1, 0.5, 0, 1)
    seen = over(picture, (0, 0, 1))
    np.testing.assert_array_equal(seen[:, :, :4], np.broadcast_to([1, 0.5, 0], (2, 8, 4, 3)))
    np.testing.assert_array_equal(seen[:, :, 4:], np.broadcast_to([0, 0, 1], (2, 8, 4, 3)))


def test_bytes_are_as_good_as_floats():
    picture = np.random.default_rng(0).integers(0, 256, (5, 6, 4)).astype(np.uint8)
    np.testing.assert_allclose(over(picture, (1, 1, 1)), over(picture / 255, (1, 1, 1)), atol=1e-6)


def test_a_checkerboard_alternates():
    board = checkerboard(20, 33, 8)
    assert board.shape == (20, 33, 3) and board.dtype == np.float32
    assert board[0, 0, 0] == board[8, 8, 0] == board[0, 16, 0] == board[7, 7, 0]
    assert board[0, 8, 0] == board[8, 0, 0] < board[0, 0, 0]


@pytest.mark.parametrize(
    ("images", "background", "error"),
    [
        (np.zeros((2, 2, 3)), (0, 0, 0), InvalidValueError),
        (np.zeros((2, 2, 4)), (0, 0), InvalidValueError),
        (np.zeros((2, 2, 4)), np.zeros((2, 3, 3)), InvalidValueError),
        (np.zeros((2, 2, 4)), (0, 0, 255), InvalidValueError),
        (np.zeros((2, 2, 4)), (0, 0, np.nan), InvalidValueError),
        (np.zeros((2, 2, 4)), "red", InvalidTypeError),
    ],
)
def test_what_cannot_be_composed_is_refused(images, background, error):
    with pytest.raises(error):
        over(images, background)
