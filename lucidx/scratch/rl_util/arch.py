"""A network whose features are easy to look at."""

from __future__ import annotations

from typing import Any

import keras

# Filters and kernel size of each convolution, and whether a pool follows.
_BLOCKS = {
    "1a": (16, 7, True),
    "2a": (32, 5, False),
    "2b": (32, 5, True),
    "3a": (32, 5, True),
    "4a": (32, 5, True),
}
_DENSE = (256, 512)
_EPSILON = 1e-8  # its root has a gradient at 0


def clear_cnn(unscaled_images: Any, batch_norm: bool = False) -> Any:
    """Convolutions with large kernels, L2 pooling, no strides ("Understanding RL Vision", 2020).

    Each call makes new weights. With `images = keras.Input([64, 64, 3])`, `keras.Model(images,
    clear_cnn(images))` can be trained, and looked at by `Model.from_keras`.

    Parameters
    ----------
    unscaled_images : Keras input or tensor `[N, H, W, C]` in 0..255, H and W at least 16.
    batch_norm : normalise after each convolution.

    Returns
    -------
    `[N, 512]`, of the same kind.
    """
    out = keras.ops.cast(unscaled_images, "float32") / 255
    for name, (filters, size, pooled) in _BLOCKS.items():
        out = keras.layers.Conv2D(filters, size, padding="same", name=name)(out)
        if batch_norm:
            out = keras.layers.BatchNormalization(name=f"{name}_norm")(out)
        out = keras.layers.ReLU(name=f"{name}_relu")(out)
        if pooled:
            out = _l2_pool(out, f"{name}_pool")
    out = keras.layers.Flatten()(out)
    for number, units in enumerate(_DENSE, 1):
        out = keras.layers.Dense(units, activation="relu", name=f"dense{number}")(out)
    return out


def _l2_pool(x: Any, name: str) -> Any:
    squares = keras.ops.square(x)
    return keras.ops.sqrt(keras.layers.AveragePooling2D(2, name=name)(squares) + _EPSILON)
