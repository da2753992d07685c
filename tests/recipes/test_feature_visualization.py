import numpy as np
import pytest
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.recipes.feature_visualization import channel, neuron


def quick(recipe, model, layer, channels, **kwargs):
    return recipe(model, layer, channels, **{"n_steps": 4, "seed": 0, **kwargs})


def mean_activation(model, image, n):
    return model.activations(image, "signed")[..., n].mean()


@pytest.mark.parametrize("recipe", [channel, neuron])
def test_one_channel_gives_a_batch_of_one(tiny, recipe):
    images, losses = quick(recipe, tiny, "high", 3)
    assert images.shape == (1, 24, 24, 3)
    assert losses.shape == (1, 4)
    assert images.dtype == losses.dtype == np.float32


def test_several_channels_give_pairs(tiny):
    pairs = quick(channel, tiny, tiny.get_layer("high"), [3, 7, 1])
    assert [(image.shape, losses.shape) for image, losses in pairs] == [((24, 24, 3), (4,))] * 3


def test_a_channel_comes_out_the_same_beside_others(tiny):
    (image,), (losses,) = quick(channel, tiny, "signed", [3])
    (beside, beside_losses), _ = quick(channel, tiny, "signed", [3, 7])
    np.testing.assert_allclose(beside, image, atol=1e-4)
    np.testing.assert_allclose(beside_losses, losses, rtol=1e-3)


def test_losses_are_the_objective_which_rises(tiny):
    (image,), (losses,) = quick(channel, tiny, "signed", 2, n_steps=40)
    assert losses[-10:].mean() > losses[:3].mean()
    assert losses[-10:].mean() == pytest.approx(mean_activation(tiny, image, 2), rel=0.3)


@pytest.mark.slow
def test_negative_looks_for_the_opposite(tiny):
    (most,), _ = quick(channel, tiny, "signed", 2, n_steps=20)
    (least,), (losses,) = quick(channel, tiny, "signed", 2, n_steps=20, negative=True)
    assert mean_activation(tiny, least, 2) < 0 < mean_activation(tiny, most, 2)
    assert losses[-1] > 0


def test_alpha_adds_a_channel_of_opacity(tiny):
    pairs = quick(channel, tiny, "signed", [5, 6], alpha=True)
    assert [image.shape for image, _ in pairs] == [(24, 24, 4)] * 2


def test_a_matrix_of_other_colours_limits_colours_to_them(tiny):
    grey = np.full((3, 3), 0.2)
    (image,), _ = quick(channel, tiny, "signed", 2, decorrelation_matrix=grey)
    np.testing.assert_allclose(image[..., 0], image[..., 1], atol=1e-6)
    (image,), _ = quick(channel, tiny, "signed", 2)
    assert np.abs(image[..., 0] - image[..., 1]).max() > 0.01


def test_models_of_any_proportions_and_channels():
    height, width, channels = 16, 20, 1
    model = make_model(height, width, channels)
    images, _ = quick(channel, model, "high", 1)
    assert images.shape == (1, height, width, channels)


WRONG = {
    "no such layer": ({"layer": "hihg"}, UnknownLayerError, "high"),
    "no such channel": ({"channel_indices": 12}, InvalidValueError, "12 channels"),
    "half a channel": ({"channel_indices": 1.5}, InvalidTypeError, "1.5"),
    "no channels": ({"channel_indices": []}, InvalidValueError, "at least one"),
    "no steps": ({"n_steps": 0}, InvalidValueError, "steps"),
    "half a step": ({"n_steps": 2.5}, InvalidTypeError, "n_steps"),
    "not colours": ({"decorrelation_matrix": np.eye(4)}, InvalidValueError, r"\[3, 3\]"),
}


@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused(tiny, change, error, says):
    arguments = {"model": tiny, "layer": "high", "channel_indices": 0, "n_steps": 1, **change}
    with pytest.raises(error, match=says):
        channel(**arguments)


def test_alpha_is_for_models_of_colour_images():
    with pytest.raises(InvalidValueError, match="channel"):
        quick(channel, make_model(20, 20, 1), "high", 0, alpha=True)


@pytest.mark.slow
def test_pictures_excite_their_channel_more_than_others(efficientnet):
    pairs = channel(efficientnet, "block5c/output", [5, 20, 40], n_steps=64, seed=0)
    acts = efficientnet.activations(np.stack([image for image, _ in pairs]), "block5c/output")
    own = acts.mean((1, 2))[:, [5, 20, 40]]
    assert own.argmax(0).tolist() == [0, 1, 2]
