"""Changing weights in a frozen graph."""

import copy

import numpy as np
import pytest
import tensorflow as tf

from lucidx.errors import InvalidValueError, UnknownLayerError
from lucidx.modelzoo.vision_base import Model
from lucidx.scratch.parameter_editor import ParameterEditor

tf1 = tf.compat.v1


@pytest.fixture
def model():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, None, None, 3], "image")
        kernel = tf.constant(np.arange(6.0).reshape(1, 1, 3, 2), tf.float32, name="kernel")
        tf.nn.conv2d(x, kernel, 1, "SAME", name="acts")
        tf.constant(7, tf.int32, [2], name="filled")
    return Model.from_graphdef(
        graph.as_graph_def(), "image", image_value_range=(0, 1), name="Small"
    )


@pytest.fixture
def editor(model):
    return ParameterEditor(model.graph_def)


def test_what_is_read_is_a_copy(editor):
    kernel = editor["kernel"]
    assert kernel.tolist() == [[[[0, 1], [2, 3], [4, 5]]]]
    kernel[:] = 0
    assert editor["kernel", 0, 0, 1].tolist() == [2, 3]
    assert editor["filled"].tolist() == [7, 7]


def test_a_change_changes_the_network(model, editor):
    images = np.ones((1, 2, 2, 3), np.float32)
    before = model.activations(images, "acts")
    editor["kernel", ..., 0] = 0
    editor["kernel", 0, 0, 0, 1] += 10
    after = model.activations(images, "acts")
    assert before[0, 0, 0].tolist() == [6, 9] and after[0, 0, 0].tolist() == [0, 19]


def test_edits_of_a_copied_model_leave_the_model(model):
    edited = copy.deepcopy(model)
    ParameterEditor(edited.graph_def)["kernel"] = np.zeros((1, 1, 3, 2))
    assert not ParameterEditor(edited.graph_def)["kernel"].any()
    assert ParameterEditor(model.graph_def)["kernel"].any()


def test_types_stay_and_edited_graphs_are_marked(model, editor):
    marked = lambda: "lucid_is_edited" in [node.name for node in model.graph_def.node]
    editor["filled", 0]
    assert not marked()
    editor["filled", 0] = 3.0
    editor["filled"] = 4
    assert editor["filled"].dtype == np.int32 and editor["filled"].tolist() == [4, 4]
    assert marked() and "lucid_is_edited" in editor.nodes


def test_what_is_not_there_or_does_not_fit_is_named(editor):
    with pytest.raises(UnknownLayerError, match="'kernel'"):
        editor["kernels"]
    with pytest.raises(InvalidValueError, match=r"\(1, 1, 3, 2\)"):
        editor["kernel"] = np.zeros(5)
