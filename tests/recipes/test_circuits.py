"""Expanded weights, and what is made of them."""

import dataclasses
import json
import pickle
import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.modelzoo.vision_base import Model
from lucidx.recipes.circuits import (
    Circuit,
    ExpandedWeights,
    circuit,
    expanded_weights,
    heat,
    mixed_colours,
    page_of,
    picture,
    predictions,
    share,
    strongest,
    weight_groups,
)

WIDTHS = (360, 1200)
HOSTILE = "</style><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
COLOURS = {"for": "#00938a", "against": "#e2600c"}
QUICK = {"steps": 2, "size": 16, "progress": False}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "cache"))


def constant(model, name):
    """What is in a node of a frozen graph."""
    (node,) = (node for node in model.graph_def.node if node.name == name)
    return tf.make_ndarray(node.attr["value"].tensor)


def model_of(build, size=24):
    """Model of a graph that `build` makes of images."""
    with tf.Graph().as_default() as graph:
        build(tf.compat.v1.placeholder(tf.float32, [None, None, None, 3], "images"))
    return Model.from_graphdef(
        graph.as_graph_def(), "images", (0, 1), (size, size, 3), name="Built"
    )


def kernel(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(0, 1, shape), tf.float32)


def impulse_responses(model, layer_from, layer_to, weights):
    """What the middle neurons of a linear network do for one unit of activation at a time."""
    f = model.function(layer_to, layer_from)
    zero = np.zeros_like(model.activations(np.zeros([1, *model.image_shape]), layer_from))
    found = np.zeros((*weights.values.shape[1:], len(weights)), np.float32)
    row, column = weights.corner
    for y, x, c in np.ndindex(*found.shape[:3]):
        impulse = zero.copy()
        impulse[0, row + y, column + x, c] = 1
        found[y, x, c] = (f(impulse) - f(zero))[0][weights.position].numpy()[list(weights.channels)]
    return np.moveaxis(found, -1, 0)


# Between real layers.


def test_between_adjacent_layers_weights_are_the_kernel(inception_v1):
    weights = expanded_weights(inception_v1, "conv2d1", "conv2d2", [0, 20])
    own = np.moveaxis(constant(inception_v1, "conv2d2_w"), -1, 0)[[0, 20]]
    np.testing.assert_array_equal(weights.values, own)
    assert weights.names == ("conv2d2:0", "conv2d2:20") and not weights.clipped


def test_across_a_bottleneck_weights_are_the_product(inception_v1):
    weights = expanded_weights(inception_v1, "mixed4a", "mixed4b_3x3", range(8))
    first, second = (constant(inception_v1, f"mixed4b_3x3{part}_w") for part in ("_bottleneck", ""))
    product = np.einsum("io,hwok->khwi", first[0, 0], second)[:8]
    np.testing.assert_allclose(weights.values, product, atol=1e-6)


@pytest.mark.parametrize("block", ["block2a", "block3a", "block5b"])
def test_of_depthwise_convolutions_each_channel_has_its_own_kernel(efficientnet, block):
    weights = expanded_weights(efficientnet, f"{block}/expand", f"{block}/depthwise", [3])
    own = constant(efficientnet, f"{block}/depthwise_w")[:, :, 3, 0]
    np.testing.assert_array_equal(weights.kernel(3, 3), own)
    assert np.flatnonzero(weights.strengths[0]).tolist() == [3]


def test_weights_on_a_photo_are_for_colours_in_0_to_1(efficientnet):
    weights = expanded_weights(efficientnet, "input", "stem", 5)
    own = constant(efficientnet, "stem_w")[..., 5]
    np.testing.assert_allclose(weights.values[0], own * 255 / 128, rtol=1e-5)


def test_a_channel_of_a_narrow_branch_has_a_narrow_field(inception_v1):
    shapes = [
        expanded_weights(inception_v1, "mixed4a", "mixed4b", c).values.shape[1:3]
        for c in (0, 300, 420)
    ]
    assert shapes == [(1, 1), (3, 3), (5, 5)]


def test_weights_are_the_same_while_another_graph_is_built():
    alone = expanded_weights(make_model(), "low", "high", [3])
    with tf.Graph().as_default():
        beside = expanded_weights(make_model(), "low", "high", [3])
    np.testing.assert_array_equal(alone.values, beside.values)


