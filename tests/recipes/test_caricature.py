import json

import numpy as np
import pytest
from PIL import Image
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.recipes.caricature import caricature, feature_inversion, make_caricature


def likeness(model, layer, photo, image):
    one, other = model.activations(np.stack([photo, image]), layer)
    return (one * other).sum()


def quick(*args, **kwargs):
    return caricature(*args, **{"n_steps": 3, "verbose": False, "seed": 0, **kwargs})


def test_the_photo_comes_first_and_then_one_image_per_layer(tiny, photo):
    result = quick(photo, tiny, ["low", "high"])
    assert result.shape == (3, 24, 24, 3)
    assert result.dtype == np.float32
    assert result.min() >= 0
    assert result.max() <= 1
    # Of the same corner, however the photo was resized.
    np.testing.assert_allclose(result[0, 0, 0], photo[0, 0], atol=0.05)


@pytest.mark.parametrize("cossim_pow", [0.0, 1.0])
def test_images_come_to_look_like_the_photo_to_their_layer(tiny, photo, cossim_pow):
    start, end = (
        quick(photo, tiny, "high", n_steps=steps, cossim_pow=cossim_pow) for steps in (1, 30)
    )
    assert likeness(tiny, "high", *end) > 2 * likeness(tiny, "high", *start)


def test_high_powers_neither_overflow_nor_vanish(tiny, photo):
    start, end = (quick(photo, tiny, "high", n_steps=n, cossim_pow=[0, 32]) for n in (1, 20))
    for n in (1, 2):
        likenesses = [likeness(tiny, "high", images[0], images[n]) for images in (start, end)]
        assert likenesses[1] > likenesses[0]


def test_without_a_power_the_caricature_exceeds_a_faint_photo(tiny, photo):
    original, image = quick(0.4 + 0.2 * photo, tiny, "high", n_steps=30)
    assert likeness(tiny, "high", original, image) > likeness(tiny, "high", original, original)


def test_layers_are_objects_or_names(tiny, photo):
    layer = tiny.get_layer("high")
    named = quick(photo, tiny, "high", n_steps=1)
    for given in (layer, [layer]):
        np.testing.assert_array_equal(quick(photo, tiny, given, n_steps=1), named)


def test_bytes_are_as_good_as_floats(tiny):
    photo = np.random.default_rng(0).integers(0, 256, (24, 24, 3)).astype(np.uint8)
    floats = (photo / 255).astype(np.float32)
    np.testing.assert_array_equal(quick(photo, tiny, "low"), quick(floats, tiny, "low"))


def test_models_of_any_proportions_and_channels():
    height, width, channels = 16, 20, 5
    model = make_model(height, width, channels)
    photo = np.full((31, 33, channels), 0.3)
    result = quick(photo, model, "high", n_steps=1)
    assert result.shape == (2, height, width, channels)


def test_the_same_seed_gives_the_same_images(tiny, photo):
    first, again, other = (quick(photo, tiny, "high", seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first[1] - other[1]).max() > 0.01


def test_feature_inversion_is_the_older_name(tiny, photo):
    inverted = feature_inversion(photo, tiny, "low", n_steps=3, verbose=False, seed=0)
    np.testing.assert_array_equal(inverted, quick(photo, tiny, "low"))


def test_verbose_names_the_layers(tiny, photo, capsys):
    quick(photo, tiny, ["low", "high"], verbose=True)
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["low", "high"]


WRONG = {
    "no such layer": ({"layer": "hihg"}, UnknownLayerError, "high"),
    "no layers": ({"layer": []}, InvalidValueError, "at least one"),
    "not a layer": ({"layer": 3}, InvalidTypeError, "3"),
    "transparent": ({"img": np.zeros((24, 24, 4))}, InvalidValueError, r"images\[..., :3\]"),
    "two photos": ({"img": np.zeros((2, 24, 24, 3))}, InvalidValueError, "one photo"),
    "not in range": ({"img": np.full((24, 24, 3), 200.0)}, InvalidValueError, "0..1"),
    "power": ({"cossim_pow": [0, 1000]}, InvalidValueError, "0 to 32.*gradient"),
    "negative": ({"cossim_pow": -1}, InvalidValueError, "0 to 32"),
    "no number": ({"cossim_pow": np.nan}, InvalidValueError, "0 to 32"),
    "no steps": ({"n_steps": 0}, InvalidValueError, "n_steps"),
    "half a step": ({"n_steps": 1.5}, InvalidTypeError, "n_steps"),
    "not a model": ({"model": "InceptionV1"}, InvalidTypeError, "lucidx.load"),
}


@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused(tiny, photo, change, error, says):
    with pytest.raises(error, match=says):
        quick(**{"img": photo, "model": tiny, "layer": "high", **change})


@pytest.mark.parametrize("channels", [3, 4])
def test_make_caricature_writes_files_for_a_saved_model(tiny, tmp_path, channels):
    tiny.export(tmp_path / "graph.pb")
    manifest = {
        "type": "frozen",
        "model_path": "./graph.pb",
        "input_name": "images",
        "image_shape": [24, 24, 3],
        "image_value_range": [-1, 1],
        "layers": ["low", "high"],
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    pixels = np.full((30, 30, channels), 200, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    to = tmp_path / "out"
    to.mkdir()

    results = make_caricature(str(tmp_path / "photo.png"), str(tmp_path), str(to), n_steps=1)

    assert results["type"] == "caricature"
    assert [value["type"] for value in results["values"]] == ["image", "image"]
    assert json.loads((to / "results.json").read_text()) == json.loads(json.dumps(results))
    for name in ("low", "high"):
        with Image.open(to / f"{name}.jpg") as image:
            assert image.size == (24, 24)
    with Image.open(to / "input.jpg") as image:  # no stretch of contrast
        assert np.abs(np.asarray(image).astype(int) - 200).max() <= 2


@pytest.mark.slow
def test_early_layers_keep_the_photo_and_late_ones_do_not(efficientnet):
    rng = np.random.default_rng(0)
    photo = np.kron(rng.random((7, 7, 3)), np.ones((32, 32, 1)))
    layers = ["block1a/output", "block6d/output"]
    original, early, late = quick(photo, efficientnet, layers, n_steps=128, cossim_pow=1)

    def correlation(image):
        return np.corrcoef(image.ravel(), original.ravel())[0, 1]

    assert correlation(early) > correlation(late)
    assert correlation(early) > 0.5
