import _thread
from itertools import islice

import numpy as np
import pytest
import tensorflow as tf
from interrupting import after
from PIL import Image
from scipy.ndimage import median_filter
from sklearn.datasets import load_sample_images
from tiny_network import SIZE, make_model

from lucidx.errors import (
    DiagnosisWarning,
    InvalidTypeError,
    InvalidValueError,
    NonFiniteLossError,
    UnknownLayerError,
)
from lucidx.optvis.objectives import channel, direction
from lucidx.optvis.objectives import deepdream as energy
from lucidx.recipes.deepdream import best_match, deepdream, dream_zoom

LAYER = "block5c/output"  # of EfficientNetLite0
STEP = 0.006  # as is usual


@pytest.fixture(scope="module")
def pagoda():
    return np.float32(load_sample_images().images[0][:192, :288] / 255)


def quick(model, photo, objective="high", **settings):
    return deepdream(model, photo, objective, **{"octaves": 2, "steps": 3, **settings})


def value(model, objective, image):
    """An objective of a whole picture."""
    return float(objective(lambda layer: model.activations(image[np.newaxis], layer)))


def test_a_dream_has_more_of_what_the_layer_sees_and_is_still_that_photo(efficientnet, pagoda):
    dream = quick(efficientnet, pagoda, LAYER)
    assert dream.shape == pagoda.shape and dream.dtype == np.float32
    assert dream.min() >= 0 and dream.max() <= 1
    start, end = (value(efficientnet, energy(LAYER), image) for image in (pagoda, dream))
    assert end > 1.3 * start
    assert np.corrcoef(dream.ravel(), pagoda.ravel())[0, 1] > 0.9


def test_tiles_leave_no_seams(efficientnet, pagoda):
    """No line of pixels stands out among its neighbours, as where dreams of parts are joined."""

    def dream(photo):
        return deepdream(efficientnet, photo, LAYER, octaves=1, steps=3, tile=96)

    def strongest_line(change):
        edges = (np.abs(np.diff(change, axis=axis)).mean((1 - axis, 2)) for axis in (0, 1))
        return max((e / median_filter(e, 31, mode="nearest"))[4:-4].max() for e in edges)

    parts = [[dream(part) for part in np.split(row, 3, 1)] for row in np.split(pagoda, 2)]
    joined = np.concatenate([np.concatenate(row, 1) for row in parts])
    assert strongest_line(joined - pagoda) > 2
    assert strongest_line(dream(pagoda) - pagoda) < 1.5


def test_each_objective_gets_more_of_what_it_asks_for_than_the_others(tiny, photo):
    vec = np.random.default_rng(0).normal(size=12)
    meant = [energy("low"), channel("high", 3), direction("signed", vec)]
    meant.append(0.5 * channel("low", 1) + channel("high", 2))
    asked = ["low", "high:3", *meant[2:]]
    dreams = [quick(tiny, photo, objective, steps=8) for objective in asked]
    gains = [
        [value(tiny, objective, dream) - value(tiny, objective, photo) for dream in dreams]
        for objective in meant
    ]
    assert np.diagonal(gains).min() > 0
    np.testing.assert_array_equal(np.argmax(gains, 1), range(len(asked)))


def test_layers_are_objects_or_names_and_by_default_one_is_chosen(efficientnet, pagoda):
    small = pagoda[::2, ::2]
    late = "block6a/expand"
    named = quick(efficientnet, small, late, steps=1)
    for given in (None, efficientnet.get_layer(late), energy(late)):
        np.testing.assert_array_equal(quick(efficientnet, small, given, steps=1), named)


def test_a_step_changes_the_photo_by_its_size(tiny, photo):
    grey = 0.25 + 0.5 * photo  # nowhere near black or white
    for size in (0.001, 0.01):
        dream = quick(tiny, grey, octaves=1, steps=1, step_size=size)
        assert np.abs(dream - grey).mean() == pytest.approx(size, rel=0.01)


