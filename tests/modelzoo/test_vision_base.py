"""Models and layers as values: names, layers, labels, equality, copies."""

import copy
import logging
import pathlib
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_graphs import graph_of, images, residual_model, residual_network

from lucidx.errors import (
    CorruptFileError,
    InvalidTypeError,
    InvalidValueError,
    LucidxError,
    MissingExtraError,
    UnknownLayerError,
)
from lucidx.modelzoo import aligned_activations, vision_base, vision_models
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.modelzoo.vision_models import InceptionV1, InceptionV1_caffe


class OwnModel(Model):
    """As users of Lucid describe a model of theirs."""

    model_path = "/nowhere/own.pb"
    labels_path = "gs://modelzoo/labels/ImageNet_standard.txt"
    image_value_range = (0, 1)
    input_name = "input"


OwnModel.layers = (Layer(OwnModel(), "conv", 8, ["conv"]),)


# Layers


def test_a_layer_shows_what_it_is():
    layer = InceptionV1().get_layer("mixed4c")
    assert repr(layer) == "Layer (belonging to InceptionV1) <mixed4c: 512> ([{'conv'}])"
    assert str(layer) == repr(layer)
    assert layer.to_json() == "mixed4c"
    assert (layer.width, layer.height, layer.shape) == (None, None, None)


def test_a_layer_can_still_be_read_like_a_dictionary():
    layer = InceptionV1().get_layer("mixed4c")
    assert layer["name"] == "mixed4c"
    assert layer["depth"] == 512
    with pytest.warns(DeprecationWarning, match="depth"):
        assert layer["size"] == 512
    with pytest.warns(DeprecationWarning, match="tags"):
        assert layer["type"] == "conv"
    with pytest.warns(DeprecationWarning, match="depth"):
        assert layer.size == 512
    with pytest.raises(AttributeError, match="colour"):
        layer["colour"]


def test_layers_belong_to_the_class_of_their_model():
    assert OwnModel.layers[0].model_class is OwnModel
    assert OwnModel.layers[0].model_name == "OwnModel"
    assert InceptionV1.layers is InceptionV1().layers
    assert Model.layers == ()


def test_get_layer_finds_the_exact_name_without_a_warning(caplog):
    with caplog.at_level(logging.WARNING, "lucidx"):
        assert InceptionV1().get_layer("mixed4a").name == "mixed4a"
    assert not caplog.records


@pytest.mark.parametrize(
    ("asked", "found"), [("3a", "mixed3a"), ("MIXED", "mixed3a"), ("", "conv2d0")]
)
def test_get_layer_warns_when_it_finds_a_name_by_a_part_of_it(asked, found, caplog):
    with caplog.at_level(logging.WARNING, "lucidx"):
        assert InceptionV1().get_layer(asked).name == found
    assert caplog.records[0].name == "lucidx.modelzoo.vision_base"
    assert found in caplog.text


def test_get_layer_answers_an_unknown_name_with_close_ones():
    with pytest.raises(UnknownLayerError, match=r"no layer 'mixd4a'\. Did you mean 'mixed4a'") as e:
        InceptionV1().get_layer("mixd4a")
    assert isinstance(e.value, KeyError)
    with pytest.raises(UnknownLayerError, match=r"There are 'conv2d0'.*19 in all"):
        InceptionV1().get_layer("zzz")


@pytest.mark.parametrize("name", [None, 3, b"mixed4a", ["mixed4a"]])
def test_get_layer_takes_names_only(name):
    with pytest.raises(InvalidTypeError, match="named by strings"):
        InceptionV1().get_layer(name)


def test_get_layer_takes_a_layer_for_its_name():
    layer = InceptionV1_caffe.layers[3]
    assert InceptionV1_caffe().get_layer(layer) is layer


def test_a_layer_has_the_activations_that_lucid_recorded(tmp_path, monkeypatch):
    pages = np.random.default_rng(0).normal(size=(2, 3, 8)).astype(np.float32)
    for number, page in enumerate(pages):
        np.save(tmp_path / f"OwnModel-conv-{number:05d}.npy", page)
    template = str(tmp_path / "{}-{}-{:05d}.npy")
    settings = {"PATH_TEMPLATE": template, "PAGE_SIZE": 3, "NUMBER_OF_PAGES": 2}
    for name, value in {**settings, "NUMBER_OF_AVAILABLE_SAMPLES": 6}.items():
        monkeypatch.setattr(aligned_activations, name, value)
    layer = copy.copy(OwnModel.layers[0])
    np.testing.assert_array_equal(layer.activations, pages.reshape(6, 8))
    assert layer.activations is layer.activations
    assert len(pickle.dumps(layer)) < 1000  # copies do not carry gigabytes


