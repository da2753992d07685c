"""Helpers for model files: freezing what is in a session, records in graphs, finding one's way."""

import numpy as np
import pytest
import tensorflow as tf
from small_graphs import graph_of, images, residual_network, tf1, weights

from lucidx.errors import CorruptFileError, InvalidValueError, LucidxError, UnknownLayerError
from lucidx.modelzoo import graphs, util


def test_labels_are_the_lines_of_a_text_file(tmp_path):
    (tmp_path / "labels.txt").write_text("chat\nchien\n\N{SNOWMAN}\n", "utf-8")
    assert util.load_text_labels(tmp_path / "labels.txt") == ["chat", "chien", "\N{SNOWMAN}"]


def test_a_loaded_graph_forgets_its_devices_unless_told_otherwise(tmp_path):
    graph_def = graph_of(residual_network)
    graph_def.node[0].device = "/device:GPU:0"
    (tmp_path / "m.pb").write_bytes(graph_def.SerializeToString())
    assert not any(node.device for node in util.load_graphdef(tmp_path / "m.pb").node)
    kept = util.load_graphdef(str(tmp_path / "m.pb"), reset_device=False)
    assert kept.node[0].device == "/device:GPU:0"


# Freezing


def frozen_network(build, outputs=("probabilities",), kept=("input",)):
    """Frozen graph of `build()`, and what its outputs are for the images."""
    with tf.Graph().as_default() as graph, tf1.Session(graph=graph) as session:
        build()
        session.run(tf1.global_variables_initializer())
        tensors = [f"{name}:0" for name in outputs]
        values = session.run(tensors, {"input:0": images()})
        return util.frozen_default_graph_def(list(kept), list(outputs)), values


def run(graph_def, outputs=("probabilities",)):
    with tf.Graph().as_default() as graph, tf1.Session(graph=graph) as session:
        tf.graph_util.import_graph_def(graph_def, name="")
        return session.run([f"{name}:0" for name in outputs], {"input:0": images()})


def network_with_variables(use_resource):
    x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
    with tf.device("/device:CPU:0"):
        w = tf1.get_variable("w", [3, 3, 3, 4], use_resource=use_resource)
    x = tf.identity(tf.nn.conv2d(x, w, 1, "SAME"), name="an_identity")
    x = tf.debugging.check_numerics(x, "not finite", name="check")
    x = tf.nn.relu(x, name="relu")
    x = tf.stop_gradient(x, name="stop")
    x = tf1.cond(tf.reduce_mean(x) > 0, lambda: x * 2.0, lambda: x - 1.0)
    tf.nn.softmax(tf.reduce_mean(x, [1, 2]), name="probabilities")
    tf.identity(w * 2.0, name="not_needed")


@pytest.mark.parametrize("use_resource", [True, False], ids=["resource", "reference"])
def test_variables_become_constants_of_their_values(use_resource):
    graph_def, (expected,) = frozen_network(lambda: network_with_variables(use_resource))
    np.testing.assert_allclose(run(graph_def)[0], expected, rtol=1e-6)
    ops = {node.op for node in graph_def.node}
    assert not any("Var" in op for op in ops)
    graphs.prepare(graph_def, "frozen")  # only computes


def test_what_outputs_do_not_need_and_identities_are_left_out_but_not_stopped_gradients():
    graph_def, _ = frozen_network(lambda: network_with_variables(True))
    names = {node.name for node in graph_def.node}
    assert {"input", "relu", "stop", "probabilities"} <= names
    assert not {"not_needed", "an_identity", "check"} & names
    assert not any(node.device or "_class" in node.attr for node in graph_def.node)


def test_identities_that_are_asked_for_stay():
    graph_def, values = frozen_network(
        lambda: network_with_variables(True), ("probabilities", "an_identity")
    )
    again = run(graph_def, ("probabilities", "an_identity"))
    for value, expected in zip(again, values, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-6)


def test_functions_and_versions_stay():
    def network():
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        x = tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, y * 1.5), [0, x])[1]
        x = tf.function(lambda t: t - 0.25)(x)
        tf.nn.relu(x, name="probabilities")

    graph_def, (expected,) = frozen_network(network)
    assert graph_def.versions.producer > 0
    np.testing.assert_allclose(run(graph_def)[0], expected, rtol=1e-6)


def test_freezing_without_a_session_or_graph_says_what_to_do():
    with pytest.raises(RuntimeError, match=r"no default session.*compat\.v1\.Session") as caught:
        util.frozen_default_graph_def(["input"], ["out"])
    assert isinstance(caught.value, LucidxError)
    with tf.Graph().as_default(), tf1.Session(), pytest.raises(RuntimeError, match="empty"):
        util.frozen_default_graph_def(["input"], ["out"])
    with tf.Graph().as_default() as other:
        tf.constant(1.0, name="out")
    with tf1.Session(graph=other), tf.Graph().as_default():
        tf.constant(1.0, name="out")
        with pytest.raises(RuntimeError, match="for this graph"):
            util.frozen_default_graph_def([], ["out"])


