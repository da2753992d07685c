"""The layout of a tensor, told from the graph before it."""

import time

import numpy as np
import pytest
import tensorflow as tf

from lucidx.misc.graph_analysis.property_inference import infer_data_format

tf1 = tf.compat.v1


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def image(rank=4):
    return tf1.placeholder(tf.float32, [2, 4, 4, 4, 4][:rank])


def stated(data_format):
    return tf.nn.bias_add(image(), tf.zeros(4), data_format=data_format)


def steps(x, count):
    for _ in range(count):
        x = tf.identity(x)
    return x


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_the_nearest_operation_that_states_a_layout_decides(data_format):
    other = {"NHWC": "NCHW", "NCHW": "NHWC"}[data_format]
    x = tf.nn.bias_add(stated(other), tf.zeros(4), data_format=data_format)
    for t in (x, x.op, tf.nn.relu(x), tf.concat([tf.tanh(image()), x], 0), x[1:], steps(x, 19)):
        assert infer_data_format(t) == data_format


def test_transposing_changes_the_layout():
    x = stated("NCHW")
    y = tf.nn.relu(tf.transpose(x, [0, 2, 3, 1]))
    assert infer_data_format(y) == "NHWC"
    assert infer_data_format(tf.transpose(y, [0, 3, 1, 2])) == "NCHW"
    assert infer_data_format(tf.transpose(x, [0, 1, 3, 2])) == "NCHW"
    assert infer_data_format(tf.transpose(x, tf1.placeholder(tf.int32, [4]))) == "NCHW"


def test_nothing_can_be_told_without_such_an_operation():
    assert infer_data_format(image()) is None
    assert infer_data_format(tf.nn.relu(image())) is None
    assert infer_data_format("mixed4a") is None
    assert infer_data_format(np.zeros((1, 2, 3, 4))) is None


@pytest.mark.parametrize("shape", [[2, -1], [2, 4, 16], [2, 2, 2, 4, 4]])
def test_other_ranks_have_no_layout(shape):
    assert infer_data_format(tf.reshape(stated("NCHW"), shape)) is None


def test_volumes_state_another_kind_of_layout():
    volume = tf.nn.conv3d(image(5), tf.zeros([1, 1, 1, 4, 4]), [1] * 5, "SAME")
    assert infer_data_format(volume[:, 0]) is None


def test_it_looks_back_only_so_far():
    x = stated("NCHW")
    assert infer_data_format(steps(x, 20)) is None
    assert infer_data_format(steps(x, 20), max_depth=21) == "NCHW"
    assert infer_data_format(steps(x, 1), max_depth=1) is None


def test_eager_tensors_have_no_graph():
    with tf.init_scope():
        assert infer_data_format(tf.zeros([1, 4, 4, 3])) is None
        assert infer_data_format(tf.Variable(tf.zeros([1, 4, 4, 3]))) is None


def test_inside_a_tf_function():
    seen = []

    @tf.function(autograph=False)
    def run(x):
        y = tf.nn.bias_add(x, tf.zeros(4), data_format="NCHW")
        seen.extend([infer_data_format(x), infer_data_format(tf.nn.relu(y))])
        return y

    run.get_concrete_function(tf.TensorSpec([1, 4, 4, 4]))
    assert seen == [None, "NCHW"]


def test_graphs_with_many_paths_take_no_longer():
    x = image()
    for _ in range(19):
        x = tf.concat([x + x, x * x, x - x], 0)[:2]
    start = time.perf_counter()
    assert infer_data_format(x, max_depth=60) is None
    assert time.perf_counter() - start < 1


def test_loops_end():
    with tf.Graph().as_default():
        tf1.disable_control_flow_v2()
        try:
            _, x = tf.while_loop(lambda i, _: i < 3, lambda i, x: (i + 1, 2 * x), [0, image()])
        finally:
            tf1.enable_control_flow_v2()
        assert infer_data_format(x) is None
