"""`shape[i].value`, for those who ask for it."""

import importlib

import numpy as np
import pytest
import tensorflow as tf2

import lucidx.compat

SIZES = "def sizes(shape):\n    return [shape[1], *shape]\n"


def test_sizes_have_values_in_the_users_code(installed):
    import tensorflow as tf

    x = tf.placeholder(tf.float32, [None, 5, 3])
    assert x.shape[1].value == 5 and x.get_shape()[-1].value == 3
    assert x.shape[0].value is None
    assert [size.value for size in x.shape] == [None, 5, 3]
    assert [size.value for size in x.shape[1:]] == [5, 3]
    assert x.shape.as_list() == [None, 5, 3]


def test_sizes_are_still_numbers(installed):
    import tensorflow as tf

    x = tf.zeros([2, 6, 3])
    assert x.shape[1] // 2 == 3 and list(range(x.shape[0])) == [0, 1]
    assert np.zeros(x.shape).shape == np.zeros([x.shape[0], 6, 3]).shape == (2, 6, 3)
    assert tf.reshape(x, [-1, x.shape[1] * x.shape[2]]).shape == (2, 18)
    assert tf.placeholder(tf.float32, [x.shape[0], None]).shape.as_list() == [2, None]


def test_what_is_computed_from_sizes_has_values_too(installed):
    import tensorflow as tf

    x = tf.placeholder(tf.float32, [None, 6, 4])
    n, h, w = x.shape[0], x.shape[1], x.shape[2]
    assert (h * w).value == (2 * h * 2).value == 24
    assert [(h + 1).value, (10 - w).value, (h // w).value, (h % w).value] == [7, 6, 1, 2]
    assert (n * h).value is None
    assert type(h / 4) is type(h * 0.5) is float and (h * np.float32(0.5)) == 3
    assert (h * tf.constant(2)).shape == () and h * [0] == [0] * 6


def test_libraries_get_plain_numbers(modules, installed):
    modules("library_of_sizes", SIZES, library=True)
    sizes = importlib.import_module("library_of_sizes").sizes(tf2.TensorShape([None, 4]))
    assert sizes == [4, None, 4]
    assert {type(size) for size in sizes} == {int, type(None)}


def test_afterwards_sizes_are_plain_numbers():
    shape = tf2.TensorShape([None, 4])
    lucidx.compat.install()
    assert shape[1].value == 4
    lucidx.compat.uninstall()
    assert type(shape[1]) is int and shape[0] is None
    with pytest.raises(AttributeError):
        _ = shape[1].value
