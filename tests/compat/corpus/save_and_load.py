"""Results go to files and come back."""
import os
import tempfile

import numpy as np
import tensorflow as tf

from lucid.misc.io import load, save, show

where = tempfile.mkdtemp()
img = np.random.RandomState(0).rand(6, 9, 3)
save(img, os.path.join(where, "img.png"), domain=(0, 1))
save(img, os.path.join(where, "img.jpg"), quality=90)
save(img, os.path.join(where, "img.npy"))
save({"layer": "mixed4a", "channels": [1, 2]}, os.path.join(where, "meta.json"))
save("first\nsecond", os.path.join(where, "notes.txt"))

assert np.abs(load(os.path.join(where, "img.png")) - img).max() < 1 / 200.
assert load(os.path.join(where, "img.jpg")).shape == (6, 9, 3)
assert np.array_equal(load(os.path.join(where, "img.npy")), img)
assert load(os.path.join(where, "meta.json"))["channels"] == [1, 2]
assert load(os.path.join(where, "notes.txt"), split=True) == ["first", "second"]
with tf.gfile.Open(os.path.join(where, "notes.txt")) as f:
    assert f.read().startswith("first")
show(load(os.path.join(where, "img.png")))
