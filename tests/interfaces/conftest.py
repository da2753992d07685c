"""A small network with hostile labels, others that are built differently, and their pages."""

import numpy as np
import pytest
from hostile_labels import HOSTILE

from lucidx import icons
from lucidx.interfaces import PRESETS, building, planning
from lucidx.modelzoo.vision_base import Model

LAYERS = ("early", "middle", "late", "last")


@pytest.fixture(scope="session")
def model():
    """Network of random weights: four layers with positions, eight classes."""
    import keras

    keras.utils.set_random_seed(0)
    image = t = keras.Input([32, 32, 3])
    for name, filters, strides in zip(LAYERS, (8, 12, 12, 20), (2, 2, 1, 2), strict=True):
        t = keras.layers.Conv2D(filters, 3, strides, "same", activation="relu", name=name)(t)
    signed = keras.layers.Conv2D(6, 1, name="signed")(t)
    t = keras.layers.GlobalAveragePooling2D(name="dense")(signed)
    t = keras.layers.Dense(len(HOSTILE), name="scores")(t)
    return Model.from_keras(
        keras.Model(image, t), (-1, 1), labels=HOSTILE, name="small <b>network</b>"
    )


@pytest.fixture(scope="session")
def residual():
    """Network without ReLUs, of blocks that are passed around."""
    import keras

    keras.utils.set_random_seed(0)
    conv = keras.layers.Conv2D
    image = keras.Input([32, 32, 3])
    t = conv(6, 3, 2, "same", activation="silu", name="stem")(image)
    for k in range(2):
        branch = conv(6, 3, padding="same", activation="silu", name=f"branch{k}")(t)
        t = keras.layers.Add(name=f"sum{k}")([t, branch])
    t = conv(8, 3, 2, "same", activation="silu", name="top")(t)
    # A branch that does nothing.
    t = keras.layers.Add(name="end")([t, conv(8, 1, kernel_initializer="zeros", name="idle")(t)])
    t = keras.layers.GlobalAveragePooling2D(name="pooled")(t)
    scores = keras.layers.Dense(5, name="scores")(t)
    labels = ["crane", "egret", "crane", "heron", "ibis"]
    return Model.from_keras(keras.Model(image, scores), (-1, 1), labels=labels, name="residual")


@pytest.fixture(scope="session")
def mixed():
    """Network of three layers behind ReLUs and a linear one."""
    import keras

    keras.utils.set_random_seed(0)
    image = t = keras.Input([32, 32, 3])
    for k, activation in enumerate(["relu", None, "relu", "relu"]):
        strides, name = 1 + k % 2, f"layer{k}"
        t = keras.layers.Conv2D(8, 3, strides, "same", activation=activation, name=name)(t)
    t = keras.layers.GlobalAveragePooling2D(name="pooled")(t)
    scores = keras.layers.Dense(5, name="scores")(t)
    return Model.from_keras(keras.Model(image, scores), (-1, 1), labels=list("abcde"), name="mixed")


@pytest.fixture(scope="session")
def photo():
    from sklearn.datasets import load_sample_image

    return load_sample_image("china.jpg")


@pytest.fixture(scope="session")
def quick(tmp_path_factory):
    """Name of a quality with little work in it; icons are kept apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LUCIDX_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setitem(icons.QUALITIES, "quick", icons.Quality(2, 0.1))
        settings = planning.Quality("quick", 16, 12, 4, 16, 2, 4)
        patch.setitem(planning.QUALITIES, "quick", settings)
        yield "quick"


@pytest.fixture(scope="session")
def layers():
    """The layers that presets show of the small network."""
    return {
        "activation-grid": LAYERS,
        "spatial-attribution": ("early", "middle", "last"),
        "group-flow": ("middle", "last"),
    }


@pytest.fixture(scope="session")
def pages(model, photo, quick, layers):
    """Page of a preset by its name."""
    made = {}

    def make(name):
        if name not in made:
            shown = layers.get(name, ("late",))
            made[name] = building.build(
                name, model, photo, classes=[0, 3, 4], layers=shown, quality=quick
            )
        return made[name]

    assert set(layers) < set(PRESETS)
    return make


@pytest.fixture
def rng():
    return np.random.default_rng(0)
