"""Rendering the models people have: nested, subclassed, half precision, any size and depth."""

import keras
import numpy as np
import pytest

from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import param, render


def base(channels=3, size=None):
    images = keras.Input((size, size, channels), name="photo")
    x = keras.layers.Conv2D(6, 3, activation="relu", name="c1")(images)
    x = keras.layers.Conv2D(9, 3, activation="relu", name="c2")(x)
    return keras.Model(images, x, name="base")


def nested():
    images = keras.Input((32, 32, 3))
    x = keras.layers.Dropout(0.5)(base(size=32)(images))
    return keras.Model(images, keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(x)))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Conv2D(5, 3, activation="silu", name="first")
        self.norm = keras.layers.BatchNormalization(name="norm")

    def call(self, x, training=None):
        return self.norm(self.first(x), training=training)


def half():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return base(size=32)
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("make", "layer", "options"),
    [
        (nested, "base/c2", {}),
        (Subclassed, "first", {"image_shape": (24, 24, 3)}),
        (base, "c2", {}),
        (half, "c2", {}),
        (lambda: base(1), "c2", {}),
        (lambda: base(4), "c1", {}),
        (lambda: base(7), "c1", {}),
    ],
    ids=["nested", "subclassed", "any size", "mixed_float16", "1", "4", "7 channels"],
)
def test_a_channel_renders(make, layer, options):
    keras.utils.set_random_seed(0)
    model = Model.from_keras(make(), image_value_range=(0, 1), **options)
    channels = model.image_shape[-1]
    assert layer in [found.name for found in model.layers]
    # With random weights some channels are off for all images; this one is not.
    grey = np.full([1, 32, 32, channels], 0.5, np.float32)
    live = int(np.argmax(model.activations(grey, layer).mean((0, 1, 2))))
    values = []
    (image,) = render.render_vis(
        model,
        f"{layer}:{live}",
        lambda: param.image(32, channels=None if channels == 3 else channels),
        thresholds=(25,),
        verbose=False,
        seed=0,
        on_step=lambda vis, value: values.append(value),
    )
    assert image.shape == (1, 32, 32, channels)
    assert np.isfinite(image).all()
    assert values[-1] > values[0]