def test_weights_are_values_that_can_be_stored(tiny):
    weights = expanded_weights(tiny, "low", "high", [3, 5], relu="mean")
    again = pickle.loads(pickle.dumps(weights))
    np.testing.assert_array_equal(again.values, weights.values)
    assert again.names == weights.names and dict(again.origin) == dict(weights.origin)
    with pytest.raises(ValueError, match="read-only"):
        again.values[0] = 0


# What stands for what is not linear.


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_relus_pass_all_on_and_max_pooling_is_average_pooling(stride, padding):
    def build(images, rectify, pool):
        t = tf.identity(images, "first")
        t = rectify(tf.nn.conv2d(t, kernel(3, 3, 3, 4), 1, padding) + 0.3)
        t = pool(t, 3, stride, padding)
        t = tf.nn.conv2d(t, kernel(2, 2, 4, 5, seed=1), stride, padding)
        tf.identity(rectify(t), "last")

    crooked = model_of(lambda t: build(t, tf.nn.relu6, tf.nn.max_pool2d))
    straight = model_of(lambda t: build(t, tf.identity, tf.nn.avg_pool2d))
    weights = expanded_weights(crooked, "first", "last", [0, 4])
    expected = impulse_responses(straight, "first", "last", weights)
    np.testing.assert_allclose(weights.values, expected, atol=1e-5)


def test_normalization_multiplies_as_it_does_with_faint_activations():
    def build(images):
        t = tf.identity(images, "first")
        t = tf.nn.local_response_normalization(t, 2, bias=4.0, alpha=0.5, beta=0.5)
        tf.nn.conv2d(t, kernel(3, 3, 3, 2), 1, "SAME", name="last")

    model = model_of(build)
    weights = expanded_weights(model, "first", "last")
    np.testing.assert_allclose(
        weights.values, np.moveaxis(kernel(3, 3, 3, 2), -1, 0) / 2, rtol=1e-5
    )


def test_images_are_enlarged_until_a_field_fits():
    def build(images):
        t = tf.identity(images, "first")
        for layer in range(4):
            t = tf.nn.relu(tf.nn.conv2d(t, kernel(3, 3, 3, 3, seed=layer), 1, "SAME"))
        tf.identity(t, "last")

    model = model_of(build, size=8)
    weights = expanded_weights(model, "first", "last", 1)
    assert weights.values.shape == (1, 9, 9, 3)
    assert weights.size == (16, 16) and not weights.clipped
    small = expanded_weights(model, "first", "last", 1, size=8)
    assert small.clipped
    row, column = weights.corner
    cut = weights.values[:, 4 - row : 12 - row, 4 - column : 12 - column]
    np.testing.assert_allclose(small.values, cut, atol=1e-4)


def test_a_layer_without_positions_sees_all_of_a_model_of_one_size():
    model = make_model(24, 24, flat=True)
    weights = expanded_weights(model, "high", "scores", [2])
    (dense,) = (
        tf.make_ndarray(node.attr["value"].tensor)
        for node in model.graph_def.node
        if node.op == "Const" and node.attr["value"].tensor.tensor_shape.dim[-1:]
        and [d.size for d in node.attr["value"].tensor.tensor_shape.dim] == [12**3, 5]
    )  # fmt: skip
    np.testing.assert_array_equal(weights.values[0], dense[:, 2].reshape(12, 12, 12))
    assert weights.position is None and not weights.clipped


def test_what_passes_around_the_earlier_layer_is_not_counted():
    def build(images):
        t = tf.nn.conv2d(images, kernel(1, 1, 3, 3), 1, "SAME", name="first")
        tf.add(images, tf.nn.conv2d(t, kernel(3, 3, 3, 3, seed=1), 1, "SAME"), name="last")

    weights = expanded_weights(model_of(build), "first", "last")
    np.testing.assert_array_equal(
        weights.values, np.moveaxis(kernel(3, 3, 3, 3, seed=1).numpy(), -1, 0)
    )


# ReLUs by what they pass on average.


def test_a_relu_that_is_off_half_of_the_time_passes_half():
    def build(images):
        t = tf.identity(images, "first") - [0.5, -1.0, 2.0]  # off in half, never, always
        t = tf.nn.relu(t)
        tf.nn.conv2d(t, kernel(1, 1, 3, 2), 1, "SAME", name="last")

    photos = np.random.default_rng(0).random((8, 24, 24, 3), np.float32)
    model = model_of(build)
    linear = expanded_weights(model, "first", "last")
    mean = expanded_weights(model, "first", "last", relu="mean", photos=photos)
    shares = (mean.values / linear.values)[:, 0, 0]
    np.testing.assert_allclose(shares, [[0.5, 1, 0]] * 2, atol=0.02)


