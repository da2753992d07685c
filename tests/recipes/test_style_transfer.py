import interrupting
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_sample_images
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import param, transform
from lucidx.optvis.render import render_vis
from lucidx.recipes import style_transfer as recipe
from lucidx.recipes.style_transfer import (
    mean_of,
    style_distance,
    style_targets,
    style_transfer,
    styles_of,
    texture_synthesis,
    usual_content_layers,
    usual_style_layers,
)

STYLE_LAYERS = ["block2b/expand", "block3a/depthwise", "input"]
CONTENT_LAYER = "block3b/expand"


def quick(model, content, style, **options):
    return style_transfer(model, content, style, **{"steps": 5, "progress": False, **options})


def synthesized(model, style, **options):
    options = {"size": 24, "steps": 5, "progress": False, **options}
    return texture_synthesis(model, style, **options)


def apart(a, b):
    return np.abs(a - b).mean() / np.abs(b).mean()


def style_apart(model, image, style, layers):
    """Mean relative distance of the Gram matrices of two pictures."""
    grams, targets = (styles_of(model, np.float32(x), layers) for x in (image, style))
    return np.mean([apart(grams[name], targets[name]) for name in layers])


def content_apart(model, image, content, layer):
    return apart(*(model.activations(np.float32(x), layer) for x in (image, content)))


