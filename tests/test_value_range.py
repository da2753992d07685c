"""Value ranges are found out by trying, and what cannot be told is not claimed."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from lucidx import value_range
from lucidx.diagnosis import check_value_range
from lucidx.modelzoo.vision_base import Model
from lucidx.value_range import Trial


def with_range(model, bounds):
    return Model.from_graphdef(model.graph_def, model.input_name, bounds, model.image_shape)


def untrained(scale=1.0, offset=0.0):
    """A classifier of photos by one random layer; NaN for images below `offset`."""
    weights = np.random.default_rng(0).normal(size=(48, 10)).astype(np.float32)
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], "images")
        parts = tf.nn.avg_pool2d(tf.sqrt(images - offset), 2, 2, "VALID")
        tf.matmul(tf.reshape(parts, [-1, 48]), weights * scale, name="scores")
    return graph.as_graph_def()


def test_ranges_that_do_about_as_well_are_named_together(efficientnet):
    best = value_range.contenders(value_range.trials(efficientnet))
    # It was trained in about (-1, 1); that it cannot be told from (0, 1) must be said too.
    assert best[0].name in ("(-0.992, 1)", "(-1, 1)")
    assert "(0, 1)" in [trial.name for trial in best]
    assert not {"(0, 255)", "(-117, 138)"} & {trial.name for trial in best}


def test_the_cure_names_all_that_do_as_well(efficientnet):
    finding = check_value_range(with_range(efficientnet, (0, 255)))
    assert "(-1, 1) or (0, 1)" in finding.cure
    assert "does not well tell photos apart" in finding.message


def test_trials_that_are_not_numbers_are_left_out():
    def trial(name, separation, information=1.0):
        return Trial(name, (0, 1), separation, information)

    tried = [trial("a", np.nan), trial("b", 0.5, 0.8), trial("c", 0.48, 0.9), trial("d", 0.4)]
    assert [t.name for t in value_range.contenders(tried)] == ["c", "b"]
    assert value_range.contenders([trial("a", np.nan), trial("b", 0.1)]) == []
    assert value_range.contenders([]) == []


def test_a_range_of_its_own_in_which_a_network_works_is_not_complained_about():
    model = Model.from_graphdef(untrained(offset=300), image_value_range=(301, 302))
    own, *usual = value_range.trials(model)
    assert np.isfinite(own.separation)
    assert not np.isfinite([trial.separation for trial in usual]).any()
    assert check_value_range(model) is None


def test_bounds_are_typed_in_the_order_of_the_model(efficientnet):
    trial = Trial("x", ((1, 2, 3), (4.5, 5, 6)), 1.0, 1.0)
    assert value_range.typed(efficientnet, trial) == "([1.0, 2.0, 3.0], [4.5, 5.0, 6.0])"
    bgr = with_range(efficientnet, (0, 1))
    bgr.is_BGR = True
    assert value_range.typed(bgr, trial) == "([3.0, 2.0, 1.0], [6.0, 5.0, 4.5])"
    assert value_range.typed(bgr, Trial("x", (-1, 1), 1.0, 1.0)) == "(-1, 1)"


@pytest.mark.slow
def test_reversed_channels_tell_less(efficientnet, inception_v1_caffe):
    for model in (efficientnet, inception_v1_caffe):
        own, *_ = value_range.trials(model)
        assert value_range.with_channels_reversed(model).information < own.information


def test_scores_are_found_behind_a_softmax_and_what_hides_it():
    images = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(keras.layers.Conv2D(2, 3)(images))
    x = keras.layers.Dense(7, activation="softmax", name="probabilities")(x)
    model = Model.from_keras(keras.Model(images, x), (0, 1))
    photo = np.random.default_rng(0).uniform(size=(1, 8, 8, 3)).astype(np.float32)
    scores = model.activations(photo, value_range.class_scores(model))
    np.testing.assert_allclose(
        special.softmax(scores, -1), model.activations(photo, "probabilities"), rtol=1e-5
    )
