import numpy as np
import pytest
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.recipes.image_activations import image_activations, manifest_image_activations


def test_layers_tagged_conv_are_those_meant_by_default(tiny, photo):
    found = image_activations(tiny, photo)
    assert list(found) == [layer.name for layer in tiny.layers if "conv" in layer.tags]
    assert found["high"].shape == (12, 12, 12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_floats_of_any_precision_are_taken(tiny, photo, dtype):
    acts = image_activations(tiny, photo.astype(dtype), ["high"])["high"]
    expected = image_activations(tiny, photo, ["high"])["high"]
    assert acts.dtype == np.float32
    np.testing.assert_allclose(acts, expected, atol=0.05)


def test_an_image_of_the_models_size_is_left_as_it_is(tiny):
    image = np.random.default_rng(0).random((24, 24, 3), np.float32)
    acts = image_activations(tiny, image, ["high"])["high"]
    np.testing.assert_array_equal(acts, tiny.activations(image, "high"))


def test_models_that_take_any_size_see_the_image_in_its_own(photo):
    model = make_model()
    model.image_shape = (None, None, 3)
    assert image_activations(model, photo, ["low"])["low"].shape == (15, 20, 8)


def test_layers_are_objects_or_names_and_need_no_positions(tiny, photo):
    found = image_activations(tiny, photo, [tiny.get_layer("low"), "scores"])
    assert {name: acts.shape for name, acts in found.items()} == {
        "low": (12, 12, 8),
        "scores": (5,),
    }


def test_the_manifest_describes_the_activations(tiny, photo):
    manifest = manifest_image_activations(tiny, photo, layer_names=["low", "high"])
    found = image_activations(tiny, photo, ["low", "high"])
    assert manifest["type"] == "image-activations"
    assert manifest["took"] >= 0
    assert [value["layer_name"] for value in manifest["values"]] == ["low", "high"]
    for value in manifest["values"]:
        assert value["type"] == "activations"
        assert value["shape"] == found[value["layer_name"]].shape
        np.testing.assert_array_equal(value["value"], found[value["layer_name"]])


def test_what_cannot_be_done_is_refused(tiny, photo):
    with pytest.raises(UnknownLayerError, match="high"):
        image_activations(tiny, photo, ["hihg"])
    with pytest.raises(InvalidValueError, match="no layers"):
        image_activations(tiny, photo, [])
    with pytest.raises(InvalidValueError, match="these have 1"):
        image_activations(tiny, photo[..., :1])


def test_one_layer_needs_no_list(tiny, photo):
    for layer in ("low", tiny.get_layer("low")):
        assert list(image_activations(tiny, photo, layer)) == ["low"]


def test_what_are_no_layers_is_said(tiny, photo):
    with pytest.raises(InvalidValueError, match=r"no layers in layer_names: name at least one"):
        image_activations(tiny, photo, [])
    with pytest.raises(InvalidTypeError, match=r"a list of them; got \['low', 3\]"):
        image_activations(tiny, photo, ["low", 3])
    with pytest.raises(InvalidTypeError, match="got 3"):
        image_activations(tiny, photo, 3)