def test_the_relu_that_makes_the_later_layer_does_not_count(tiny):
    photos = np.random.default_rng(0).random((4, 24, 24, 3))
    linear, mean = (
        expanded_weights(tiny, "low", "high", relu=relu, photos=photos)
        for relu in ("linear", "mean")
    )
    np.testing.assert_array_equal(linear.values, mean.values)


def test_by_mean_relus_weights_predict_a_bottleneck_better(efficientnet):
    found = {}
    for relu in ("linear", "mean"):
        weights = expanded_weights(
            efficientnet, "block5a/output", "block5b/output", range(0, 100, 9), relu=relu
        )
        found[relu] = np.median(predictions(efficientnet, weights).correlations())
    assert found["mean"] > 0.8
    assert found["mean"] > found["linear"] + 0.3


# Predictions.


def test_before_a_relu_adjacent_weights_predict_all_but_a_constant(efficientnet):
    weights = expanded_weights(
        efficientnet, "block2a/output", "block2b/expand_pre_relu", [0, 7, 100]
    )
    found = predictions(efficientnet, weights)
    bias = constant(efficientnet, "block2b/expand_b")[[0, 7, 100]]
    np.testing.assert_allclose(found.parts.sum(-1) + bias, found.actual, atol=1e-3)
    np.testing.assert_allclose(found.correlations(), 1, atol=1e-5)
    assert (found.correlations((0, 1)) < 0.99).all()


def test_predictions_of_a_deep_field_are_for_photos_of_any_size(tiny):
    photos = np.random.default_rng(0).random((5, 30, 26, 3))
    weights = expanded_weights(tiny, "low", "signed", [1, 2])
    found = predictions(tiny, weights, photos)
    assert found.parts.shape == (5, 2, 8)
    np.testing.assert_allclose(found.parts.sum(-1), found.actual, atol=1e-4)


def test_a_neuron_that_does_the_same_everywhere_has_no_correlation(tiny):
    weights = expanded_weights(tiny, "low", "high", [0])
    found = predictions(tiny, weights, np.full((4, 24, 24, 3), 0.5))
    assert np.isnan(found.correlations()).all()


# Reductions.


def by_hand(values, **changes):
    values = np.asarray(values, np.float32)
    channels = tuple(range(len(values)))
    made = ExpandedWeights("M", "first", "last", channels, values, (0, 0), (3, 3), (24, 24), False)
    return dataclasses.replace(made, **changes)


def planted():
    """Kernels of 3x3 on six channels: two groups that act apart, and one channel of no weight."""
    edge = np.array([[1, 0, -1]] * 3, float)
    blob = np.array([[0, 1, 0], [1, 2, 1], [0, 1, 0]], float)
    groups = np.array([[3, 1, 2, 0, 0, 0], [0, 0, 0, 1, 2, 0]], float)
    return edge[..., None] * groups[0] - blob[..., None] * groups[1], (edge, -blob), groups


def test_the_strongest_come_first_on_the_side_of_their_sum():
    norms = [0.1, 3, 2, 1, 0]
    signs = [1, -1, 1, -1, 1]
    weights = by_hand(np.reshape(np.multiply(norms, signs), [1, 1, 1, 5]))
    assert strongest(weights, 0, 2) == ((2, 0), (1, 3))
    assert strongest(weights, 0, 1) == ((2,), (1,))
    assert share(weights, 0, (1,)) == pytest.approx(9 / 14.01)
    assert share(weights, 0, (0, 1, 2, 3)) == pytest.approx(1)


