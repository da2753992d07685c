import interrupting
import numpy as np
import pytest
import tensorflow as tf
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.optvis import objectives, param, randomness, transform
from lucidx.recipes.maco import maco, usual_size


def quick(*args, **kwargs):
    return maco(*args, **{"steps": 3, "crops": 2, "progress": False, **kwargs})


def test_pictures_and_masks_are_of_the_size_asked_for(tiny):
    for size, shape in ((None, (36, 36)), (20, (20, 20)), ((32, 18), (18, 32))):
        images, masks = quick(tiny, "high:3", size)
        assert images.shape == (1, *shape, 3) and masks.shape == (1, *shape)
        assert images.dtype == masks.dtype == np.float32
        assert 0 <= images.min() < images.max() <= 1
        assert 0 <= masks.min() < masks.max() == 1
    assert usual_size(make_model(16, 20)) == (30, 24)


def test_the_objective_rises(tiny):
    start, end = (quick(tiny, "high:3", steps=n).images for n in (1, 60))
    before, after = tiny.activations(np.concatenate([start, end]), "high")[..., 3].mean((1, 2))
    assert after > 1.3 * before


def test_a_channel_of_a_trained_network_rises(efficientnet):
    layer = "block3b/output"
    start, end = (quick(efficientnet, f"{layer}:3", 96, steps=n, crops=1).images for n in (1, 16))
    both = efficientnet.activations(np.concatenate([start, end]), layer)
    before, after = both[..., 3].mean((1, 2))
    assert after > before + 0.1 * both[0].std()


def test_the_spectrum_stays_that_of_natural_images(tiny):
    image = quick(tiny, "high:3", 32, magnitude=0.3 * param.natural_magnitude(32), steps=30).images
    t = param.from_valid_rgb(image, decorrelate=True)
    amplitude = np.abs(np.fft.rfft2(t[0].transpose(2, 0, 1)))[:, 1:16, 1:16]
    np.testing.assert_allclose(
        amplitude, 0.3 * param.natural_magnitude(32)[:, 1:16, 1:16], rtol=0.02
    )


def test_each_picture_depends_on_its_objective_and_seed_only(tiny):
    several = quick(tiny, ["high:3", "low:1"], batch=2, seed=5)
    assert len(several.images) == len(several.masks) == 4
    assert np.abs(several.images[0] - several.images[1]).max() > 0.1
    for place, name, seed in ((1, "high:3", 6), (2, "low:1", 5)):
        alone = quick(tiny, name, seed=seed)
        np.testing.assert_array_equal(several.images[place], alone.images[0])
        np.testing.assert_array_equal(several.masks[place], alone.masks[0])


def test_masks_show_where_the_objective_looks(tiny):
    left = lambda T: tf.reduce_mean(T("input")[:, :, :12]) + 0 * tf.reduce_mean(T("high"))
    (mask,) = quick(tiny, left, 36).masks
    assert mask[:, :10].min() > 0.9
    assert mask[:, 14:].max() < 0.01


def test_a_magnitude_of_photos_is_taken(tiny):
    rows = np.random.default_rng(0).uniform(0.3, 0.7, [24, 1, 1])
    photo = np.broadcast_to(rows, (24, 24, 3))
    image = quick(tiny, "high:3", 24, magnitude=param.magnitude_of([photo])).images[0]
    assert np.abs(np.diff(image, axis=1)).max() < 0.05 < np.abs(np.diff(image, axis=0)).max()


def test_models_of_any_size_and_channels():
    model = make_model(16, 20, channels=5, flat=False)
    images, masks = quick(model, "scores:1")
    assert images.shape == (1, 24, 30, 5) and masks.shape == (1, 24, 30)


def test_models_of_one_size_look_through_windows_of_it():
    model = make_model(24, 24, flat=True)
    images = quick(model, ["scores:1", "scores:2"], 40, crops=3).images
    assert images.shape == (2, 40, 40, 3)


def test_interrupted_there_are_the_pictures_so_far(tiny):
    stopping = interrupting.after(5, objectives.channel("high", 3))
    images, masks = quick(tiny, [stopping] * 3, steps=4)
    assert images.shape == (2, 36, 36, 3) and len(masks) == 2


WRONG = {
    "no such layer": ({"objective": ["high:1", "hihg:3"]}, UnknownLayerError, "high"),
    "no such channel": ({"objective": "high:12"}, InvalidValueError, "12"),
    "no such label": ({"objective": "tabby"}, InvalidValueError, "labels"),
    "nothing": ({"objective": []}, InvalidValueError, "at least one"),
    "no objective": ({"objective": 3}, InvalidTypeError, "3"),
    "three sides": ({"size": (8, 8, 3)}, InvalidValueError, "width and height"),
    "no size": ({"size": 1}, InvalidValueError, "size"),
    "no pictures": ({"batch": 0}, InvalidValueError, "batch"),
    "no steps": ({"steps": 0}, InvalidValueError, "steps"),
    "no crops": ({"crops": 0}, InvalidValueError, "number"),
    "too large a window": ({"sides": (0.5, 2)}, InvalidValueError, "sides"),
    "noise": ({"noise": -1}, InvalidValueError, "sd"),
    "another magnitude": ({"magnitude": np.ones([3, 8, 5])}, InvalidValueError, "magnitude_of"),
    "a seed": ({"seed": -1}, InvalidValueError, "seed"),
    "not a model": ({"model": "InceptionV1"}, InvalidTypeError, "lucidx.load"),
}


@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused(tiny, change, error, says):
    with pytest.raises(error, match=says):
        quick(**{"model": tiny, "objective": "high:3", **change})


@pytest.mark.slow
def test_a_class_is_recognised_by_another_network(efficientnet, inception_v1_caffe):
    """What it draws is not only for the network that it was drawn for."""
    strawberry = 949
    images = maco(efficientnet, f"logits:{strawberry}", steps=128, progress=False).images
    with randomness.stream(0):
        windows = transform.random_crops(224, 224, (0.25, 1), 16)(images).numpy()
    said = inception_v1_caffe.activations(windows, "loss3_classifier/loss3_classifier")
    assert (np.argsort(-said)[:, :5] == strawberry).any(-1).mean() > 0.3
