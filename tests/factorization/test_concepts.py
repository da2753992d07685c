"""Concepts: what recurs in parts of pictures, and what a score depends on."""

import numpy as np
import pytest
import tensorflow as tf

from lucidx.errors import InvalidValueError
from lucidx.factorization import concepts
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import objectives

DEPTH = 6
LABELS = ("ant", "bee", "cat", "dog", "eel", "fox")


def network(t):
    """Two convolutions, their kernels random, and a score for each of six classes."""
    rng = np.random.default_rng(0)
    kernels = [rng.normal(size=[3, 3, 3, DEPTH]), rng.normal(size=[3, 3, DEPTH, 4])]
    t = tf.nn.relu(tf.nn.conv2d(t, kernels[0].astype("f"), 2, "SAME"), name="first")
    t = tf.nn.relu(tf.nn.conv2d(t, kernels[1].astype("f"), 2, "SAME"), name="second")
    swapped = tf.transpose(t, [0, 3, 1, 2])
    # An operation that states its layout.
    swapped = tf.nn.bias_add(swapped, tf.zeros([4]), "NCHW", name="channels_first")
    t = tf.transpose(swapped, [0, 2, 3, 1])
    tf.reduce_sum(t, [1, 2, 3], name="total")
    weights = rng.normal(size=[4, 6]).astype("f")
    tf.matmul(tf.reduce_mean(t, [1, 2]), weights, name="scores")


@pytest.fixture(scope="module")
def model():
    with tf.Graph().as_default() as graph:
        network(tf.compat.v1.placeholder(tf.float32, [None, 24, 24, 3], "input"))
    return Model.from_graphdef(graph.as_graph_def(), "input", (-1, 1), labels=LABELS)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def pictures(number=6, size=32):
    """Pictures of smooth patches of colour."""
    small = np.random.default_rng(3).uniform(size=[number, 4, 4, 3]).astype(np.float32)
    return np.kron(small, np.ones([1, size // 4, size // 4, 1], np.float32))


def test_concepts_are_what_crops_are_made_of(model):
    found = concepts(model, pictures(), "first", 3, crops=5)
    assert found.basis.directions.shape == (3, DEPTH)
    assert found.basis.nonnegative
    assert found.importances is None
    assert found.crops.shape == (30, 4)
    assert found.coefficients.shape == (30, 3)
    image, y, x, side = found.crops[7]
    assert (image, side) == (1, 11)
    assert min(y, x) >= 0 and max(y, x) + side <= 32
    again = concepts(model, pictures(), "first", 3, crops=5)
    np.testing.assert_array_equal(found.basis.directions, again.basis.directions)


def test_concepts_explain_most_of_the_activations(model):
    images = pictures()
    acts = model.activations(images, "first")
    found = concepts(model, images, "first", 4).basis
    rest = acts - found.reconstruct(found.coefficients(acts))
    assert np.linalg.norm(rest) < 0.3 * np.linalg.norm(acts)


def test_importance_is_the_share_of_the_variance_of_a_score(model):
    images, v = pictures(1), random(DEPTH, seed=5)
    found = concepts(model, images, "first", 3, score=objectives.direction("first", v))
    # The score is linear in the masks: each concept adds its weight, or not.
    parts = found.basis.coefficients(model.activations(images, "first")).mean((0, 1, 2))
    weights = parts * (found.basis.directions @ v)
    np.testing.assert_allclose(found.importances, weights**2 / (weights**2).sum(), atol=0.1)
    assert (np.diff(found.importances) <= 0).all()


def test_a_score_that_depends_on_nothing_gives_no_importance(model):
    constant = concepts(model, pictures(), "first", 2, score=lambda T: 0 * T("scores")[0, 0])
    np.testing.assert_array_equal(constant.importances, 0)


def test_importance_for_a_class_however_it_is_named(model):
    named = ("scores:1", "scores:bee", "bee", objectives.class_logit("scores", "bee"))
    found = [concepts(model, pictures(2), "second", 2, score=score) for score in named]
    for other in found:
        assert other.importances[0] > 0
        np.testing.assert_array_equal(other.importances, found[0].importances)


def test_concepts_of_a_layer_with_channels_first_are_those_of_the_layer(model):
    images = pictures(2)
    last, first = (
        concepts(model, images, layer, 2, score="bee") for layer in ("second", "channels_first")
    )
    np.testing.assert_allclose(first.basis.directions, last.basis.directions, rtol=1e-4)
    np.testing.assert_allclose(first.importances, last.importances, rtol=1e-3)


def test_concepts_are_short_to_look_at(model):
    assert repr(concepts(model, pictures(), "first", 3)) == (
        "<Concepts in 'first': concept 0, concept 1, concept 2>"
    )
    found = concepts(model, pictures(2), "second", 2, score="bee")
    first, last = found.importances
    assert repr(found) == f"<Concepts in 'second': concept 0 {first:.2g}, concept 1 {last:.2g}>"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"n": 7}, "7 concepts.*6 channels"),
        ({"n": 5, "images": pictures(1), "crops": 3}, "in 3 crops"),
        ({"n": 0}, "0 concepts"),
        ({"crop": 0}, "in 0..1"),
        ({"layer": "Conv2D"}, "negative.*behind a ReLU, such as .*'first'"),
        ({"images": pictures() - 5}, "in 0..1"),
        ({"layer": "second", "score": "first:0"}, "not before it"),
    ],
)
def test_concepts_that_cannot_be_found(model, changes, says):
    arguments = {"images": pictures(), "layer": "first", "n": 2} | changes
    with pytest.raises(InvalidValueError, match=says):
        concepts(model, **arguments)
