import interrupting
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_sample_images
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.optvis import objectives
from lucidx.recipes.accentuation import accentuate

LAYER = "low"


def quick(model, photo, objective="high:3", **options):
    options = {"regularization_layer": LAYER, "steps": 20, "progress": False} | options
    return accentuate(model, photo, objective, **options)


def difference(model, made, layer=LAYER):
    """Of what a layer sees, between the photo and the accentuated image."""
    before, after = model.activations(np.stack([made.photo, made.image]), layer)
    return np.sqrt(np.mean((after - before) ** 2))


def test_a_photo_keeps_its_size_and_is_what_is_started_from(tiny, photo):
    made = quick(tiny, photo, steps=1)
    assert made.image.shape == made.photo.shape == (30, 40, 3)
    assert made.mask.shape == (30, 40)
    np.testing.assert_allclose(made.photo, photo, atol=1e-6)
    assert np.abs(made.image - photo).mean() < 0.02
    assert made.image.min() >= 0 and made.image.max() <= 1


def test_larger_photos_are_made_smaller(tiny):
    flower = load_sample_images().images[1]
    made = quick(tiny, flower, size=64, steps=1)
    assert made.image.shape == made.photo.shape == (43, 64, 3)
    assert made.photo.mean() == pytest.approx(flower.mean() / 255, abs=0.01)


def test_the_feature_rises_and_the_photo_stays_recognisable(efficientnet):
    flower = load_sample_images().images[1][60:320, 130:390]
    layer, channel = "block5c/output", 7
    made = accentuate(
        efficientnet, flower, f"{layer}:{channel}", size=160, steps=16, progress=False
    )
    acts = efficientnet.activations(np.stack([made.photo, made.image]), layer)
    before, after = acts[..., channel].mean((1, 2))
    assert after > before + 0.1 * acts[0].std()
    assert np.corrcoef(made.photo.ravel(), made.image.ravel())[0, 1] > 0.9


def test_strength_holds_what_the_layer_sees(tiny, photo):
    free, held = (quick(tiny, photo, strength=strength) for strength in (0, 3))
    assert difference(tiny, held) < 0.7 * difference(tiny, free)
    before, more, some = tiny.activations(np.stack([free.photo, free.image, held.image]), "high")[
        ..., 3
    ].mean((1, 2))
    assert before < some < more


def test_by_default_a_layer_is_found(tiny, photo):
    found = quick(tiny, photo, regularization_layer=None, steps=5)
    free = quick(tiny, photo, strength=0, steps=5)
    assert difference(tiny, found) < difference(tiny, free)


def test_masks_show_where_the_feature_asks_for_change(tiny, photo):
    left = lambda T: tf.reduce_mean(T("input")[:, :, :12]) + 0 * tf.reduce_mean(T("high"))
    mask = quick(tiny, photo, left).mask
    assert mask[:, :10].min() > 0.9
    assert mask[:, 14:].max() < 0.01


def test_models_of_one_size_and_other_channels():
    model = make_model(24, 24, channels=5, flat=True)
    photo = np.random.default_rng(0).uniform(size=[30, 50, 5])
    made = quick(model, photo, "scores:2", steps=2)
    assert made.image.shape == (30, 50, 5)


def test_the_same_seed_gives_the_same_image(tiny, photo):
    first, again, other = (quick(tiny, photo, seed=seed, steps=5).image for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.001


def test_interrupted_there_is_the_image_so_far(tiny, photo):
    stopping = interrupting.after(3, objectives.channel("high", 3))
    made = quick(tiny, photo, stopping, steps=10_000)
    assert 0 < np.abs(made.image - made.photo).mean() < 0.1


WRONG = {
    "no such layer": ({"regularization_layer": "lwo"}, UnknownLayerError, "low"),
    "no feature": ({"objective": "high:12"}, InvalidValueError, "12"),
    "no number": ({"strength": "much"}, InvalidTypeError, "much"),
    "negative": ({"strength": -1}, InvalidValueError, "-1"),
    "endless": ({"strength": np.inf}, InvalidValueError, "finite"),
    "transparent": ({"photo": np.zeros([8, 8, 4])}, InvalidValueError, r"images\[..., :3\]"),
    "two photos": ({"photo": np.zeros([2, 8, 8, 3])}, InvalidValueError, "one photo"),
    "not in range": ({"photo": np.full([8, 8, 3], 200.0)}, InvalidValueError, r"0\.\.1"),
    "a line": ({"photo": np.zeros([1, 8, 3])}, InvalidValueError, "8x1 pixels.*at least 2"),
    "no size": ({"size": 0}, InvalidValueError, "size"),
    "no steps": ({"steps": 0}, InvalidValueError, "steps"),
    "sides": ({"sides": (0, 1)}, InvalidValueError, "sides"),
    "not a model": ({"model": "InceptionV1"}, InvalidTypeError, "lucidx.load"),
}


@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused(tiny, photo, change, error, says):
    with pytest.raises(error, match=says):
        quick(**{"model": tiny, "photo": photo, **change})
