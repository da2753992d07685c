"""Relative names of model files are within the current `io_scope`, as in Lucid."""

import json

import numpy as np
import pytest
import tensorflow as tf
from small_graphs import graph_of, images, residual_model, residual_network

import lucidx
from lucidx.errors import WeightsNotFoundError
from lucidx.misc.io import io_scope, save
from lucidx.modelzoo.util import load_graphdef, load_text_labels
from lucidx.modelzoo.vision_base import Model


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A directory, and one in it; the working directory is another."""
    (tmp_path / "working").mkdir()
    monkeypatch.chdir(tmp_path / "working")
    (tmp_path / "models" / "inner").mkdir(parents=True)
    return tmp_path / "models"


def assert_works(model):
    expected = residual_model().activations(images(), "skip")
    np.testing.assert_allclose(model.activations(images(), "skip"), expected, rtol=1e-5)


@pytest.mark.parametrize("load", [Model.load, Model.load_from_graphdef, lucidx.load])
def test_a_model_is_saved_and_loaded_within_scopes(elsewhere, load):
    with io_scope(elsewhere), io_scope("inner"):
        residual_model().export("m.pb")
        model = load("m.pb")
    assert model.model_path == str(elsewhere / "inner" / "m.pb")
    assert_works(model)
    with pytest.raises(WeightsNotFoundError, match=r"m\.pb"):
        load("m.pb")
    assert load(elsewhere / "inner" / "m.pb") == model


def test_the_graph_is_the_one_of_the_scope_that_the_model_was_loaded_in(elsewhere):
    with io_scope(elsewhere):
        residual_model().export("m.pb")
        model = Model.load_from_metadata(
            "m.pb",
            {"input_name": "input", "image_shape": [8, 8, 3], "image_value_range": [-1, 1]},
        )
    with io_scope("/nowhere"):
        assert_works(model)


def test_scopes_may_be_relative_themselves(elsewhere):
    (elsewhere.parent / "working" / "here").mkdir()
    with io_scope("here"):
        residual_model().export("m.pb")
        assert_works(Model.load("m.pb"))
        assert_works(Model.from_graphdef("m.pb", "input", (-1, 1)))
        assert load_graphdef("m.pb") == load_graphdef(elsewhere.parent / "working/here/m.pb")


def test_a_manifest_and_what_it_names_are_within_the_scope(elsewhere):
    save(graph_of(residual_network), elsewhere / "inner" / "g.pb")
    save("a\nb\nc\nd\ne", elsewhere / "labels.txt")
    manifest = {
        "model_path": "./g.pb",
        "labels_path": "labels.txt",
        "input_name": "input",
        "image_shape": [8, 8, 3],
        "image_value_range": [-1, 1],
    }
    (elsewhere / "inner" / "manifest.json").write_text(json.dumps(manifest))
    with io_scope(elsewhere):
        model = Model.load("inner/manifest.json")
    assert model.model_path == str(elsewhere / "inner" / "g.pb")
    assert model.labels == list("abcde")
    assert_works(model)


def test_a_class_of_ones_own_names_files_within_the_scope(elsewhere):
    class Own(Model):
        model_path = "g.pb"
        labels_path = "labels.txt"
        input_name = "input"
        image_shape = (8, 8, 3)

    save(graph_of(residual_network), elsewhere / "g.pb")
    save("a\nb\nc\nd\ne", elsewhere / "labels.txt")
    with pytest.raises(WeightsNotFoundError):
        _ = Own().graph_def
    with io_scope(elsewhere):
        model = Own()
        assert model.labels == load_text_labels("labels.txt") == list("abcde")
        assert_works(model)
    assert_works(model)


def test_saved_models_are_found_within_the_scope(elsewhere):
    class Doubling(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 3], name="images")])
        def __call__(self, x):
            return {"twice": 2 * x}

    tf.saved_model.save(Doubling(), str(elsewhere / "net"))
    photo = images(1, 4)
    with io_scope(elsewhere):
        model = Model.from_saved_model("net", (0, 1))
    np.testing.assert_allclose(model.activations(photo, "twice"), 2 * photo, rtol=1e-6)
