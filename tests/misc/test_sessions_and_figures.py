"""Interactive sessions, and figures of Matplotlib as arrays."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from lucidx.errors import InvalidTypeError
from lucidx.misc.convert_matplotlib import matplotlib_to_numpy
from lucidx.misc.tfutil import create_session


def test_a_session_is_the_default_one_until_it_is_closed():
    with tf.Graph().as_default() as outer:
        session = create_session(timeout_sec=60)
        assert tf.compat.v1.get_default_graph() is session.graph is not outer
        assert (tf.constant(2) * 3).eval() == 6
        session.close()
        assert tf.compat.v1.get_default_graph() is outer
    assert tf.executing_eagerly()


def test_a_run_that_takes_too_long_is_stopped():
    session = create_session(timeout_sec=0.2)
    never = tf.queue.FIFOQueue(1, tf.float32).dequeue()
    with pytest.raises(tf.errors.DeadlineExceededError):
        session.run(never)
    session.close()


class Figure:
    """Saves pictures as Matplotlib's figures do."""

    def savefig(self, file, format):
        Image.new("RGB", (3, 2), (255, 0, 51)).save(file, format)


def test_a_figure_becomes_rgba():
    array = matplotlib_to_numpy(Figure())
    assert array.shape == (2, 3, 4) and array.dtype == np.float64
    assert np.allclose(array[0, 0], [1, 0, 0.2, 1])


def test_figures_of_matplotlib_itself():
    figure = pytest.importorskip("matplotlib.figure").Figure(figsize=(1, 2), dpi=50)
    figure.add_subplot().plot([1, 2])
    assert matplotlib_to_numpy(figure).shape == (100, 50, 4)


def test_what_cannot_be_saved_is_named():
    with pytest.raises(InvalidTypeError, match="BytesIO"):
        matplotlib_to_numpy(io.BytesIO())