@pytest.fixture
def stripes():
    """A style of another size than the photo."""
    y, x = np.mgrid[:36, :28]
    return np.stack([(x // 3 % 2), 0.2 + 0 * x, (y // 4 % 2)], -1).astype(np.float32)


@pytest.fixture(scope="module")
def pictures():
    """China and a flower, of different sizes; float32 in 0..1."""
    china, flower = (np.float32(image / 255) for image in load_sample_images().images)
    return china[24:408:4, 40:520:4], flower[60:360:3, 150:450:3]


def test_the_style_comes_close_while_the_content_stays(efficientnet, pictures):
    china, flower = pictures
    made = quick(
        efficientnet,
        china,
        flower,
        content_layers=CONTENT_LAYER,
        style_layers=STYLE_LAYERS,
        steps=60,
    )
    assert made.shape == china.shape and made.dtype == np.float32
    assert made.min() >= 0 and made.max() <= 1
    before = style_apart(efficientnet, china, flower, STYLE_LAYERS)
    assert style_apart(efficientnet, made, flower, STYLE_LAYERS) < 0.6 * before
    other = np.roll(china, [40, 60], [0, 1])
    unlike = content_apart(efficientnet, other, china, CONTENT_LAYER)
    assert content_apart(efficientnet, made, china, CONTENT_LAYER) < 0.8 * unlike


def roughness(image):
    return np.abs(np.diff(image, axis=0)).mean() / image.std()


@pytest.mark.slow
def test_fourier_coefficients_become_as_smooth_as_the_style_where_pixels_become_noise(
    efficientnet, pictures
):
    flower = pictures[1]
    layers = STYLE_LAYERS[:2]
    targets = style_targets(efficientnet, flower, layers, 96)
    found = []
    for options in ({}, {"fft": False, "decorrelate": False}):
        (image,) = render_vis(
            efficientnet,
            -1 * mean_of(style_distance(name, targets[name]) for name in layers),
            lambda options=options: param.image(96, **options),
            transforms=[transform.jitter(4)],
            thresholds=[30],
            verbose=False,
            progress=False,
            seed=0,
        )
        found.append(roughness(image[0]))
    assert found[0] < 1.5 * roughness(flower) < 2 * roughness(flower) < found[1]


def test_weights_decide_between_content_and_style(tiny, photo, stripes):
    layers = {"content_layers": "high", "style_layers": ["low", "high"]}
    made = [
        quick(tiny, photo, stripes, **layers, style_weight=weight, steps=80)
        for weight in (0, 1, 50)
    ]
    styles = [style_apart(tiny, image, stripes, layers["style_layers"]) for image in made]
    contents = [content_apart(tiny, image, photo, "high") for image in made]
    assert styles == sorted(styles, reverse=True) and styles[2] < 0.8 * styles[0]
    assert contents == sorted(contents) and contents[0] < 0.7 * contents[2]


def test_only_the_proportion_of_the_weights_counts(tiny, photo, stripes):
    one, other = (
        quick(tiny, photo, stripes, content_weight=w, style_weight=2 * w) for w in (1, 64)
    )
    assert np.abs(one - other).mean() < 0.01 < one.std()


def test_it_can_start_from_the_content(tiny, photo, stripes):
    made = quick(tiny, photo, stripes, start="content", steps=1)
    assert np.abs(made - photo).mean() < 0.03


def test_pictures_are_made_smaller_and_not_larger(tiny, photo, stripes):
    options = {"style_layers": "low", "steps": 1}
    assert quick(tiny, photo, stripes, size=20, style_size=8, **options).shape == (15, 20, 3)
    assert quick(tiny, photo, stripes, size=400, **options).shape == (30, 40, 3)


def test_the_size_of_the_style_decides_how_fine_it_is(tiny, photo, stripes):
    fine, coarse = (style_targets(tiny, stripes, ["low"], size)["low"] for size in (18, 36))
    assert apart(fine, coarse) > 0.05


def test_usual_layers_of_the_articles_network(inception_v1):
    assert usual_content_layers(inception_v1) == ["mixed3b"]
    named = "conv2d2 mixed3a mixed4a mixed4b mixed4c input".split()
    assert usual_style_layers(inception_v1) == named


def test_networks_with_other_grids_have_usual_layers_too(tiny, efficientnet):
    for model in (tiny, efficientnet):
        known = {layer.name for layer in model.layers} | {"input"}
        assert {*usual_content_layers(model), *usual_style_layers(model)} <= known
        assert len(usual_style_layers(model)) >= 3


def test_models_of_one_size_look_through_windows(stripes):
    model = make_model(24, 24, channels=5, flat=True)
    content = np.random.default_rng(0).uniform(size=[40, 60, 5])
    style = np.repeat(stripes[..., :1], 5, -1)
    layers = {"content_layers": "high", "style_layers": ["low", "input"]}
    made = quick(model, content, style, **layers, style_weight=10, steps=80)
    assert made.shape == (40, 60, 5)
    target, before, after = (
        style_targets(model, image, ["low"], 60)["low"] for image in (style, content, made)
    )
    assert apart(after, target) < 0.8 * apart(before, target)


def nchw_network():
    """Activations [N, C, H, W], as in networks that come from torch."""
    rng = np.random.default_rng(0)
    with tf.Graph().as_default() as graph:
        t = tf.compat.v1.placeholder(tf.float32, [None, 24, 24, 3], "images")
        t = tf.nn.conv2d(t, tf.constant(rng.normal(0, 0.4, [3, 3, 3, 7]), tf.float32), 2, "SAME")
        t = tf.nn.bias_add(tf.transpose(t, [0, 3, 1, 2]), tf.zeros([7]), data_format="NCHW")
        tf.nn.relu(t, "acts")
    return Model.from_graphdef(graph.as_graph_def(), "images", (-1, 1), (24, 24, 3), name="NCHW")


def test_channels_are_found_where_they_come_before_positions(photo, stripes):
    model = nchw_network()
    assert styles_of(model, stripes[:24, :24], ["acts"])["acts"].shape == (7, 7)
    made = quick(model, photo, stripes, content_layers="acts", style_layers="acts", steps=1)
    assert made.shape == (30, 40, 3)


def test_textures_have_the_style(efficientnet, pictures):
    flower = pictures[1]
    noise, made = (
        synthesized(efficientnet, flower, layers=STYLE_LAYERS, size=(112, 96), steps=steps)
        for steps in (1, 50)
    )
    assert made.shape == (96, 112, 3)
    before = style_apart(efficientnet, noise, flower, STYLE_LAYERS)
    assert style_apart(efficientnet, made, flower, STYLE_LAYERS) < 0.5 * before


def test_textures_have_no_seams_as_tiles(tiny, stripes):
    made = synthesized(tiny, stripes, size=32, steps=80)
    for axis in (0, 1):
        steps = np.abs(np.roll(made, -1, axis) - made).mean((1 - axis, 2))
        assert made.std() > 0.1
        assert steps[-1] < 1.5 * steps[:-1].max()
    assert np.abs(stripes[1:, 0] - stripes[1:, 3]).mean() > 0.2  # as it is between stripes


def test_textures_of_models_of_one_size_can_be_larger():
    model = make_model(24, 24, flat=True)
    style = np.random.default_rng(0).uniform(size=[50, 30, 3])
    assert synthesized(model, style, size=40, layers="low").shape == (40, 40, 3)


def test_the_same_seed_gives_the_same_picture(tiny, photo, stripes):
    options = {"style_layers": "low", "steps": 2}
    for make in (
        lambda seed: quick(tiny, photo, stripes, seed=seed, **options),
        lambda seed: synthesized(tiny, stripes, seed=seed, layers="low", steps=2),
    ):
        first, again, other = map(make, (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert np.abs(first - other).max() > 0.001


def test_interrupted_there_is_the_picture_so_far(tiny, photo, stripes, monkeypatch):
    whole = quick(tiny, photo, stripes, style_layers="low", steps=4)
    monkeypatch.setattr(
        recipe, "style_distance", lambda *given: interrupting.after(3, style_distance(*given))
    )
    made = quick(tiny, photo, stripes, style_layers="low", steps=10**6)
    assert made.shape == photo.shape
    assert 0 < made.std() < whole.std()


def test_it_works_while_a_graph_is_being_built(tiny, photo, stripes):
    outside = quick(tiny, photo, stripes)
    with tf.Graph().as_default():
        np.testing.assert_array_equal(quick(tiny, photo, stripes), outside)


WRONG = {
    "no such layer": ({"style_layers": ["low", "hihg"]}, UnknownLayerError, "high"),
    "no such content layer": ({"content_layers": "lwo"}, UnknownLayerError, "low"),
    "no positions": ({"style_layers": "scores"}, InvalidValueError, "positions"),
    "no layers": ({"style_layers": []}, InvalidValueError, "style_layers"),
    "not a layer": ({"content_layers": 3}, InvalidTypeError, "content_layers"),
    "no weight": ({"content_weight": 0, "style_weight": 0}, InvalidValueError, "both weights"),
    "negative": ({"style_weight": -1}, InvalidValueError, "style_weight"),
    "not a number": ({"content_weight": "much"}, InvalidTypeError, "content_weight"),
    "not finite": ({"content_weight": np.nan}, InvalidValueError, "content_weight"),
    "start": ({"start": "middle"}, InvalidValueError, "noise"),
    "no size": ({"size": 1}, InvalidValueError, "size"),
    "no style size": ({"style_size": 0}, InvalidValueError, "style_size"),
    "no steps": ({"steps": 0}, InvalidValueError, "steps"),
    "a line": ({"content": np.zeros([1, 1, 3])}, InvalidValueError, "1x1 pixels.*at least 9"),
    "thin": ({"content": np.zeros([2, 900, 3])}, InvalidValueError, "900x2 .* 384x2"),
    "two photos": ({"content": np.zeros([2, 9, 9, 3])}, InvalidValueError, "one photo"),
    "transparent": ({"style": np.zeros([9, 9, 4])}, InvalidValueError, r"images\[..., :3\]"),
    "not in range": ({"style": np.full([9, 9, 3], 200.0)}, InvalidValueError, r"0\.\.1"),
    "not a picture": ({"content": "china.jpg"}, InvalidTypeError, "floats"),
    "not a model": ({"model": "InceptionV1"}, InvalidTypeError, "lucidx.load"),
}


@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused(tiny, photo, stripes, change, error, says):
    with pytest.raises(error, match=says):
        quick(**{"model": tiny, "content": photo, "style": stripes, **change})


@pytest.mark.parametrize("size", [1, (8,), (8, 0)])
def test_textures_of_no_size_are_refused(tiny, stripes, size):
    with pytest.raises(InvalidValueError, match="size"):
        synthesized(tiny, stripes, size=size)
