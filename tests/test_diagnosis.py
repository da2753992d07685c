"""lucidx.diagnose names causes of grey pictures, and does not cry wolf."""

import warnings

import pytest
import tensorflow as tf

import lucidx
from lucidx.errors import DiagnosisWarning
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import param, render


def names(model, objective=None):
    return [finding.name for finding in lucidx.diagnose(model, objective)]


def with_range(model, value_range):
    return Model.from_graphdef(
        model.graph_def, model.input_name, value_range, model.image_shape, is_BGR=model.is_BGR
    )


def test_a_sound_model_and_objective_have_no_findings(efficientnet):
    assert names(efficientnet, "block6a/expand:10") == []


def test_a_model_is_diagnosed_while_a_graph_is_being_built_too(efficientnet):
    with tf.Graph().as_default():
        assert lucidx.diagnose(efficientnet, "block5c/output:3") == []


def test_a_wrong_value_range_is_named_with_a_better_one(efficientnet):
    (finding,) = lucidx.diagnose(with_range(efficientnet, (0, 255)))
    assert finding.name == "value_range"
    assert "(0, 1)" in finding.cure or "(-1, 1)" in finding.cure
    assert str(finding).startswith("value_range: ")


def test_similar_ranges_are_not_complained_about(efficientnet):
    assert names(with_range(efficientnet, (-1, 1))) == []


@pytest.mark.slow
def test_ranges_of_inception(inception_v1):
    assert names(inception_v1) == []
    assert names(with_range(inception_v1, (0, 1))) == ["value_range"]
    assert names(with_range(inception_v1, (-1, 1))) == ["value_range"]


@pytest.mark.slow
def test_ranges_of_a_bgr_model(inception_v1_caffe):
    assert names(inception_v1_caffe) == []
    assert names(with_range(inception_v1_caffe, (0, 1))) == ["value_range"]


def test_rendering_a_model_of_ones_own_warns_of_its_range_once(efficientnet):
    model = with_range(efficientnet, (0, 255))
    options = {"param_f": lambda: param.image(32), "thresholds": [0], "verbose": False, "seed": 0}
    with pytest.warns(DiagnosisWarning, match="value_range"):
        render.render_vis(model, "stem:3", **options)
    with warnings.catch_warnings(record=True) as again:
        warnings.simplefilter("always")
        render.render_vis(model, "stem:4", **options)
    assert not [w for w in again if "value_range" in str(w.message)]


def test_targets_behind_a_softmax(efficientnet):
    (finding,) = lucidx.diagnose(efficientnet, "probabilities:3")
    assert finding.name == "softmax_target"
    assert "'logits'" in finding.cure


def test_units_that_are_off(efficientnet):
    def objective(T):
        return tf.reduce_mean(tf.nn.relu(T("stem") - 100))

    assert names(efficientnet, objective) == ["dead_gradient", "dead_unit"]


def test_units_that_are_off_only_at_the_start(inception_v1):
    (finding,) = lucidx.diagnose(inception_v1, "mixed4d:5")
    assert finding.name == "dead_gradient"
    assert "relu_gradient_override" in finding.cure


def test_numbers_that_are_not_finite(efficientnet):
    def objective(T):
        return tf.math.log(-1 - tf.reduce_sum(T("stem")) ** 2)

    assert names(efficientnet, objective) == ["not_finite"]