def test_freezing_names_variables_without_a_value_and_unknown_nodes():
    with tf.Graph().as_default(), tf1.Session():
        network_with_variables(True)
        with pytest.raises(InvalidValueError, match=r"no value yet.*global_variables_initializer"):
            util.frozen_default_graph_def(["input"], ["probabilities"])
        with pytest.raises(UnknownLayerError, match="Did you mean 'probabilities'"):
            util.frozen_default_graph_def(["input"], ["probablities"])


# Records in graphs


def test_a_record_survives_the_graph_and_changes_nothing_that_is_computed():
    graph_def = graph_of(residual_network)
    expected = run(graph_def)
    assert util.extract_metadata(graph_def) is None
    util.infuse_metadata(graph_def, {"a": (1, 2), "b": np.eye(2), "c": "\N{SNOWMAN}", "d": None})
    written = graphs.GraphDef.FromString(graph_def.SerializeToString())
    assert util.extract_metadata(written) == {
        "a": [1, 2],
        "b": [[1, 0], [0, 1]],
        "c": "\N{SNOWMAN}",
        "d": None,
    }
    np.testing.assert_array_equal(run(graph_def), expected)


def test_a_record_is_where_lucid_looks_for_it():
    graph_def = graph_of(residual_network)
    util.infuse_metadata(graph_def, {"a": 1})
    (node,) = [node for node in graph_def.node if node.name == "lucid_metadata_json"]
    assert (node.op, node.attr["dtype"].type) == ("Const", tf.string.as_datatype_enum)
    assert list(node.attr["value"].tensor.string_val) == [b'{"a": 1}']
    assert util.metadata_node_name == node.name


def test_a_new_record_replaces_the_old_one():
    graph_def = graph_of(residual_network)
    util.infuse_metadata(graph_def, {"a": 1})
    util.infuse_metadata(graph_def, {"a": 2})
    assert util.extract_metadata(graph_def) == {"a": 2}


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b"3",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": 1' + b"0" * 100_000 + b"}",
        b" " * 2**25,
    ],
    ids=["cut", "list", "number", "bytes", "deep", "long number", "long"],
)
def test_a_record_that_is_none_is_refused(text):
    graph_def = graph_of(residual_network)
    util.infuse_metadata(graph_def, {})
    graph_def.node[-1].attr["value"].tensor.string_val[0] = text
    with pytest.raises(CorruptFileError, match="lucid_metadata_json"):
        util.extract_metadata(graph_def)


def test_several_records_and_nodes_that_hold_none_are_refused():
    graph_def = graph_of(residual_network)
    util.infuse_metadata(graph_def, {"a": 1})
    graph_def.node.extend(graph_def.node[-1:])
    with pytest.raises(CorruptFileError, match="2 times"):
        util.extract_metadata(graph_def)
    del graph_def.node[-2:]
    graph_def.node.add(name="lucid_metadata_json", op="NoOp")
    with pytest.raises(CorruptFileError, match="0 texts"):
        util.extract_metadata(graph_def)


# Finding one's way


def helper_network():
    x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
    parts = tf.split(x, 2, 1, name="parts")
    with tf.control_dependencies([tf.no_op("gate")]):
        first = tf.nn.relu(parts[1], name="first")
    tf.nn.relu(first, name="second")


def test_a_graph_is_looked_up_by_operation_name_and_input():
    helper = util.GraphDefHelper(graph_of(helper_network))
    assert [node.name for node in helper.by_op["Relu"]] == ["first", "second"]
    assert helper.by_name["parts"].op == "Split"
    assert [node.name for node in helper.by_input["parts"]] == ["first"]  # which reads parts:1
    assert [node.name for node in helper.by_input["gate"]] == ["first"]  # which reads ^gate


def test_a_neighborhood_goes_along_and_against_the_flow():
    helper = util.GraphDefHelper(graph_of(helper_network))
    near = [{n.name for n in helper.neighborhood(helper.by_name["first"], d)} for d in range(3)]
    assert near[0] == {"first"}
    assert near[1] == {"first", "second", "parts", "gate"}
    assert near[2] == near[1] | {"input", "parts/split_dim"}
    assert len(helper.neighborhood(helper.by_name["first"])) == len(helper.graph_def.node)


def test_nodes_of_one_name_are_refused():
    graph_def = graph_of(helper_network)
    graph_def.node.add(name="first", op="NoOp")
    with pytest.raises(CorruptFileError, match="'first'"):
        util.GraphDefHelper(graph_def)


@pytest.mark.parametrize("shape", [(2, 5, 6, 3), (1, 1, 1, 1)])
def test_forgotten_positions_leave_the_numbers(shape):
    values = weights(*shape)
    with tf.Graph().as_default(), tf1.Session() as session:
        t = util.forget_xy(tf.constant(values))
        assert t.shape.as_list() == [shape[0], None, None, shape[3]]
        np.testing.assert_array_equal(session.run(t), values)
        np.testing.assert_array_equal(session.run(t, {t: values[:, :1]}), values[:, :1])