def test_the_same_gradient_everywhere_changes_all_alike(tiny, photo):
    for scale in (1e-20, 1, 1e10):
        dream = quick(tiny, 0.5 * photo, lambda T, s=scale: s * tf.reduce_mean(T("input")))
        np.testing.assert_allclose(dream - 0.5 * photo, 3 * STEP, atol=STEP / 20)


def test_details_of_smaller_octaves_are_kept(tiny):
    noise = np.random.default_rng(0).normal(0.5, 0.02, (240, 240, 3)).astype(np.float32)

    def coarse_change(**settings):
        change = deepdream(tiny, noise, "high", steps=4, **settings) - noise
        return np.abs(change.reshape(30, 8, 30, 8, 3).mean((1, 3))).mean()

    assert coarse_change(octaves=2, octave_scale=3.5) > 1.5 * coarse_change(octaves=1)


def test_the_same_seed_gives_the_same_dream(tiny, photo):
    first, again, other = (quick(tiny, photo, tile=64, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > STEP


def test_bytes_are_as_good_as_floats_and_the_photo_is_left_as_it_is(tiny):
    photo = np.random.default_rng(0).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    floats = np.float32(photo / 255)
    kept = floats.copy()
    np.testing.assert_array_equal(quick(tiny, photo), quick(tiny, floats))
    np.testing.assert_array_equal(floats, kept)


def test_a_large_photo_can_be_reduced_first(tiny, photo):
    assert quick(tiny, photo, size=20).shape == (15, 20, 3)
    assert quick(tiny, photo, size=1000).shape == photo.shape


@pytest.mark.parametrize("shape", [(10, 15), (SIZE, SIZE), (50, 70)])
def test_models_for_images_of_one_size_see_tiles_of_that_size(shape):
    model = make_model(flat=True)
    photo = np.random.default_rng(0).random((*shape, 3), np.float32)
    dream = quick(model, photo, "scores:1")
    assert dream.shape == photo.shape and np.abs(dream - photo).max() > STEP
    with pytest.raises(InvalidValueError, match="24x24"):
        quick(model, photo, "scores:1", tile=64)


def test_models_of_any_number_of_channels():
    model = make_model(16, 20, channels=5)
    photo = np.full((31, 33, 5), 0.3)
    dream = quick(model, photo, guide=np.random.default_rng(0).random((9, 9, 5)))
    assert dream.shape == photo.shape and np.abs(dream - photo).max() > STEP


def test_a_guided_dream_resembles_its_guide(efficientnet, pagoda):
    flower = np.float32(load_sample_images().images[1][:192, 100:292] / 255)
    guides = [flower, pagoda[::-1]]
    acts = [efficientnet.activations(guide, LAYER).reshape(-1, 112) for guide in guides]
    dreams = [quick(efficientnet, pagoda, LAYER, guide=guide) for guide in guides]
    likeness = np.array(
        [[value(efficientnet, best_match(LAYER, a), dream) for dream in dreams] for a in acts]
    )
    before = [value(efficientnet, best_match(LAYER, a), pagoda) for a in acts]
    assert (likeness.diagonal() > before).all()
    np.testing.assert_array_equal(likeness.argmax(1), [0, 1])


def test_frames_go_on_into_the_middle_of_the_last_one(tiny):
    x = np.linspace(0, 1, 120, dtype=np.float32)
    photo = np.stack(np.broadcast_arrays(x, x[:80, np.newaxis], 0.5), -1)
    frames = list(islice(dream_zoom(tiny, photo, "high", zoom=1.5, steps=1, step_size=0.001), 3))
    assert [frame.shape for frame in frames] == [photo.shape] * 3
    for n, frame in enumerate(frames):
        assert frame.min() >= 0 and frame.max() <= 1
        # Of what rises from left to right, there is less in each frame.
        assert np.ptp(frame[40, :, 0]) == pytest.approx(1.5**-n, abs=0.05)
        assert frame[40, 60, 0] == pytest.approx(0.5, abs=0.05)


def test_interrupted_the_dream_so_far_is_returned(tiny, photo):
    photo = np.tile(photo, (5, 5, 1))  # so that there is more than one octave
    first, second = (
        deepdream(tiny, photo, after(evaluations, energy("high")), octaves=2, steps=8)
        for evaluations in (3, 12)
    )
    assert first.shape == second.shape == photo.shape
    assert STEP < np.abs(first - photo).mean() < np.abs(second - photo).mean()
    frames = dream_zoom(tiny, photo, after(7, energy("high")), octaves=1, steps=2)
    assert len(list(frames)) == 4


def test_interrupted_while_it_is_magnified_a_frame_is_the_last(tiny, photo, monkeypatch):
    resize = Image.Image.resize

    def pressing(band, size, how, box=None):
        if box is not None:
            _thread.interrupt_main()
        return resize(band, size, how, box)

    monkeypatch.setattr(Image.Image, "resize", pressing)
    frames = dream_zoom(tiny, photo, energy("high"), zoom=1.5, octaves=1, steps=1)
    assert len(list(islice(frames, 5))) == 1


def test_it_works_while_a_graph_is_being_built(tiny, photo):
    outside = quick(tiny, photo)
    with tf.Graph().as_default():
        np.testing.assert_array_equal(quick(tiny, photo), outside)


def test_what_has_no_gradient_is_warned_of_and_changes_nothing(tiny, photo):
    with pytest.warns(DiagnosisWarning, match="dead_gradient"):
        dream = quick(tiny, photo, 0 * channel("high", 1))
    np.testing.assert_allclose(dream, photo, atol=1e-6)


def test_an_objective_that_is_not_a_number_ends_the_dream(tiny, photo):
    with pytest.raises(NonFiniteLossError, match="step 0") as caught:
        quick(tiny, photo, lambda T: tf.reduce_mean(tf.math.log(-1 - T("high"))))
    assert caught.value.image.shape == (1, *photo.shape)


WRONG = {
    "no such layer": ({"objective": "hihg"}, UnknownLayerError, "high"),
    "no such channel": ({"objective": "high:12"}, InvalidValueError, "12 channels"),
    "no objective": ({"objective": 3}, InvalidTypeError, "3"),
    "transparent": ({"photo": np.zeros((24, 24, 4))}, InvalidValueError, r"images\[..., :3\]"),
    "two photos": ({"photo": np.zeros((2, 24, 24, 3))}, InvalidValueError, "one photo"),
    "not in range": ({"photo": np.full((24, 24, 3), 200.0)}, InvalidValueError, "0..1"),
    "no octaves": ({"octaves": 0}, InvalidValueError, "octaves"),
    "octaves that do not grow": ({"octave_scale": 1}, InvalidValueError, "octave_scale"),
    "half a step": ({"steps": 1.5}, InvalidTypeError, "steps"),
    "no size of step": ({"step_size": float("nan")}, InvalidValueError, "step_size"),
    "a word": ({"step_size": "small"}, InvalidTypeError, "step_size"),
    "tiny tiles": ({"tile": 8}, InvalidValueError, "tile"),
    "no size": ({"size": 0}, InvalidValueError, "size"),
    "negative seed": ({"seed": -1}, InvalidValueError, "seed"),
    "a guide for a channel": (
        {"objective": channel("high", 1), "guide": np.zeros((24, 24, 3))},
        InvalidTypeError,
        "layer",
    ),
    "not a model": ({"model": "InceptionV1"}, InvalidTypeError, "lucidx.load"),
}


@pytest.mark.parametrize("recipe", [deepdream, dream_zoom])
@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused_at_once(tiny, photo, recipe, change, error, says):
    with pytest.raises(error, match=says):
        recipe(**{"model": tiny, "photo": photo, "objective": "high", **change})


def test_a_zoom_is_onwards(tiny, photo):
    with pytest.raises(InvalidValueError, match="zoom"):
        dream_zoom(tiny, photo, "high", zoom=0.9)
