"""The start of many a notebook: which TensorFlow is this?"""
import os
import tempfile

import lucid
import tensorflow as tf

assert tf.__version__.startswith('1')
assert tf.VERSION.split(".")[0] == "1"
tf.logging.set_verbosity(tf.logging.ERROR)
assert lucid.__version__

folder = os.path.join(tempfile.mkdtemp(), "a", "b")
tf.gfile.MakeDirs(folder)
with tf.gfile.GFile(os.path.join(folder, "x.txt"), "w") as f:
    f.write("some text")
assert tf.gfile.Exists(os.path.join(folder, "x.txt"))
assert tf.gfile.ListDirectory(folder) == ["x.txt"]
with tf.gfile.FastGFile(os.path.join(folder, "x.txt"), "rb") as f:
    assert f.read() == b"some text"
assert isinstance(tf.GraphDef.FromString(tf.Graph().as_graph_def().SerializeToString()), tf.GraphDef)
