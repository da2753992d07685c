"""Options that commands share: classes, and the layer that is shown by default."""

import hypothesis.strategies as st
import numpy as np
import pytest
import small_classifier
from hypothesis import given, settings
from small_classifier import LABELS

from lucidx.cli.options import class_numbers, default_layer
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.vision_base import Model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Model.load(small_classifier.write(tmp_path_factory.mktemp("model") / "small.pb"))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("cat", [3]),
        (" cat , dog ", [3, 6]),
        ("3", [0]),  # the label, which is not the third class's
        ("4", [4]),
        ("daisy, common", [2]),
        ("cat,daisy, common,7, up,1", [3, 2, 5, 1]),
        ("cat,3,cat", [3, 0]),
        ("dog,", [6]),
    ],
)
def test_classes_are_labels_and_else_numbers(model, text, numbers):
    assert class_numbers(model, text) == numbers


UNIQUE = [label for label in LABELS if LABELS.count(label) == 1]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(UNIQUE), min_size=1, unique=True))
def test_any_labels_can_be_listed(model, names):
    assert class_numbers(model, ",".join(names)) == [LABELS.index(name) for name in names]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cta", "Did you mean 'cat'"),
        ("crane", "1 and 4"),
        ("8", "0 to 7"),
        ("-1", "no class '-1'"),
        (" ,", "names no class"),
        ("", "names no class"),
    ],
)
def test_what_is_no_class(model, text, says):
    with pytest.raises(InvalidValueError, match=says):
        class_numbers(model, text)


def test_numbers_will_do_for_a_model_without_labels(small_keras_model):
    assert class_numbers(small_keras_model, "2,0") == [2, 0]


@pytest.fixture(scope="module")
def small_keras_model():
    import keras

    image = keras.Input([8, 8, 3])
    flat = keras.layers.Flatten()(image)
    return Model.from_keras(keras.Model(image, keras.layers.Dense(5, name="scores")(flat)), (0, 1))


def test_a_network_without_positions_has_no_default_layer(small_keras_model):
    with pytest.raises(InvalidValueError, match="--layer"):
        default_layer(small_keras_model, "neuron-groups")


def test_the_default_layer_is_one_that_pages_show(efficientnet):
    from lucidx.interfaces.usual import usual_layers

    layer = default_layer(efficientnet, "neuron-groups")
    assert layer in usual_layers(efficientnet)
    assert np.min(efficientnet.activations(np.zeros([224, 224, 3], np.float32), layer)) >= 0