# Models


def test_a_model_shows_its_name():
    assert str(InceptionV1()) == InceptionV1().name == InceptionV1().to_json() == "InceptionV1"
    assert str(OwnModel()) == "OwnModel"
    assert "InceptionV1: 19 layers" in repr(InceptionV1())
    with pytest.raises(AttributeError):
        InceptionV1().name = "other"


def test_defaults_are_those_of_lucid():
    assert Model.image_value_range == (-1, 1)
    assert Model.image_shape == (None, None, 3)
    assert (Model.model_path, Model.labels_path, Model.model_name) == (None, None, None)
    np.testing.assert_allclose(vision_base.IMAGENET_MEAN, [123.68, 116.779, 103.939])
    np.testing.assert_allclose(vision_base.IMAGENET_MEAN_BGR, [103.939, 116.779, 123.68])


def test_load_graphdef_is_still_there_and_deprecated():
    with pytest.warns(DeprecationWarning, match="loaded when needed"):
        assert InceptionV1().load_graphdef() is None


def test_models_of_one_file_are_equal():
    assert InceptionV1() == InceptionV1()
    assert hash(InceptionV1()) == hash(InceptionV1())
    assert InceptionV1() != InceptionV1_caffe()
    assert len({InceptionV1(), InceptionV1(), InceptionV1_caffe()}) == 2
    assert InceptionV1() != "InceptionV1"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("image_value_range", (0, [1, 1, 2])), ("is_BGR", True), ("input_name", "other")],
)
def test_models_that_feed_one_file_differently_are_not_equal(attribute, value):
    one, other = OwnModel(), OwnModel()
    assert one == other
    setattr(other, attribute, value)
    assert one != other
    assert len({one, other}) == 2
    other.image_value_range, other.is_BGR, other.input_name = [0.0, np.float32(1)], 0, "input"
    assert one == other


def test_models_without_a_file_equal_only_themselves():
    one, other = Model(), Model()
    assert one == one
    assert one != other
    assert len({one, other}) == 2


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_model_of_the_catalogue_survives_copying_and_pickling(duplicate, efficientnet):
    efficientnet.function("stem")
    duplicated = duplicate(efficientnet)
    assert duplicated == efficientnet
    assert type(duplicated) is vision_models.EfficientNetLite0
    assert duplicated._graph_def is None  # read anew when it is needed
    assert duplicate(efficientnet.layers[3]).name == efficientnet.layers[3].name


def test_more_labels_than_outputs_are_refused_and_fewer_warned_of():
    assert residual_model(labels=list("abcde")).labels == list("abcde")
    with pytest.raises(InvalidValueError, match=r"6 labels for 5 outputs.*'probabilities'"):
        residual_model(labels=list("abcdef"))
    with pytest.warns(UserWarning, match="4 labels for 5 outputs") as caught:
        assert residual_model(labels=list("abcd")).labels == list("abcd")
    assert len(caught) == 1


@pytest.mark.filterwarnings("error")
def test_where_nothing_is_dense_any_number_of_labels_will_do():
    def network():
        x = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        tf.nn.relu(x, name="relu")

    model = Model.from_graphdef(graph_of(network), "input", (0, 1), labels=["a", "b"])
    assert model.labels == ["a", "b"]


def test_labels_of_a_keras_model_are_compared_with_its_outputs():
    image = keras.Input((8, 8, 3))
    scores = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(image))
    with pytest.raises(InvalidValueError, match="4 labels for 3 outputs"):
        Model.from_keras(keras.Model(image, scores), (0, 255), labels=list("abcd"))


@pytest.mark.parametrize("path", ["net.keras", pathlib.Path("net.keras")])
def test_the_path_of_a_keras_model_is_no_keras_model(path):
    with pytest.raises(InvalidTypeError, match=r"keras\.saving\.load_model\('net\.keras'\)"):
        Model.from_keras(path, (0, 255))


