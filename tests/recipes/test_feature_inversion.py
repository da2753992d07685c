import numpy as np
import pytest
from interrupting import after
from sklearn.datasets import load_sample_images
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.recipes import feature_inversion
from lucidx.recipes.feature_inversion import inversion, invert


def quick(model, photo, layers="high", **settings):
    return invert(model, photo, layers, **{"steps": 3, "seed": 0, **settings})


def total_variation(image):
    return np.abs(np.diff(image, axis=0)).mean() + np.abs(np.diff(image, axis=1)).mean()


def test_there_is_an_image_for_each_layer_and_strength(tiny, photo):
    found = quick(tiny, photo, ["low", "high"], strengths=[0, 1, 10])
    assert found.photo.shape == (24, 24, 3)
    assert found.images.shape == (2, 3, 24, 24, 3) and found.images.dtype == np.float32
    assert found.images.min() >= 0 and found.images.max() <= 1
    assert found.distances.shape == (2, 3)


def test_distances_are_those_of_activations_in_lengths_of_the_photos(tiny, photo):
    found = quick(tiny, photo, ["low", "high"])
    for layer, (image,), (distance,) in zip(
        ["low", "high"], found.images, found.distances, strict=True
    ):
        original, made = tiny.activations(np.stack([found.photo, image]), layer)
        ratio = np.linalg.norm(made - original) / np.linalg.norm(original)
        assert distance == pytest.approx(ratio, rel=1e-5)


def test_images_come_close_to_the_photo_for_their_layer(tiny, photo):
    start, end = (
        quick(tiny, photo, ["low", "high"], steps=steps, strengths=0.01).distances
        for steps in (1, 200)
    )
    assert (end < 0.5 * start).all()


def test_more_strength_makes_smoother_images_that_are_further_away(tiny, photo):
    found = quick(tiny, photo, strengths=[0, 1, 30], steps=100)
    (images,), (distances,) = found.images, found.distances
    rough = [total_variation(image) for image in images]
    assert rough == sorted(rough, reverse=True) and rough[0] > 1.5 * rough[2]
    assert distances[2] > 1.3 * distances[0]


@pytest.mark.slow
def test_early_layers_know_more_of_the_photo_than_late_ones(efficientnet):
    photo = load_sample_images().images[0][:400, :400]
    layers = ["block3b/output", "block7a/output"]
    found = quick(efficientnet, photo, layers, strengths=0.5, steps=128)
    early, late = (np.abs(image - found.photo).mean() for (image,) in found.images)
    assert early < 0.7 * late
    assert (found.distances < 0.7).all()


def test_models_of_any_proportions_and_channels():
    model = make_model(16, 20, channels=5)
    found = quick(model, np.full((31, 33, 5), 0.3), steps=1)
    assert found.images.shape == (1, 1, 16, 20, 5)


def test_models_for_images_of_one_size(photo):
    assert quick(make_model(flat=True), photo, "scores").images.shape == (1, 1, 24, 24, 3)


def test_the_same_seed_gives_the_same_images(tiny, photo):
    first, again, other = (quick(tiny, photo, seed=seed).images for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_interrupted_what_there_is_of_the_layers_so_far_is_returned(tiny, photo, monkeypatch):
    monkeypatch.setattr(
        feature_inversion,
        "inversion",
        lambda layer, n, strength: after(
            4 if layer == "high" else 0, inversion(layer, n, strength)
        ),
    )
    found = quick(tiny, photo, ["low", "high", "signed"], steps=50)
    assert found.images.shape[:2] == found.distances.shape == (2, 1)
    assert found.distances[0] < found.distances[1]


WRONG = {
    "no such layer": ({"layers": ["low", "hihg"]}, UnknownLayerError, "high"),
    "no layers": ({"layers": []}, InvalidValueError, "at least one"),
    "not a layer": ({"layers": 3}, InvalidTypeError, "3"),
    "transparent": ({"photo": np.zeros((24, 24, 4))}, InvalidValueError, r"images\[..., :3\]"),
    "two photos": ({"photo": np.zeros((2, 24, 24, 3))}, InvalidValueError, "one photo"),
    "no strengths": ({"strengths": []}, InvalidTypeError, "strengths"),
    "a word": ({"strengths": "strong"}, InvalidTypeError, "strengths"),
    "negative": ({"strengths": [1, -1]}, InvalidValueError, "at least 0"),
    "not a number": ({"strengths": float("nan")}, InvalidValueError, "finite"),
    "no steps": ({"steps": 0}, InvalidValueError, "steps"),
    "not a model": ({"model": "InceptionV1"}, InvalidTypeError, "lucidx.load"),
}


@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused(tiny, photo, change, error, says):
    with pytest.raises(error, match=says):
        invert(**{"model": tiny, "photo": photo, "layers": "high", **change})
