import pytest

from lucidx.errors import InvalidValueError
from lucidx.interfaces.usual import usual_layers
from lucidx.modelzoo.vision_base import Model


def test_the_article_s_layers_stand_for_its_network(inception_v1):
    assert usual_layers(inception_v1) == ["mixed3a", "mixed4a", "mixed4d", "mixed5a"]


def test_layers_behind_relus_stand_for_a_network(efficientnet):
    found = usual_layers(efficientnet)
    assert len(found) == 4
    assert found == sorted(found), "the lowest first"
    photo = [[[0.5] * 3] * 224] * 224
    activations = efficientnet.activations(photo, found)
    assert [a.shape[0] for a in activations.values()] == [28, 14, 14, 7]
    assert all((a >= 0).all() for a in activations.values())


def test_networks_of_other_forms_have_usual_layers_too(model):
    assert usual_layers(model) == ["early", "middle", "late", "last"]


def test_a_network_without_positions_has_none():
    import keras

    image = keras.Input([8, 8, 3])
    scores = keras.layers.Dense(5, name="scores")(keras.layers.Flatten(name="flat")(image))
    with pytest.raises(InvalidValueError, match="no layer with positions"):
        usual_layers(Model.from_keras(keras.Model(image, scores), (-1, 1)))
