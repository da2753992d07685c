"""Variables by name, as in TensorFlow 1."""

import collections

import numpy as np
import pytest
import tensorflow as tf2

from lucidx.errors import InvalidValueError


@pytest.fixture
def tf(installed):
    import tensorflow

    return tensorflow


@pytest.fixture
def graph(tf):
    """Two variables and what is computed from them: total is 2 w1 + 2 w2 + 3 g."""
    with tf.Graph().as_default() as graph:
        w = tf.Variable([1.0, 2.0], name="w")
        with tf.variable_scope("scope"):
            g = tf.get_variable("g", [], initializer=tf.constant_initializer(5.0))
        tf.add(2 * tf.reduce_sum(w), 3 * g, name="total")
    return graph


@pytest.fixture
def session(tf, graph):
    with graph.as_default(), tf.Session() as session:
        session.run(tf.global_variables_initializer())
        yield session


def test_a_name_gives_the_value(session):
    value = session.run("w:0")
    assert value.dtype == np.float32 and value.tolist() == [1, 2]
    assert session.run("scope/g:0") == 5


Pair = collections.namedtuple("Pair", "a b")


def test_names_anywhere_in_what_is_asked_for(session):
    found = session.run(
        collections.OrderedDict(
            z=["w:0", ("scope/g:0", "total:0")], a=Pair("w:0", {"inner": "scope/g:0"})
        )
    )
    assert list(found) == ["z", "a"] and isinstance(found["a"], Pair)
    (w, (g, total)), pair = found["z"], found["a"]
    assert w.tolist() == pair.a.tolist() == [1, 2]
    assert (g, total, pair.b["inner"]) == (5, 21, 5)


def test_a_tensor_of_that_name_is_the_value(tf, session, graph):
    w = graph.get_tensor_by_name("w:0")
    assert (w.dtype, w.shape.as_list()) == (tf.float32, [2])
    assert session.run(w).tolist() == w.eval().tolist() == [1, 2]
    assert session.run(w + 1).tolist() == [2, 3]
    (gradient,) = tf.gradients(graph.get_tensor_by_name("total:0"), tf.trainable_variables("w"))
    assert session.run(gradient).tolist() == [2, 2]


def test_the_value_is_the_present_one(tf, session):
    (w,) = tf.trainable_variables("w")
    assert session.run(w.assign([3.0, 4.0])).tolist() == [3, 4]
    assert session.run("w:0").tolist() == session.run(w).tolist() == [3, 4]
    assert session.run([w.assign_add([1.0, 1.0])])[0].tolist() == session.run("w:0").tolist()


@pytest.mark.parametrize("key", ["name", "tensor", "variable", "handle"])
def test_a_variable_that_is_fed_has_this_value_in_this_run(tf, session, graph, key):
    fed = {
        "name": "w:0",
        "tensor": graph.get_tensor_by_name("w:0"),
        "variable": tf.trainable_variables("w")[0],
        "handle": graph.get_operation_by_name("w").outputs[0],
    }[key]
    values = session.run(["total:0", "w:0", "scope/g:0"], {fed: [10.0, 20.0]})
    assert values[0] == 75 and values[1].tolist() == [10, 20] and values[2] == 5
    assert graph.get_tensor_by_name("total:0").eval({fed: [0, 0], "scope/g:0": 1}) == 3
    assert session.run("total:0") == 21


def test_feeding_a_variable_that_is_read_out_of_reach_is_refused(tf, session):
    rows = tf.get_variable("rows", initializer=np.eye(3, dtype=np.float32))
    taken = tf.gather(rows, [1])
    session.run(rows.initializer)
    assert session.run(taken).tolist() == [[0, 1, 0]]
    with pytest.raises(InvalidValueError, match=r"'rows' cannot be fed: .* a ResourceGather"):
        session.run(taken, {"rows:0": np.ones([3, 3])})


def test_what_is_no_variable_is_as_ever(tf, session, graph):
    x = tf.placeholder(tf.float32, [], "x")
    assert session.run(x * 2, {"x:0": 3}) == session.run("x:0", {x: 6}) == 6
    assert session.run("w") is None  # an operation
    with pytest.raises(ValueError, match="nothing"):
        session.run("nothing:0")
    with pytest.raises(TypeError):
        session.run(None)
    with pytest.raises(TypeError, match="'nothing:0'"):
        session.run(x, {"nothing:0": 1})


def test_tensorflow_itself_still_finds_the_handle(tf, session, tmp_path):
    saver = tf.train.Saver()
    path = saver.save(session, str(tmp_path / "model"))
    with tf.Graph().as_default(), tf.Session() as other:
        tf.train.import_meta_graph(f"{path}.meta").restore(other, path)
        assert other.run("w:0").tolist() == [1, 2]
        assert other.run("total:0", {"w:0": [0, 0]}) == 15


def test_afterwards_names_are_tensorflow_2s():
    import lucidx.compat

    lucidx.compat.install()
    lucidx.compat.uninstall()
    with tf2.Graph().as_default() as graph:
        tf2.Variable(1.0, name="w")
    assert graph.get_tensor_by_name("w:0").dtype == tf2.resource
