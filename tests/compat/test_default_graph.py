"""Programs of TensorFlow 1 build a graph without having made one."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf2

import lucidx.compat
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import objectives, param, render


def test_there_is_a_default_graph_that_can_be_reset(installed):
    import tensorflow as tf

    x = tf.placeholder(tf.float32, [])
    assert x.graph is tf.get_default_graph() and not tf.executing_eagerly()
    with tf.Session() as session:
        assert session.run(2 * x, {x: 3}) == 6
    tf.reset_default_graph()
    assert tf.get_default_graph() is not x.graph
    assert not tf.get_default_graph().get_operations()


def test_the_graph_is_reset_while_an_interactive_session_is_open(installed):
    import tensorflow as tf

    session = tf.InteractiveSession()
    tf.constant(1)
    tf.reset_default_graph()
    assert not tf.get_default_graph().get_operations()
    session.close()


@pytest.mark.parametrize("call", ["reset_default_graph", "uninstall"])
def test_inside_a_block_the_graph_can_be_neither_reset_nor_left(installed, call):
    import tensorflow as tf

    calls = {"reset_default_graph": tf.reset_default_graph, "uninstall": lucidx.compat.uninstall}
    for block in (tf.Graph().as_default, tf.Session, lambda: tf.Session(graph=tf.Graph())):
        with block(), pytest.raises(InvalidValueError, match="after the block"):
            calls[call]()
    tf.reset_default_graph()


def test_interactive_sessions_are_closed_at_the_end():
    lucidx.compat.install()
    import tensorflow as tf

    sessions = [tf.InteractiveSession(), tf.InteractiveSession(graph=tf.Graph())]
    lucidx.compat.uninstall()
    assert tf2.executing_eagerly() and tf2.compat.v1.get_default_session() is None
    for session in sessions:
        with pytest.raises(RuntimeError, match="closed"):
            session.run([])


def test_interactive_sessions_closed_out_of_turn_do_not_keep_uninstall_waiting():
    eager = []

    def work():
        lucidx.compat.install()
        import tensorflow as tf

        first, second = tf.InteractiveSession(), tf.InteractiveSession()
        with pytest.raises(AssertionError, match="Nesting"):
            first.close()
        lucidx.compat.uninstall()
        eager.append(tf2.executing_eagerly())
        with pytest.raises(RuntimeError, match="closed"):
            second.run([])

    # TensorFlow leaves the first session as the default one of the thread.
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert eager == [True]


def test_uninstall_inside_a_block_of_an_interactive_session():
    lucidx.compat.install()
    import tensorflow as tf

    with tf.InteractiveSession().as_default():
        lucidx.compat.uninstall()
    assert tf2.executing_eagerly()


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [
        "tf.Session().__enter__()",
        "tf.Graph().as_default().__enter__(); tf.Session().__enter__()",
        "a = tf.InteractiveSession(graph=tf.Graph()); tf.InteractiveSession(); a.as_default()"
        ".__enter__()",
    ],
)
def test_blocks_that_are_never_left_do_not_disturb_the_end_of_a_process(tmp_path, program):
    (tmp_path / "script.py").write_text(f"import tensorflow as tf\n{program}\nprint('done')\n")
    command = [sys.executable, "-m", "lucidx.compat", str(tmp_path / "script.py")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "done\n")
    assert "Traceback" not in ended.stderr and "ignored" not in ended.stderr


def test_a_session_from_before_stays_open():
    with tf2.Graph().as_default(), tf2.compat.v1.Session() as session:
        lucidx.compat.install()
        lucidx.compat.uninstall()
        assert tf2.compat.v1.get_default_session() is session
        assert session.run(tf2.constant(2)) == 2


def test_other_threads_are_left_alone(installed):
    found = []

    def work():
        found.append(tf2.executing_eagerly())
        with pytest.raises(InvalidValueError, match="thread"):
            lucidx.compat.uninstall()
        found.append("refused")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True, "refused"]


def test_lucidx_works_while_a_graph_is_default(installed, tmp_path):
    import tensorflow as tf

    graph_def = tf.GraphDef()
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, None, None, 3], "images")
        tf.nn.relu(images[..., :2] - images[..., 1:] + 0.1, "layer")
        graph_def.CopyFrom(graph.as_graph_def())
    model = Model.from_graphdef(graph_def, "images", image_value_range=(0, 1), name="Tiny")
    photo = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    (image,) = render.render_vis(
        model, "layer:1", lambda: param.image(8), thresholds=(2,), verbose=False, seed=0
    )
    assert image.shape == (1, 8, 8, 3)
    acts = model.activations(photo, "layer")
    assert acts.shape == (8, 8, 2)
    model.export(tmp_path / "model.pb")
    T = render.import_model(Model.load(tmp_path / "model.pb"), tf.constant(photo), None)
    value = objectives.channel("layer", 1)(T)
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(value), acts[..., 1].mean(), rtol=1e-5)


def test_keras_works_in_a_block_of_tensorflow_2(installed):
    import keras
    import tensorflow as tf

    x = np.ones([2, 3], np.float32)
    with lucidx.compat.tensorflow2():
        model = keras.Sequential([keras.layers.Input([3]), keras.layers.Dense(2)])
        model.compile("sgd", "mse")
        model.fit(x, np.zeros([2, 2]), verbose=0)
        predicted = model.predict(x, verbose=0)
        np.testing.assert_allclose(model(x).numpy(), predicted, rtol=1e-5)
    assert predicted.shape == (2, 2)
    assert not tf.executing_eagerly() and tf.constant(1).graph is tf.get_default_graph()


def test_eager_execution_can_be_enabled_before_anything_is_built(installed):
    import tensorflow as tf

    tf.enable_eager_execution()
    tf.enable_eager_execution()
    assert tf.executing_eagerly() and (tf.constant(2) * 3).numpy() == 6
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.constant(2)) == 2
        with pytest.raises(InvalidValueError, match="after the block"):
            tf.enable_eager_execution()
    tf.reset_default_graph()
    assert tf.executing_eagerly()
    lucidx.compat.uninstall()
    lucidx.compat.install()
    assert not tf.executing_eagerly()


def test_eager_execution_is_refused_when_there_is_a_graph(installed):
    import tensorflow as tf

    tf.constant(1)
    with pytest.raises(InvalidValueError, match="before anything is built"):
        tf.enable_eager_execution()
