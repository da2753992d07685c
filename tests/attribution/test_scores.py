"""What class is meant."""

import numpy as np
import pytest
import tensorflow as tf

from lucidx.attribution import attribute
from lucidx.attribution.scores import class_index
from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo.vision_base import Model


def classifier(labels):
    """A model with six classes."""
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, 4, 4, 3], name="images")
        flat = tf.reshape(tf.nn.relu(images, name="same"), [-1, 48])
        weights = np.random.default_rng(0).normal(size=[48, 6]).astype(np.float32)
        tf.nn.softmax(tf.matmul(flat, weights, name="scores"), name="chances")
    return Model.from_graphdef(
        graph.as_graph_def(), "images", (0, 1), (4, 4, 3), labels=labels, name="Six"
    )


@pytest.fixture(scope="module")
def birds():
    return classifier(["crane", "3", "a, b: c", "crane", "dove", "emu"])


def test_classes_have_labels_and_numbers(birds):
    assert class_index(birds, "a, b: c") == class_index(birds, 2) == 2
    assert class_index(birds, np.int64(3)) == 3
    assert type(class_index(birds, np.int64(3))) is int


def test_text_is_a_label_also_if_it_is_a_number(birds):
    assert class_index(birds, "3") == 1


def test_a_label_of_two_classes_is_refused_with_their_numbers(birds):
    with pytest.raises(InvalidValueError, match=r"'crane': 0 and 3.*'scores:0' or 'scores:3'"):
        class_index(birds, "crane")
    image = np.ones([4, 4, 3], np.float32)
    for score in ("crane", "scores:crane"):
        with pytest.raises(InvalidValueError, match="0 and 3"):
            attribute(birds, image, score, "same")
    first, last = (attribute(birds, image, f"scores:{n}", "same") for n in (0, 3))
    assert first.score != last.score


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ("crain", InvalidValueError, "no class 'crain'. Did you mean 'crane'"),
        (6, InvalidValueError, "classes 0 to 5; there is no class 6"),
        (-1, InvalidValueError, "classes 0 to 5; there is no class -1"),
        (True, InvalidTypeError, "labels or indices, not True"),
        (1.0, InvalidTypeError, "labels or indices, not 1.0"),
        (None, InvalidTypeError, "labels or indices, not None"),
    ],
)
def test_what_is_no_class_is_refused(birds, asked, error, says):
    with pytest.raises(error, match=says):
        class_index(birds, asked)


def test_classes_without_labels_have_their_numbers():
    model = classifier(None)
    assert class_index(model, 3) == class_index(model, "class 3") == 3
    with pytest.raises(InvalidValueError, match="classes 0 to 5"):
        class_index(model, 6)