def test_one_label_as_a_text_is_not_a_list_of_labels():
    with pytest.raises(InvalidTypeError, match="labels is a list of strings"):
        residual_model(labels="espresso")


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("in_file", [True, False])
def test_an_imported_model_survives_copying_and_pickling(duplicate, in_file, tmp_path):
    graph_def = graph_of(residual_network)
    (tmp_path / "own.pb").write_bytes(graph_def.SerializeToString())
    model = Model.from_graphdef(
        tmp_path / "own.pb" if in_file else graph_def,
        image_value_range=(0, 1),
        labels=list("abcde"),
    )
    expected = model.activations(images(), "skip")
    duplicated = duplicate(model)
    np.testing.assert_array_equal(duplicated.activations(images(), "skip"), expected)
    assert duplicated.labels == list("abcde")
    assert [layer.name for layer in duplicated.layers] == [layer.name for layer in model.layers]
    assert (duplicated == model) is in_file


def test_models_in_files_are_where_lucid_has_them():
    for name in ("SerializedModel", "FrozenGraphModel", "DynamicModel"):
        assert issubclass(getattr(vision_base, name), Model)
    with pytest.raises(AttributeError, match="NoSuchModel"):
        _ = vision_base.NoSuchModel


@pytest.mark.parametrize(
    "shape", [np.array([8, 8, 3]), (np.int64(8), np.uint8(8), 3), tf.TensorShape([8, 8, 3])]
)
def test_integers_of_any_kind_make_an_image_shape(shape):
    assert residual_model(image_shape=shape).image_shape == [8, 8, 3]


@pytest.mark.parametrize(
    "shape", ["883", (8.0, 8.0, 3.0), np.array([8.5, 8, 3]), 8, {8, 3}, (10**400, 8, 3)]
)
def test_what_is_not_three_integers_is_no_image_shape(shape):
    with pytest.raises(InvalidValueError, match="image_shape is"):
        residual_model(image_shape=shape)


# Labels


def test_labels_of_lucid_are_read_from_the_catalogue():
    assert OwnModel().labels == InceptionV1_caffe().labels


def test_labels_are_read_from_a_file(tmp_path):
    model = OwnModel()
    model.labels_path = tmp_path / "labels.txt"
    model.labels_path.write_text("chat\nchien\n\N{SNOWMAN}\n", "utf-8")
    model.synsets_path = str(model.labels_path)
    assert model.labels == model.synset_ids == ["chat", "chien", "\N{SNOWMAN}"]


def test_labels_at_an_address_are_fetched_or_say_where_to_put_them(monkeypatch):
    monkeypatch.setenv("LUCIDX_OFFLINE", "1")
    model = OwnModel()
    model.labels_path = "gs://own-bucket/labels.txt"
    with pytest.raises(LucidxError, match=r"storage\.googleapis\.com/own-bucket/labels\.txt"):
        _ = model.labels


def test_where_lucids_file_does_not_fit_the_outputs_the_catalogues_does():
    model = vision_models.ResnetV1_50_slim()
    assert "with_dummy" in model.synsets_path  # which has one line too many
    assert len(model.synset_ids) == len(model.labels) == 1000
    assert model.synset_ids[0] == "n01440764"
    model = vision_models.ResnetV1_50_slim()
    model.synsets_path = "gs://modelzoo/labels/ImageNet_alternate_synsets.txt"
    assert model.synset_ids == InceptionV1().synset_ids


def test_synsets_are_those_of_the_ids():
    try:
        synsets = InceptionV1().synsets
    except (MissingExtraError, LookupError) as error:
        pytest.skip(str(error))
    assert synsets[0] is None  # "dummy"
    assert synsets[1].name() == "kit_fox.n.01"


def test_missing_labels_say_what_to_do(tmp_path):
    with pytest.raises(InvalidValueError, match="Toy has no labels; set labels_path"):
        _ = residual_model().labels
    with pytest.raises(InvalidValueError, match="OwnModel has no synsets; set synsets_path"):
        _ = OwnModel().synset_ids
    model = OwnModel()
    model.labels_path = str(tmp_path / "labels.txt")
    with pytest.raises(FileNotFoundError):
        _ = model.labels
    (tmp_path / "labels.txt").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(CorruptFileError):
        _ = model.labels
