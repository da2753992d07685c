"""Rendering the models people have: nested, subclassed, half precision, any size and depth."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import param, render


def base(size=None):
    images = keras.Input((size, size, 3), name="photo")
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
    ],
    ids=["nested", "subclassed", "any size", "mixed_float16"],
)
def test_a_channel_renders(make, layer, options):
    keras.utils.set_random_seed(0)
    model = Model.from_keras(make(), image_value_range=(0, 1), **options)
    assert layer in [found.name for found in model.layers]
    assert_renders(model, layer, lambda: param.image(32), (32, 32))


def assert_renders(model, layer, param_f, size):
    channels = model.image_shape[-1]
    # With random weights some channels are off for all images; this one is not.
    grey = np.full([1, *size, channels], 0.5, np.float32)
    live = int(np.argmax(model.activations(grey, layer).mean((0, 1, 2))))
    values = []
    (image,) = render.render_vis(
        model,
        f"{layer}:{live}",
        param_f,
        thresholds=(25,),
        verbose=False,
        seed=0,
        on_step=lambda vis, value: values.append(value),
    )
    assert image.shape == (1, *size, channels)
    assert np.isfinite(image).all()
    assert image.min() >= 0 and image.max() <= 1
    assert values[-1] > values[0]


@pytest.mark.parametrize("channels", [1, 2, 4, 7])
@pytest.mark.parametrize("size", [(24, 40), (40, 24)])
def test_images_of_any_shape_and_any_number_of_channels(channels, size):
    keras.utils.set_random_seed(0)
    images = keras.Input((*size, channels))
    x = keras.layers.Conv2D(6, 3, activation="relu", name="c1")(images)
    x = keras.layers.Conv2D(9, 3, strides=2, activation="relu", name="c2")(x)
    logits = keras.layers.Dense(4, name="logits")(keras.layers.Flatten()(x))  # of this size only
    keras_model = keras.Model(images, logits)
    bounds = ([-1] * channels, list(range(1, channels + 1)))  # one range per channel
    model = Model.from_keras(keras_model, image_value_range=bounds)
    assert model.image_shape == [*size, channels]

    height, width = size
    assert_renders(model, "c2", lambda: param.image(width, h=height, channels=channels), size)

    photo = np.random.default_rng(0).uniform(size=(2, *size, channels)).astype("float32")
    lo, hi = np.float32(bounds)
    expected = np.asarray(keras_model(lo + photo * (hi - lo)))
    activations = model.activations(photo, ["c2", "logits"])
    np.testing.assert_allclose(activations["logits"], expected, 1e-4, 1e-5)

    hidden = tf.constant(activations["c2"])
    with tf.GradientTape() as tape:
        tape.watch(hidden)
        logit = model.function("logits", inputs="c2")(hidden)[:, 1]
    effect = (tape.gradient(logit, hidden) * hidden).numpy()
    # After the hidden layer everything is linear, so that its parts explain the whole.
    bias = keras_model.get_layer("logits").bias.numpy()[1]
    np.testing.assert_allclose(effect.sum((1, 2, 3)) + bias, expected[:, 1], 1e-3, 1e-4)
