"""What positions argue for: forwards for all classes at once, as attribution has it backwards."""

import numpy as np
import pytest
import tensorflow as tf
from tiny_network import make_model

from lucidx.attribution import attribute
from lucidx.errors import InvalidValueError, UnknownLayerError
from lucidx.modelzoo.vision_base import Model
from lucidx.recipes.activation_atlas.evidence import sampler, scores_for

PLACES = np.array([[1, 2], [4, 0]])


def model_of(pool):
    """Layers "stem", "mixed" and "top" with overlapping pools and local normalisation between."""
    rng = np.random.default_rng(0)

    def conv(t, depth, name):
        weights = tf.constant(rng.normal(0, 0.3, (3, 3, t.shape[-1], depth)), tf.float32)
        return tf.nn.relu(tf.nn.conv2d(t, weights, 1, "SAME"), name)

    with tf.Graph().as_default() as graph:
        t = tf.compat.v1.placeholder(tf.float32, [None, 12, 12, 3], "images")
        t = conv(t, 8, "stem")
        t = tf.nn.local_response_normalization(t, 2, 1.0, 0.1, 0.7)
        t = pool(t, 3, 2)
        t = conv(t, 10, "mixed")
        t = tf.concat([t, pool(t, 3, 1)], -1)
        t = conv(t, 6, "top")
        dense = tf.constant(rng.normal(size=(6, 7)), tf.float32)
        t = tf.matmul(tf.reduce_mean(t, [1, 2], name="mean"), dense, name="scores")
        tf.nn.softmax(t, name="softmax")
    return Model.from_graphdef(graph.as_graph_def(), "images", (-1, 1), (12, 12, 3))


def max_pool(t, size, stride):
    return tf.nn.max_pool2d(t, size, stride, "SAME")


def max_pool_v2(t, size, stride):
    return tf.raw_ops.MaxPoolV2(
        input=t, ksize=[1, size, size, 1], strides=[1, stride, stride, 1], padding="SAME"
    )


@pytest.fixture(scope="module")
def model():
    return model_of(max_pool)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((2, 12, 12, 3), np.float32)


@pytest.mark.parametrize("layer", ["stem", "mixed", "top", "mean"])
def test_evidence_is_linear_attribution_for_every_class(model, images, layer):
    scores = scores_for(model, layer)
    assert scores == "scores", "before the softmax"
    activations, evidence = sampler(model, layer, scores)(images, PLACES)
    for n, (row, column) in enumerate(PLACES):
        expected = [
            attribute(model, images[n], f"scores:{k}", layer, "linear").values for k in range(7)
        ]
        there = np.array(expected) if layer == "mean" else np.array(expected)[:, row, column]
        np.testing.assert_allclose(evidence[n], there.sum(-1), rtol=1e-3, atol=1e-5)
        every = model.activations(images[n], layer)
        own = every if layer == "mean" else every[row, column]
        np.testing.assert_allclose(activations[n], own, rtol=1e-5, atol=1e-6)


def test_evidence_does_not_depend_on_the_other_images(model, images):
    sample = sampler(model, "mixed", "scores")
    together, alone = sample(images, PLACES), sample(images[1:], PLACES[1:])
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one[1:], other, rtol=1e-5, atol=1e-6)


def test_there_is_no_evidence_where_no_scores_depend_on_the_layer(model, images):
    assert scores_for(model, "scores") is None
    activations, evidence = sampler(model, "mixed", None)(images, PLACES)
    assert (activations.shape, evidence) == ((2, 10), None)
    assert scores_for(make_model(channels=1), "high") is None, "classes are of photos"


def test_what_tensorflow_computes_wrongly_is_refused(images):
    with pytest.raises(InvalidValueError, match="MaxPoolGradGradV2 is wrong"):
        sampler(model_of(max_pool_v2), "stem", "scores")


def test_a_layer_that_is_not_there_is_told_of_with_those_that_are(model):
    with pytest.raises(UnknownLayerError, match="'mixed'"):
        scores_for(model, "mixt")


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["conv2d1", "mixed3b", "mixed4c", "mixed5b"])
def test_evidence_in_a_real_network(inception_v1, layer):
    from sklearn.datasets import load_sample_image

    photo = load_sample_image("china.jpg")[:224, :224] / np.float32(255)
    place = np.array([[3, 3]])
    _, evidence = sampler(inception_v1, layer, "softmax2_pre_activation")(photo[None], place)
    for k in (20, 207, 971):
        why = attribute(inception_v1, photo, f"softmax2_pre_activation:{k}", layer, "linear")
        np.testing.assert_allclose(evidence[0, k], why.spatial()[3, 3], rtol=1e-3, atol=1e-6)