def test_groups_are_channels_that_act_together_for_and_against():
    values, maps, planted_groups = planted()
    found = weight_groups(by_hand(values[None]), 2)
    assert found.error < 0.01
    unit = planted_groups / np.linalg.norm(planted_groups, axis=1, keepdims=True)
    order = np.argmax(np.abs(found.basis.directions @ unit.T), 1)
    assert sorted(order) == [0, 1]
    for k, g in enumerate(order):
        np.testing.assert_allclose(found.basis.directions[k], unit[g], atol=0.02)
        expected = maps[g] * np.linalg.norm(planted_groups[g])
        np.testing.assert_allclose(found.kernels[0, k], expected, atol=0.1)
    assert found.basis.layer == "first" and found.basis.nonnegative


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 6), st.integers(0, 99))
def test_groups_are_of_any_weights(number, side, depth, seed):
    values = np.random.default_rng(seed).normal(size=(number, side, side, depth))
    found = weight_groups(by_hand(values), 3)
    assert found.kernels.shape == (number, len(found), side, side)
    assert min(found.excites.min(), found.inhibits.min()) >= 0
    assert 0 <= found.error < 1
    squares = (found.excites**2 + found.inhibits**2).sum((0, 2, 3))
    assert (np.diff(squares) <= 1e-5 * squares[0]).all()


# Pictures and pages.


def hex_of(colour):
    return "#" + "".join(f"{round(255 * float(c)):02x}" for c in colour)


def test_colours_say_the_sign_and_opacity_the_size():
    pixels = heat(np.array([[2.0, -1.0, 0.0]]), 2)
    assert hex_of(pixels[0, 0, :3]) == COLOURS["for"]
    assert hex_of(pixels[0, 1, :3]) == COLOURS["against"]
    np.testing.assert_allclose(pixels[0, :, 3], [1, 0.5, 0])


def test_mixed_colours_are_those_of_the_group_that_is_there():
    values, _, _ = planted()
    groups = weight_groups(by_hand(values[None]), 2)
    excites, inhibits = mixed_colours(groups)
    assert excites[:, 0, 3].min() > 0.1 and excites[:, 2, 3].max() < 0.02
    blob = int(np.argmax(groups.inhibits[0, :, 1, 1]))
    assert hex_of(inhibits[1, 1, :3]) == ("#18c8e4", "#957a18")[blob]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LUCIDX_CACHE", str(tmp_path_factory.mktemp("cache")))
        return circuit(make_model(), "low", "high", 5, 3, 2, **QUICK)


def test_a_circuit_shows_the_strongest_and_says_what_it_leaves_out(found):
    assert isinstance(found, Circuit) and found.name == "high:5"
    for parts, sign in ((found.supporting, 1), (found.opposing, -1)):
        norms = [part.norm for part in parts]
        assert norms == sorted(norms, reverse=True) and 1 <= len(norms) <= 3
        for part in parts:
            assert sign * part.sum > 0
            own = found.weights.kernel(5, int(part.name.partition(":")[2]))
            np.testing.assert_array_equal(part.kernel, own)
            assert part.icon.shape == (16, 16, 3)
    every = found.supporting + found.opposing
    assert found.shown == pytest.approx(sum(part.share for part in every))
    assert len({part.name for part in every}) == len(every)
    assert found.photos == 64
    assert 0.5 < found.correlation <= 1


@pytest.mark.slow
def test_a_circuit_is_the_same_again(found):
    again = circuit(make_model(), "low", "high", 5, 3, 2, **QUICK)
    assert again.correlation == pytest.approx(found.correlation)
    np.testing.assert_array_equal(picture(again), picture(found))


def test_a_picture_has_a_row_of_icons_and_one_of_kernels_for_either_side(found):
    drawn = picture(found)
    columns = 1 + max(len(found.supporting), len(found.opposing))
    assert drawn.dtype == np.float32 and drawn.shape[1] == columns * (16 + 4) + 4
    np.testing.assert_allclose(drawn[4:20, 4:20], found.icon, atol=1e-6)
    np.testing.assert_allclose(drawn[4:20, 24:40], found.supporting[0].icon, atol=1e-6)


def test_fields_wider_than_icons_fit_into_a_picture(found):
    wide = dataclasses.replace(found.supporting[0], kernel=np.ones((70, 40), np.float32))
    assert (
        picture(dataclasses.replace(found, supporting=(wide,))).shape[0] == picture(found).shape[0]
    )


def test_one_side_may_be_empty(found):
    alone = dataclasses.replace(found, opposing=())
    assert picture(alone).shape[1] == (1 + len(found.supporting)) * 20 + 4
    assert "No channel." in page_of(alone).html


def test_a_model_of_other_images_is_not_compared_with_photos():
    found = circuit(make_model(24, 24, 5), "input", "low", 2, **QUICK)
    assert found.photos == 0 and np.isnan(found.correlation)
    assert "is not known" in page_of(found).html


