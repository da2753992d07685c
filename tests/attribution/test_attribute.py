from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from lucidx import value_range
from lucidx.attribution import METHODS, Weights, attribute, layer_attribution, probe_at
from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.modelzoo import model_io
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import objectives

LAYERS = ("input", "early", "pooled", "branch", "stream", "late", "mean", "logits")
SLOW_LAYERS = ("input", "block2a/output", "block4a/depthwise", "head")
DOG = objectives.class_logit("logits", "dog")


def in_a_session(activations, layer, model, image):
    """Score of "dog", and its gradient, with activations fed to one tensor of the whole graph."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        T = model.import_graph(tf.constant(image[np.newaxis]))
        score = T("logits")[0, 3]
        fetches = score, tf.gradients(score, T(layer))[0][0]
        return session.run(fetches, {T(layer): activations[np.newaxis]})


@pytest.mark.parametrize("layer", ["early", "branch", "stream", "mean"])
def test_gradient_is_the_partial_derivative_with_the_rest_computed_from_the_image(
    small, noise, layer
):
    found = attribute(small, noise[0], "dog", layer, "gradient")
    expected = in_a_session(found.activations, layer, small, noise[0])
    assert found.score == pytest.approx(expected[0], rel=1e-5)
    np.testing.assert_allclose(found.values, expected[1], atol=1e-6)

    def at_half(probe):
        ((_, slope),) = probe.evaluations([probe.activations / 2], 1)
        return slope

    expected = in_a_session(found.activations / 2, layer, small, noise[0])
    halved = attribute(small, noise[0], "dog", layer, at_half)
    np.testing.assert_allclose(halved.values, expected[1], atol=1e-6)


def test_gradient_at_the_input_is_for_images_in_0_to_1(small, noise):
    found = attribute(small, noise[0], "dog", "input", "gradient")
    step = np.random.default_rng(0).normal(0, 1e-3, noise[0].shape).astype(np.float32)
    run = small.function("logits")
    higher, lower = (float(run((noise[0] + s * step)[np.newaxis])[0, 3]) for s in (1, -1))
    assert (found.values * step).sum() == pytest.approx((higher - lower) / 2, rel=0.1)
    np.testing.assert_array_equal(found.activations, noise[0])


@pytest.mark.parametrize("method", ["linear", "path", "stochastic_path", "smoothed", "grad_cam"])
def test_values_are_activations_less_the_baseline_times_effective_weights(small, noise, method):
    found = attribute(small, noise[0], DOG, "stream", method)
    np.testing.assert_allclose(
        found.values, (found.activations - found.baseline) * found.gradient, rtol=1e-6
    )
    assert found.score == pytest.approx(small.activations(noise[0], "logits")[3], rel=1e-4)
    assert found.baseline_score == pytest.approx(
        in_a_session(np.zeros_like(found.activations), "stream", small, noise[0])[0], rel=1e-4
    )


def test_all_methods_agree_where_the_score_is_linear(small, noise):
    found = {name: attribute(small, noise[0], DOG, "mean", name) for name in METHODS
             if name not in ("gradient", "grad_cam", "ablation")}  # fmt: skip
    found["ablation"] = attribute(small, noise[0], DOG, "mean", "ablation", units="channels")
    for attribution in found.values():
        np.testing.assert_allclose(attribution.values, found["linear"].values, atol=1e-5)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("method", ["path", "stochastic_path"])
def test_paths_account_for_the_change_in_score(small, noise, layer, method):
    found = attribute(small, noise[0], DOG, layer, method)
    assert found.total == pytest.approx(found.score - found.baseline_score, rel=0.02, abs=1e-4)
    assert abs(found.relative_gap) < 0.02


@pytest.mark.parametrize("baseline", ["mean", "blurred", 0.3])
def test_a_baseline_is_where_the_path_begins(small, noise, baseline):
    found = attribute(small, noise[0], DOG, "early", "path", baseline=baseline)
    assert abs(found.relative_gap) < 0.02
    begin, _ = in_a_session(found.baseline, "early", small, noise[0])
    assert found.baseline_score == pytest.approx(begin, rel=1e-4)
    if baseline == 0.3:
        np.testing.assert_array_equal(found.baseline, np.full_like(found.activations, 0.3))
    else:
        np.testing.assert_allclose(
            found.baseline.mean((0, 1)), found.activations.mean((0, 1)), rtol=0.2, atol=0.05
        )


def test_a_baseline_equal_to_the_activations_leaves_nothing_to_attribute(small, noise):
    at = small.activations(noise[0], "late")
    found = attribute(small, noise[0], DOG, "late", "path", baseline=at)
    assert not found.values.any()
    assert found.gap == found.relative_gap == 0


def test_the_left_rule_is_the_mean_of_gradients_from_0_on(small, noise):
    found = attribute(small, noise[0], DOG, "stream", "path", steps=4, rule="left")
    expected = 0
    for part in (0, 0.25, 0.5, 0.75):
        run = small.function("logits", "stream")
        with tf.GradientTape() as tape:
            at = tf.constant(part * found.activations[np.newaxis])
            tape.watch(at)
            score = run(at)[0, 3]
        expected = expected + tape.gradient(score, at)[0].numpy() / 4
    np.testing.assert_allclose(found.gradient, expected, atol=1e-6)


def test_the_unweighted_gap_is_that_of_the_trapezoidal_rule_on_the_same_gradients(small, noise):
    found = attribute(small, noise[0], DOG, "early", "path", steps=2)
    quarter, whole = (
        in_a_session(part * found.activations, "early", small, noise[0])[1] for part in (0.25, 1)
    )
    slope = 0.25 * quarter + 0.75 * (quarter + whole) / 2
    change = found.score - found.baseline_score
    expected = ((slope * found.activations).sum() - change) / abs(change)
    assert found.unweighted_gap == pytest.approx(expected, abs=1e-4)
    assert abs(found.relative_gap) < 1e-3 < abs(found.unweighted_gap), "weights hide what is missed"


def test_an_unweighted_gap_is_there_where_gradients_are_integrated(small, noise):
    def gaps(method, **options):
        found = attribute(small, noise[0], DOG, "early", method, **options)
        return found.unweighted_gap, found.relative_gap

    unweighted, missed = gaps("path", rule="left", steps=5)
    assert unweighted == pytest.approx(missed, abs=1e-5)
    few, many = (abs(gaps("stochastic_path", steps=steps)[0]) for steps in (2, 50))
    assert many < 0.01 < few
    assert gaps("linear")[0] is gaps("grad_cam")[0] is gaps("ablation")[0] is None


@pytest.mark.parametrize("layer", ["input", "early", "stream"])
def test_path_values_and_not_only_their_sum_converge(small, noise, layer):
    few, many = (
        attribute(small, noise[0], DOG, layer, "path", steps=steps).values for steps in (50, 400)
    )
    assert np.linalg.norm(few - many) < 0.02 * np.linalg.norm(many)


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["block4a/depthwise", "block6a/expand", "head"])
def test_path_values_of_positions_converge_on_photos(efficientnet, photos, layer):
    scores = efficientnet.activations(photos[0], value_range.class_scores(efficientnet))
    label = efficientnet.labels[int(scores.argmax())]
    few, many = (
        attribute(efficientnet, photos[0], label, layer, "path", steps=steps).spatial()
        for steps in (50, 400)
    )
    assert np.linalg.norm(few - many) < 0.1 * np.linalg.norm(many)


def test_random_paths_are_repeatable_and_differ_between_seeds(small, noise):
    first, again, other = (
        attribute(small, noise[0], DOG, "early", "stochastic_path", paths=1, seed=seed).values
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-4 * np.abs(first).max()


def test_smoothing_without_noise_is_linear(small, noise):
    linear = attribute(small, noise[0], DOG, "early")
    smoothed = attribute(small, noise[0], DOG, "early", "smoothed", noise=0, samples=2)
    np.testing.assert_allclose(smoothed.values, linear.values, atol=1e-7)
    rough = attribute(small, noise[0], DOG, "early", "smoothed", noise=0.5, samples=2)
    assert np.abs(rough.values - linear.values).max() > 1e-4


def test_grad_cam_is_the_rectified_sum_of_maps_weighted_by_mean_gradients(small, noise):
    found = attribute(small, noise[0], DOG, "late", "grad_cam")
    slopes = attribute(small, noise[0], DOG, "late", "gradient").values
    weighted = (found.activations * slopes.mean((0, 1))).sum(-1)
    np.testing.assert_allclose(found.spatial(), np.maximum(weighted, 0), atol=1e-6)
    assert found.spatial().any()


@pytest.mark.parametrize("units, shape", [("positions", (4, 4, 1)), ("channels", (1, 1, 6))])
def test_ablation_is_the_score_lost(small, noise, units, shape):
    found = attribute(small, noise[0], DOG, "branch", "ablation", units=units, batch_size=5)
    assert found.values.shape == shape
    for unit in [(0, 0, 0), tuple(n - 1 for n in shape)]:
        changed = found.activations.copy()
        changed[unit[:2] if units == "positions" else (..., unit[2])] = 0
        left, _ = in_a_session(changed, "branch", small, noise[0])
        assert found.values[unit] == pytest.approx(found.score - left, abs=1e-5)


def test_ablation_needs_no_gradient(small, noise):
    def steps(T):
        return tf.reduce_sum(tf.round(5 * T("logits")))

    found = attribute(small, noise[0], steps, "late", "ablation")
    assert found.values.any()


def test_smoothed_pooling_reaches_every_input_of_a_window(small, noise):
    exact = attribute(small, noise[0], DOG, "early", "gradient").values
    smoothed = attribute(small, noise[0], DOG, "early", "gradient", maxpool="smoothed").values

    def reached(values):  # in the windows that anything reaches
        windows = (values != 0).reshape(4, 2, 4, 2, 6).sum((1, 3))
        return windows[windows > 0].mean()

    assert reached(exact) == 1
    assert reached(smoothed) > 2


def test_images_of_a_batch_do_not_affect_each_other(small, noise):
    def brightest(T):  # a mean over a batch would mix them
        return tf.reduce_max(T("logits")) * tf.reduce_mean(T("input"))

    for score in (DOG, brightest):
        together = attribute(small, noise, score, "stream", "path", steps=3, batch_size=2)
        assert len(together) == 3
        for image, found in zip(noise, together, strict=True):
            alone = attribute(small, image, score, "stream", "path", steps=3)
            assert found.score == pytest.approx(alone.score, rel=1e-5)
            np.testing.assert_allclose(found.values, alone.values, atol=1e-5)
            assert found.gap == pytest.approx(alone.gap, abs=1e-5)


def test_ways_to_name_a_score_agree(small, noise):
    named = ["dog", "logits:dog", "logits:3", DOG, objectives.class_logit("logits", 3)]
    named.append(lambda T: T("logits")[0, 3])
    found = [attribute(small, noise[0], score, "late").values for score in named]
    for values in found[1:]:
        np.testing.assert_allclose(values, found[0], atol=1e-6)


def test_attribution_of_a_difference_is_the_difference_of_attributions(small, noise):
    cat = objectives.class_logit("logits", "cat")
    dog_found, cat_found, difference = (
        attribute(small, noise[0], score, "early") for score in (DOG, cat, DOG - 2 * cat)
    )
    expected = dog_found.values - 2 * cat_found.values
    np.testing.assert_allclose(difference.values, expected, atol=1e-6)


def test_channels_come_last_whatever_the_network_s_layout(small, small_nchw, noise):
    try:
        small_nchw.activations(noise[0], "late")
    except InvalidValueError:
        pytest.skip("this TensorFlow has no convolutions of that layout on the CPU")
    for layer in ("stream", "late"):
        for method in ("linear", "path"):
            expected = attribute(small, noise[0], DOG, layer, method)
            found = attribute(small_nchw, noise[0], DOG, layer, method)
            np.testing.assert_allclose(found.values, expected.values, atol=1e-5)


def test_a_graph_being_built_is_left_alone(small, noise):
    expected = attribute(small, noise[0], DOG, "late", "path", steps=3)
    with tf.Graph().as_default() as graph:
        found = attribute(small, noise[0], DOG, "late", "path", steps=3)
        assert found.baseline_score == expected.baseline_score
        assert not graph.get_operations()
    np.testing.assert_array_equal(found.values, expected.values)


def test_classes_share_a_trace(small, noise):
    def explain(score):
        assert attribute(small, noise[0], score, "stream", "path").gap is not None

    explain("ant")
    traced = set(model_io.skeleton(small).functions)
    for score in ("bee", "logits:cat", objectives.class_logit("logits", 5)):
        explain(score)
    assert set(model_io.skeleton(small).functions) == traced


def test_a_method_of_one_s_own_gets_what_the_others_get(small, noise):
    def halves(probe, *, part=0.5):
        ((_, slope),) = probe.evaluations([part * probe.activations], 1)
        return Weights(slope, np.zeros_like(probe.activations))

    def shifted(probe):
        return probe.gradient * probe.activations + 1

    linear = attribute(small, noise[0], DOG, "late")
    own = attribute(small, noise[0], DOG, "late", shifted)
    np.testing.assert_allclose(own.values, linear.values + 1, atol=1e-6)
    assert own.method == "shifted" and own.gap is None
    np.testing.assert_allclose(
        attribute(small, noise[0], DOG, "late", halves, part=1.0).values, linear.values, atol=1e-6
    )


def test_a_layer_that_is_all_zero_gets_nothing(noise):
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        dark = tf.nn.relu(-1 - images, name="dark")
        tf.add(tf.reduce_sum(dark, [1, 2]), 2.0, name="out")
    model = Model.from_graphdef(graph.as_graph_def(), "input", (0, 1), (8, 8, 3), name="Dark")
    for method in METHODS:
        found = attribute(model, noise[0], "out:1", "dark", method)
        assert not found.activations.any()
        if method != "gradient":
            assert not found.values.any()
        if found.baseline is not None:
            assert found.relative_gap == 0
    channels = attribute(model, noise[0], "out:1", "dark").top(3)
    assert channels.supporting == channels.opposing == []


@pytest.mark.parametrize(
    "layer",
    ["block5a/expand", *(pytest.param(n, marks=pytest.mark.slow) for n in SLOW_LAYERS)],
)
def test_paths_are_complete_on_photos(efficientnet, photos, layer):
    best = efficientnet.activations(photos, value_range.class_scores(efficientnet)).argmax(-1)
    for photo, index in zip(photos, best, strict=True):
        found = attribute(efficientnet, photo, efficientnet.labels[index], layer, "path")
        assert abs(found.relative_gap) < 0.02


def bad(model, image, *, score="dog", layer="late", method="linear", **options):
    return attribute(model, image, score, layer, method, **options)


@pytest.mark.parametrize(
    "request_, error, message",
    [
        ({"score": "dgo"}, InvalidValueError, "no class 'dgo'. Did you mean 'dog'"),
        ({"score": "logits:dgo"}, InvalidValueError, "Did you mean 'dog'"),
        ({"score": "logit:dog"}, UnknownLayerError, "Did you mean 'logits'"),
        ({"score": "logits:77"}, InvalidValueError, "6 channels"),
        ({"score": 3}, InvalidTypeError, "A score is a label.*that number: 'logits:3'"),
        ({"score": 2.5}, InvalidTypeError, "A score is a label"),
        ({"score": lambda T: 1.0}, InvalidValueError, "reads no layer"),
        ({"score": lambda T: tf.argmax(T("logits"), -1)}, InvalidTypeError, "float"),
        ({"score": lambda T: tf.math.log(-tf.exp(T("logits")))}, InvalidValueError, "finite"),
        ({"score": lambda T: tf.round(T("logits"))}, InvalidValueError, "No gradient"),
        ({"layer": "lat"}, UnknownLayerError, "Did you mean 'late'"),
        ({"layer": 3}, InvalidTypeError, "named by strings"),
        ({"score": "early:2", "layer": "late"}, InvalidValueError, "not before it"),
        ({"method": "liner"}, InvalidValueError, "Did you mean 'linear'"),
        ({"method": 3}, InvalidTypeError, "A method is a name"),
        (
            {"method": "path", "stepz": 3},
            InvalidTypeError,
            "no option 'stepz'. Did you mean 'steps'",
        ),
        ({"steps": 3}, InvalidTypeError, "'linear' has no option 'steps'"),
        ({"method": "path", "steps": 0}, InvalidValueError, "at least 1, not 0"),
        ({"method": "path", "rule": "right"}, InvalidValueError, "'tracking' or 'left'"),
        ({"method": "path", "baseline": "black"}, InvalidValueError, "no baseline 'black'"),
        ({"method": "path", "baseline": np.zeros(5)}, InvalidValueError, "does not fit"),
        ({"method": "path", "baseline": np.nan}, InvalidValueError, "not finite"),
        ({"method": "path", "baseline": [[1], [1, 2]]}, InvalidTypeError, "A baseline is"),
        ({"method": "path", "layer": "mean", "baseline": "mean"}, InvalidValueError, "positions"),
        ({"method": "smoothed", "noise": -1}, InvalidValueError, "noise"),
        ({"method": "stochastic_path", "paths": 0.5}, InvalidValueError, "whole number"),
        ({"method": "grad_cam", "layer": "mean"}, InvalidValueError, "positions"),
        ({"method": "ablation", "layer": "mean"}, InvalidValueError, "no positions"),
        ({"method": "ablation", "units": "pixels"}, InvalidValueError, "'positions' or 'channels'"),
        ({"method": lambda probe: np.zeros(3)}, InvalidTypeError, "shaped like the activations"),
        ({"maxpool": "soft"}, InvalidValueError, "'exact' or 'smoothed'"),
        ({"batch_size": 0}, InvalidValueError, "batch_size"),
    ],
)
def test_bad_requests_are_refused_with_a_reason(small, noise, request_, error, message):
    with pytest.raises(error, match=message):
        bad(small, noise[0], **request_)


@pytest.mark.parametrize(
    "image, error",
    [
        (np.zeros([8, 8], np.float32), InvalidValueError),
        (np.zeros([8, 8, 1], np.float32), InvalidValueError),
        (np.zeros([8, 8, 4], np.float32), InvalidValueError),
        (np.zeros([0, 8, 8, 3], np.float32), InvalidValueError),
        (np.full([8, 8, 3], 255.0, np.float32), InvalidValueError),
        (np.full([8, 8, 3], np.nan, np.float32), InvalidValueError),
        (np.zeros([8, 8, 3], np.uint16), InvalidTypeError),
        ("photo.jpg", InvalidTypeError),
    ],
)
def test_what_is_no_image_in_0_to_1_is_refused(small, image, error):
    with pytest.raises(error):
        attribute(small, image, "dog", "late")


@pytest.mark.parametrize(
    "image, error, says",
    [
        ("photo.jpg", InvalidTypeError, r"the path 'photo.jpg'.*read_image\(path, \(8, 8, 3\)\)"),
        (Path("photo.jpg"), InvalidTypeError, "the path 'photo.jpg'"),
        (np.full([8, 8, 3], 200), InvalidTypeError, r"int64.*image.astype\(np.uint8\)"),
        (np.full([8, 8, 3], 255.0), InvalidValueError, "image / 255"),
    ],
)
def test_what_would_do_as_an_image_is_refused_with_a_way_to_make_it_one(small, image, error, says):
    for explain in (
        lambda: attribute(small, image, "dog", "late"),
        lambda: layer_attribution(small, image, "early", "late"),
        lambda: probe_at(small, image, "dog", "late"),
    ):
        with pytest.raises(error, match=says):
            explain()


@pytest.mark.parametrize("image", [np.full([8, 8, 3], 300), np.full([8, 8, 3], -1.0)])
def test_what_cannot_be_of_bytes_is_not_offered_as_such(small, image):
    with pytest.raises((InvalidTypeError, InvalidValueError)) as caught:
        attribute(small, image, "dog", "late")
    assert "255" not in str(caught.value)


def test_images_of_another_size_are_refused_with_the_size_that_is_taken():
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3], name="images")
        tf.reduce_sum(tf.nn.avg_pool2d(images, 8, 1, "VALID", name="pooled"), [1, 2], name="out")
    model = Model.from_graphdef(graph.as_graph_def(), "images", (0, 1), (8, 8, 3), name="Fixed")
    with pytest.raises(InvalidValueError, match=r"height 8 and width 8.*read_image\(path, \(8, 8"):
        attribute(model, np.zeros([4, 4, 3], np.float32), "out:1", "pooled")


def test_bytes_are_images_too(small, noise):
    pixels = np.round(255 * noise[0]).astype(np.uint8)
    found = attribute(small, pixels, "dog", "late").values
    expected = attribute(small, pixels / np.float32(255), "dog", "late").values
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_images_that_the_network_cannot_take_are_refused(inception_v1):
    with pytest.raises(InvalidValueError, match="cannot compute"):
        attribute(inception_v1, np.zeros([2, 300, 300, 3], np.float32), "tiger cat", "mixed4d")
