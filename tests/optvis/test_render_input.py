"""Bad input to rendering: refused before the work starts, with an error that helps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import lucidx
from lucidx.errors import (
    DiagnosisWarning,
    InvalidTypeError,
    InvalidValueError,
    LucidxError,
    UnknownLayerError,
)
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import objectives, param, render, transform


def refuse(model, objective="second:3", **options):
    """The error that render_vis ends in, with a step count that would take for ever."""
    options = {"param_f": lambda: param.image(24), "thresholds": (10**9,)} | options
    with pytest.raises(LucidxError) as caught:
        render.render_vis(model, objective, verbose=False, **options)
    return caught.value


@pytest.mark.parametrize(
    ("objective", "error", "message"),
    [
        ("secnd:3", UnknownLayerError, "no layer 'secnd'. Did you mean 'second'"),
        ("second:12", InvalidValueError, r"'second' has 12 channels \(0 to 11\); asked for 12"),
        ("second:-13", InvalidValueError, "has 12 channels"),
        ("second", InvalidValueError, "not 'layer:channel'"),
        ("second:x", InvalidValueError, "not 'layer:channel'"),
        (":3", InvalidValueError, "not 'layer:channel'"),
        ("", InvalidValueError, "not 'layer:channel'"),
        (None, InvalidTypeError, "An objective is"),
        (3, InvalidTypeError, "An objective is"),
        (lambda T: 1.0, InvalidValueError, "reads no layer"),
        (lambda T: T("labels") and 1.0, InvalidValueError, "reads no layer"),
        (lambda T: [T("second")][1:] or None, InvalidTypeError, "not a number"),
        (lambda T: tf.argmax(T("logits")[0]), InvalidTypeError, "int64, not a float"),
        (lambda T: tf.stop_gradient(tf.reduce_mean(T("second"))), InvalidValueError, "depend"),
        (objectives.channel("second", 3, batch=1), InvalidValueError, "has 1 images"),
        (objectives.direction("second", np.ones(5)), InvalidValueError, "has 12 channels"),
        (objectives.class_logit("logits", "clas 4"), InvalidValueError, "Did you mean 'class 4'"),
        (objectives.channel_interpolate("second", 1, "second", 2), InvalidValueError, "least 2"),
    ],
)
def test_objectives(tiny, objective, error, message):
    caught = refuse(tiny, objective)
    assert isinstance(caught, error)
    assert pytest.raises(error, match=message).matches(caught)


@pytest.mark.parametrize(
    ("param_f", "error", "message"),
    [
        (lambda: tf.zeros([1, 24, 24, 3]), InvalidValueError, "no trainable variable"),
        (lambda: np.zeros([1, 24, 24, 3], np.float32), InvalidTypeError, "a ndarray, not a tensor"),
        (lambda: None, InvalidTypeError, "a NoneType, not a tensor"),
        (lambda: tf.Variable(tf.zeros([1, 24, 24, 3])), InvalidTypeError, "tf.identity"),
        (lambda: param.image(24)[0], InvalidValueError, r"\[N, H, W, C\]"),
        (lambda: param.image(24)[:0], InvalidValueError, "nothing is there"),
        (lambda: tf.cast(param.image(24), tf.float64), InvalidTypeError, "float32"),
        (lambda: param.image(24, channels=5), InvalidValueError, "3 channels; these have 5"),
        (lambda: param.image(24, alpha=True), InvalidValueError, "collapse_alpha_random"),
        (lambda: param.image(24, channels=1), InvalidValueError, "grayscale_image_rgb"),
        (lambda: param.image(0), InvalidValueError, "0"),
        (lambda: param.image(-5), InvalidValueError, "-5"),
        ("image", InvalidTypeError, "param_f is a function"),
        (tf.zeros([1, 24, 24, 3]), InvalidValueError, "no trainable variable"),
    ],
)
def test_parameterizations(tiny, param_f, error, message):
    caught = refuse(tiny, param_f=param_f)
    assert pytest.raises(error, match=message).matches(caught)


def test_a_parameterization_that_makes_more_variables_later(tiny):
    calls = []

    def param_f():
        calls.append(1)
        return sum(param.image(24) for _ in calls) / len(calls)

    assert "more variables" in str(refuse(tiny, param_f=param_f))


@pytest.mark.parametrize("transforms", [["jitter"], "jitter", [transform.jitter(2), None], 3])
def test_transforms_that_are_not_functions(tiny, transforms):
    assert "transforms is a list of functions" in str(refuse(tiny, transforms=transforms))


def test_transforms_may_be_a_tuple_or_a_single_function(tiny):
    single = transform.jitter(2)
    images = [
        render.render_vis(tiny, "second:3", thresholds=[1], transforms=t, seed=0, verbose=False)[0]
        for t in (single, (single,), [single])
    ]
    np.testing.assert_array_equal(images[0], images[1])
    np.testing.assert_array_equal(images[0], images[2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thresholds": 512}, r"such as \(512,\)"),
        ({"thresholds": ()}, "empty"),
        ({"thresholds": (-1,)}, "from 0"),
        ({"thresholds": (1.5,)}, "from 0"),
        ({"seed": -1}, "seed"),
        ({"seed": "x"}, "seed"),
        ({"optimizer": "adam"}, "optimizer is"),
        ({"optimizer": lambda: None}, "optimizer is"),
        ({"print_objectives": ["oops"]}, "not 'layer:channel'"),
    ],
)
def test_other_arguments(tiny, options, message):
    caught = refuse(tiny, **options)
    assert pytest.raises(LucidxError, match=message).matches(caught)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("EfficientNetLite0", "lucidx.load"),
        (None, "model is a lucidx Model"),
        (
            keras.Sequential([keras.layers.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)]),
            "from_keras",
        ),
    ],
)
def test_models(model, message):
    assert message in str(refuse(model))


def test_a_model_class_instead_of_an_instance():
    from lucidx.modelzoo import vision_models

    assert "EfficientNetLite0()" in str(refuse(vision_models.EfficientNetLite0))


def test_unknown_model_names():
    with pytest.raises(ValueError, match="Did you mean 'InceptionV1'"):
        lucidx.load("InceptionV2000")


def test_an_image_too_small_for_the_network_is_explained(tiny):
    with pytest.raises(InvalidValueError, match="jitter"):
        render.render_vis(
            tiny,
            "second:3",
            lambda: param.image(4),
            transforms=[transform.jitter(8)],
            verbose=False,
        )


@pytest.fixture(scope="module")
def fixed_size():
    """A grey network, wider than high, that takes one size only behind its convolution."""
    fixed = keras.Sequential(
        [
            keras.layers.Input((16, 24, 1)),
            keras.layers.Conv2D(4, 3, name="conv"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, name="out"),
        ]
    )
    return Model.from_keras(fixed, image_value_range=(0, 1))


def test_the_image_and_its_transforms_suit_the_model(fixed_size):
    (image,) = render.render_vis(fixed_size, "conv:0", verbose=False, thresholds=[3])
    assert image.shape == (1, 128, 128, 1)
    (image,) = render.render_vis(fixed_size, "out:0", verbose=False, thresholds=[3])
    assert image.shape == (1, 16, 24, 1)
    larger = lambda: param.image(40, channels=1)
    (image,) = render.render_vis(fixed_size, "out:0", larger, verbose=False, thresholds=[3])
    assert image.shape == (1, 40, 40, 1)


def test_positions_are_not_taken_for_further_images():
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, 16, 16, 3], "images")
        pooled = tf.nn.avg_pool2d(images, 16, 16, "VALID")
        rows = tf.reshape(pooled, [-1, 3])  # of a larger image, a row for each position
        tf.matmul(rows, np.ones((3, 5), np.float32), name="scores")
    model = Model.from_graphdef(graph.as_graph_def(), image_value_range=(0, 1))
    (image,) = render.render_vis(model, "scores:1", verbose=False, thresholds=[3])
    assert image.shape == (1, 16, 16, 3)
    pair = lambda: param.image(32, batch=2)
    (image,) = render.render_vis(model, "scores:1", pair, verbose=False, thresholds=[3])
    assert image.shape == (2, 32, 32, 3)


def test_with_transforms_of_ones_own_the_size_the_model_needs_is_named(fixed_size):
    moves = [transform.jitter(4)]
    with pytest.raises(InvalidValueError, match=r"crop_or_pad_to\(16, 24\)"):
        render.render_vis(fixed_size, "out:0", transforms=moves, verbose=False, thresholds=[3])
    moves.append(transform.crop_or_pad_to(16, 24))
    (image,) = render.render_vis(
        fixed_size, "out:0", transforms=moves, verbose=False, thresholds=[3]
    )
    assert image.shape == (1, 16, 24, 1)


def test_a_graph_gets_an_image_with_the_channels_of_the_model(fixed_size):
    with tf.Graph().as_default(), tf.compat.v1.Session():
        assert render.make_vis_T(fixed_size, "conv:0")("input").shape == (1, 128, 128, 1)


def test_targets_behind_a_softmax_are_named(tiny):
    with pytest.warns(DiagnosisWarning, match="softmax_target.*'logits'"):
        render.render_vis(tiny, "probabilities:3", thresholds=[1], verbose=False)


def test_dead_units_are_named_early(tiny):
    def objective(T):
        return tf.reduce_mean(tf.nn.relu(T("second") - 1e6))

    with pytest.warns(DiagnosisWarning, match="dead_gradient: at step 0 .* every image"):
        render.render_vis(tiny, objective, thresholds=[3], verbose=False)


def test_images_that_the_objective_leaves_out_are_named(tiny):
    with pytest.warns(DiagnosisWarning, match=r"dead_gradient: at step 2 .* images \[1\]"):
        render.render_vis(
            tiny,
            objectives.channel("second", 3, batch=0),
            lambda: param.image(24, batch=2),
            thresholds=[5],
            verbose=False,
        )
