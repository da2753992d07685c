import pytest

from lucidx import value_range
from lucidx.attribution.feeding import needs_image
from lucidx.errors import InvalidValueError
from lucidx.interfaces.usual import bypassed, usual_layers
from lucidx.modelzoo.vision_base import Model


def test_the_article_s_layers_stand_for_its_network(inception_v1):
    assert usual_layers(inception_v1) == ["mixed3a", "mixed4a", "mixed4d", "mixed5a"]


@pytest.mark.parametrize("network", ["efficientnet", "residual"])
def test_a_layer_is_bypassed_if_scores_need_the_image_beside_it(request, network):
    model = request.getfixturevalue(network)
    scores = value_range.class_scores(model)
    names = [layer.name for layer in model.layers]
    found = {name: bypassed(model, name) for name in names}
    assert found == {name: needs_image(model, name, [scores]) for name in names}
    assert len(set(found.values())) == 2


@pytest.mark.parametrize("network", ["efficientnet", "inception_v1", "residual", "mixed"])
def test_all_evidence_for_classes_passes_through_usual_layers(request, network):
    """Otherwise pages would explain a part of it, and look as if they explained it all."""
    model = request.getfixturevalue(network)
    found = usual_layers(model)
    scores = value_range.class_scores(model)
    assert [layer for layer in found if needs_image(model, layer, [scores])] == []
    assert len(set(found)) > 1


def test_layers_behind_relus_are_preferred_however_few_there_are(mixed):
    assert usual_layers(mixed) == ["layer0", "layer2", "layer3", "layer3"]


def test_layers_behind_relus_stand_for_a_network(efficientnet):
    found = usual_layers(efficientnet)
    assert len(found) == 4
    names = [layer.name for layer in efficientnet.layers]
    assert found == sorted(found, key=names.index), "the lowest first"
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