def test_a_page_needs_nothing_from_outside_and_says_how_far_to_trust_it(found):
    source = page_of(found).html
    assert not re.search(r"(?i)https?:|//[a-z0-9-]+\.[a-z]|@import|<script|<link[^>]+style", source)
    assert "default-src 'none'; img-src data:; style" in source
    assert f"correlation of {found.correlation:.2f}" in source
    assert f"{found.shown:.0%} of all squared weights" in source
    assert "polysemantic" in source and "were it linear" in source
    assert source.count('class="limits"') == 4


def test_poor_predictions_are_called_so(found):
    poor = dataclasses.replace(found, correlation=0.1)
    assert "That is little" in page_of(poor).html
    assert "--relu mean" in page_of(poor).html
    assert "That is little" not in page_of(found).html


def test_a_page_says_which_photos_it_was_compared_in(found):
    assert "Over 64 windows of two photos" in page_of(found).html
    given = dataclasses.replace(found, settings={**found.settings, "photos": "given"})
    assert "Over 64 photos" in page_of(given).html


def test_names_are_text_not_code(found):
    weights = dataclasses.replace(found.weights, model=HOSTILE, layer_from=HOSTILE)
    source = page_of(dataclasses.replace(found, weights=weights, name=HOSTILE)).html
    assert "<script" not in source and "<img src=x" not in source


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_the_screen(browser, found, tmp_path, scheme):
    path = tmp_path / "circuit.html"
    page_of(found).save(path)
    wrong = []
    for width in WIDTHS:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("request", lambda r: r.url.startswith(("file:", "data:")) or wrong.append(r.url))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for kernel in page.locator("img.kernel").all():
            box = kernel.bounding_box()
            assert box["width"] == pytest.approx(box["height"]) and box["width"] > 60
        assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
        context.close()
    assert wrong == []


# Bad input.

WRONG = {
    "no such layer": ({"layer_from": "lwo"}, UnknownLayerError, "low"),
    "the later first": ({"layer_from": "high", "layer_to": "low"}, InvalidValueError, "before"),
    "the same": ({"layer_to": "low"}, InvalidValueError, "earlier one first"),
    "no such channel": ({"channels": 12}, InvalidValueError, "12 channels"),
    "half a channel": ({"channels": [0.5]}, InvalidTypeError, "whole"),
    "no channels": ({"channels": []}, InvalidValueError, "all of them"),
    "no such relu": ({"relu": "exact"}, InvalidValueError, "'mean'"),
    "no size": ({"size": 0}, InvalidValueError, "size"),
    "not a model": ({"model": "InceptionV1"}, InvalidTypeError, "lucidx.load"),
    "photos of nothing": (
        {"relu": "mean", "photos": np.zeros((2, 4, 4, 1))}, InvalidValueError, "channels",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused(tiny, change, error, says):
    asked = {"model": tiny, "layer_from": "low", "layer_to": "high", "channels": 0, **change}
    with pytest.raises(error, match=says):
        expanded_weights(**asked)


@pytest.mark.parametrize("curve", [tf.nn.sigmoid, tf.nn.silu, tf.nn.softmax])
def test_what_has_no_constant_weights_is_refused_and_named(curve):
    def build(images):
        t = curve(tf.identity(images, "first"))
        tf.nn.conv2d(t, kernel(3, 3, 3, 2), 1, "SAME", name="last")

    with pytest.raises(InvalidValueError, match=r"(?i)softmax|sigmoid") as caught:
        expanded_weights(model_of(build), "first", "last")
    assert "Conv2D" not in str(caught.value)


def test_too_few_photos_and_another_model_are_refused(tiny):
    weights = expanded_weights(tiny, "low", "high", [0])
    with pytest.raises(InvalidValueError, match="three"):
        predictions(tiny, weights, np.zeros((2, 24, 24, 3)))
    with pytest.raises(InvalidValueError, match="weights of M"):
        predictions(tiny, dataclasses.replace(weights, model="M"))


def test_channels_without_weights_are_refused(tiny):
    weights = expanded_weights(tiny, "low", "high", [3, 5])
    assert json.dumps(dict(weights.origin))
    with pytest.raises(InvalidValueError, match="high:3, high:5"):
        strongest(weights, 4)
    with pytest.raises(InvalidValueError, match="number"):
        strongest(weights, 3, 0)
    with pytest.raises(InvalidValueError, match="8 channels"):
        weights.kernel(3, 8)
