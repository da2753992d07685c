"""What code written for Lucid uses of TensorFlow 1's `tf.contrib`, on TensorFlow 2.

`slim` and `layers` for networks, `losses`, `framework` for `arg_scope`, `image` for rotation. The
layers make variables by `tf.compat.v1.get_variable`, so they belong into a `tf.Graph`.
"""

from lucidx.compat.contrib import framework, image, layers, losses, slim
from lucidx.compat.missing import reporter

__all__ = ["framework", "image", "layers", "losses", "slim"]

__getattr__ = reporter("tf.contrib", __all__)
