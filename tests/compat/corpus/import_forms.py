"""The ways in which TensorFlow and Lucid are imported."""
import importlib

import tensorflow
import tensorflow as tf
import tensorflow.contrib.slim as slim1
from tensorflow import placeholder, Session, gfile
from tensorflow.contrib import slim
from tensorflow.contrib.slim import conv2d
from tensorflow.python.framework import ops

import lucid
import lucid.optvis.objectives
import lucid.misc.io
from lucid.optvis import objectives, param
from lucid.optvis.param import spatial
from lucid.optvis.overrides.gradient_override import gradient_override_map


def inside_a_function():
    import tensorflow as tf
    from tensorflow.python.ops import array_ops
    return tf.placeholder, array_ops


assert tensorflow is tf and slim1 is slim is tf.contrib.slim
assert slim.conv2d is conv2d
assert inside_a_function()[0] is placeholder is tf.placeholder
assert Session is tf.Session and gfile is tf.gfile
assert ops.get_default_graph() is tf.get_default_graph()
assert lucid.optvis.objectives is objectives
assert importlib.import_module("lucid.optvis.param.spatial") is spatial
assert lucid.misc.io.show
try:
    import lucid.no_such_module
except ImportError as error:
    assert "no_such_module" in str(error)
else:
    raise AssertionError
