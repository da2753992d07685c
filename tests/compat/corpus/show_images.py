"""Pictures, lists of pictures and activations are shown."""
import logging

import numpy as np

import lucid.misc.io.showing as showing
from lucid.misc.io import show
from lucid.misc.io.serialize_array import _normalize_array

logging.getLogger("lucid").setLevel(logging.ERROR)
rng = np.random.RandomState(0)
show(rng.rand(6, 8, 3))
show(rng.rand(2, 6, 8, 3), w=40)
show([rng.rand(6, 8), rng.rand(5, 5)], labels=["grid", "square"])
show(rng.randn(4, 4, 7))
showing.images([rng.rand(4, 4, 3)], ["x"])
url = showing._image_url(rng.rand(4, 4, 3), fmt="jpeg")
assert url.startswith("data:image/JPEG;base64,")
assert _normalize_array(np.array([[0, .5], [1, 2]])).tolist() == [[0, 127], [255, 255]]
