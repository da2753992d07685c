"""Which layers groups can add up to."""

import numpy as np
import pytest
import tensorflow as tf

from lucidx.errors import UnknownLayerError
from lucidx.factorization import neuron_groups
from lucidx.factorization.signs import NegativeActivationsError, nonnegative, nonnegative_near
from lucidx.modelzoo.importing import layers_of
from lucidx.modelzoo.vision_base import Model

SIGNED = ("linear", "silu", "mixed", "pooled")
AMOUNTS = ("relu", "relu6", "named", "joined")


@pytest.fixture(scope="module")
def model():
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], "images")
        linear = tf.subtract(images, 0.5, name="linear")
        relu = tf.nn.relu(linear, name="relu")
        relu6 = tf.nn.relu6(linear, name="relu6")
        tf.identity(tf.identity(relu), name="named")
        tf.multiply(linear, tf.sigmoid(linear), name="silu")
        tf.concat([relu, tf.identity(relu6)], -1, name="joined")
        tf.concat([relu, linear], -1, name="mixed")
        pooled = tf.reduce_mean(linear, [1, 2], name="pooled")
        tf.nn.relu(pooled, name="dense")
    layers = ["linear", "relu", "relu6", "named", "silu", "joined", "mixed", "pooled", "dense"]
    found = Model.from_graphdef(graph.as_graph_def(), "images", (0, 1), (8, 8, 3), name="Signs")
    found.layers = layers_of(found, layers)
    return found


def test_layers_behind_relus_are_never_negative(model):
    assert [name for name in SIGNED + AMOUNTS if nonnegative(model, name)] == list(AMOUNTS)
    with pytest.raises(UnknownLayerError, match="relu"):
        nonnegative(model, "rleu")


def test_the_closest_layers_of_the_same_form_are_offered(model):
    assert nonnegative_near(model, "silu") == ["named", "joined", "relu6"]
    assert nonnegative_near(model, "pooled") == ["dense"]
    assert nonnegative_near(model, "relu") == ["relu6", "named", "joined"]


def test_negative_layers_are_refused_with_reason_layers_and_way_out_apart(model):
    image = np.random.default_rng(0).random((8, 8, 3), np.float32)
    with pytest.raises(NegativeActivationsError, match="method='PCA'") as caught:
        neuron_groups(model, image, "silu", 2)
    assert caught.value.near == ("named", "joined", "relu6")
    assert "'named' or 'joined' or 'relu6'" in str(caught.value)
    assert "'silu' of Signs goes down to" in caught.value.reason
    assert not any(word in caught.value.reason for word in ("PCA", "ReLU", "named"))
