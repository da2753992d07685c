"""Models in files: saved by Lucid or lucidx, exported, described by manifests."""

import contextlib
import copy
import functools
import http.server
import json
import os
import pickle
import threading
import warnings

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import graph_of, images, in_session, residual_model, residual_network, tf1

import lucidx
from lucidx.errors import (
    CorruptFileError,
    InvalidTypeError,
    InvalidValueError,
    LucidxError,
    UnknownLayerError,
    UnknownModelError,
    UnsafeFileError,
    WeightsNotFoundError,
)
from lucidx.modelzoo import importing, util
from lucidx.modelzoo.vision_base import (
    DynamicModel,
    FrozenGraphModel,
    Layer,
    Model,
    SerializedModel,
)

LUCIDS = {"input_name": "input", "image_shape": [8, 8, 3], "image_value_range": [-1, 1]}


def written_by_lucid(path, **changes):
    """A file with what Lucid writes: the frozen graph, and a record in a constant nothing reads."""
    graph_def = graph_of(residual_network)
    record = json.dumps({**LUCIDS, **changes})
    node = graph_def.node.add(name="lucid_metadata_json", op="Const")
    node.attr["dtype"].type = 7  # DT_STRING
    tensor = node.attr["value"].tensor
    tensor.dtype = 7
    tensor.tensor_shape.SetInParent()
    tensor.string_val.append(record.encode())
    path.write_bytes(graph_def.SerializeToString())
    return path


def record_in(path):
    return util.extract_metadata(util.load_graphdef(path))


@contextlib.contextmanager
def trained_network(use_resource=True):
    """Session in which a network with variables is the default graph."""
    with tf.Graph().as_default() as graph, tf1.Session(graph=graph) as session:
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        w = tf1.get_variable("w", [3, 3, 3, 4], use_resource=use_resource)
        x = tf.nn.relu(tf.nn.conv2d(x, w, 1, "SAME"), name="relu")
        tf.nn.softmax(tf.reduce_mean(x, [1, 2]), name="probabilities")
        session.run(tf1.global_variables_initializer())
        yield session


def save_trained(path, **changes):
    arguments = {
        "input_name": "input",
        "output_names": ["probabilities"],
        "image_shape": [8, 8, 3],
        "image_value_range": (-1, 1),
    }
    Model.save(path, **{**arguments, **changes})


def assert_same(one, other):
    """That two models say the same of themselves, and of images."""
    assert (one.name, one.is_BGR, one.input_name) == (other.name, other.is_BGR, other.input_name)
    assert list(one.image_shape) == list(other.image_shape)
    np.testing.assert_array_equal(
        np.float32(one.image_value_range), np.float32(other.image_value_range)
    )
    assert_computes_the_same(one, other)


def assert_computes_the_same(one, other, layers=None):
    """That two models have the same layers, and the same activations for images."""
    assert [(x.name, x.depth, x.tags) for x in one.layers] == [
        (x.name, x.depth, x.tags) for x in other.layers
    ]
    size, channels = one.image_shape[0] or 32, one.image_shape[-1]
    batch = images(2, size, channels)
    names = layers or [layer.name for layer in one.layers]
    here, there = one.activations(batch, names), other.activations(batch, names)
    for name in names:
        np.testing.assert_array_equal(here[name], there[name])


# Files of Lucid


def test_a_file_of_lucid_loads_unchanged(tmp_path):
    model = Model.load(written_by_lucid(tmp_path / "m.pb"))
    assert isinstance(model, DynamicModel)
    assert (model.name, model.input_name, model.is_BGR) == ("DynamicModel", "input", False)
    assert (model.image_shape, model.image_value_range) == ([8, 8, 3], [-1, 1])
    assert model.model_path == str(tmp_path / "m.pb")
    assert model == Model.load(str(tmp_path / "m.pb")) == Model.load_from_graphdef(model.model_path)
    original = residual_model(name="DynamicModel")
    assert_same(model, original)


def test_a_file_of_lucid_with_ranges_per_channel_and_open_sizes_loads(tmp_path):
    bounds = [[-103.939, -116.779, -123.68], [151.061, 138.221, 131.32]]
    file = written_by_lucid(
        tmp_path / "m.PB", image_value_range=bounds, image_shape=[None, None, None, 3], more=[1]
    )
    model = Model.load(file)
    assert model.image_shape == [None, None, 3]
    original = residual_model(image_value_range=tuple(bounds), name="DynamicModel")
    np.testing.assert_array_equal(
        model.activations(images(), "scores"), original.activations(images(), "scores")
    )


def test_a_loaded_model_works_in_a_graph_and_session(tmp_path):
    model = Model.load(written_by_lucid(tmp_path / "m.pb"))
    expected = model.activations(images(), "scores")
    inside = in_session(lambda: model.import_graph(tf.constant(images()))("scores"))
    np.testing.assert_allclose(inside, expected, rtol=1e-5, atol=1e-5)


def test_the_graph_is_read_once(tmp_path):
    model = Model.load(written_by_lucid(tmp_path / "m.pb"))
    expected = model.activations(images(), "scores")
    model = Model.load(tmp_path / "m.pb")
    (tmp_path / "m.pb").unlink()
    np.testing.assert_array_equal(model.activations(images(), "scores"), expected)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_loaded_model_survives_copying_and_pickling(duplicate, tmp_path):
    model = Model.load(written_by_lucid(tmp_path / "m.pb", name="Toy", labels=list("abcde")))
    expected = model.activations(images(), "scores")
    duplicated = duplicate(model)
    assert duplicated == model
    assert duplicated.labels == list("abcde")
    assert_same(duplicated, model)
    np.testing.assert_array_equal(duplicated.activations(images(), "scores"), expected)


def test_a_record_given_separately_makes_the_same_model(tmp_path):
    (tmp_path / "plain.pb").write_bytes(graph_of(residual_network).SerializeToString())
    model = Model.load_from_metadata(tmp_path / "plain.pb", {**LUCIDS, "name": "Toy"})
    assert_same(model, residual_model())
    with pytest.raises(CorruptFileError, match="does not say image_shape"):
        Model.load_from_metadata(tmp_path / "plain.pb", {**LUCIDS, "image_shape": None})


def test_what_cannot_be_loaded_says_how_it_can(tmp_path):
    plain = tmp_path / "plain.pb"
    plain.write_bytes(graph_of(residual_network).SerializeToString())
    with pytest.raises(ValueError, match=r"from_graphdef\('.*plain.pb', input_name='input'"):
        Model.load(plain)
    with pytest.raises(InvalidValueError, match=r"not a \.pb file.*lucidx\.load"):
        Model.load("InceptionV1")
    with pytest.raises(InvalidValueError, match="from_keras"):
        Model.load("my.keras")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    with pytest.raises(InvalidValueError, match="from_saved_model"):
        Model.load(tmp_path / "saved")
    with pytest.raises(WeightsNotFoundError, match=r"nothing\.pb"):
        Model.load(tmp_path / "nothing.pb")
    for load in (Model.load, lucidx.load):
        with pytest.raises(InvalidTypeError, match="path"):
            load(3)
        with pytest.raises(InvalidValueError, match=r"'s3://bucket/m\.pb' is not the address"):
            load("s3://bucket/m.pb")


OTHERS = {
    "net.keras": r"from_keras\(keras\.saving\.load_model\('net\.keras'\)",
    "net.H5": "from_keras",
    "net.hdf5": "from_keras",
    "net.onnx": "onnx2tf",
    "net.tflite": "converted from",
    "net.pbtxt": "text_format",
    "net.pt": "torch_checkpoint",
    "net.pth": "torch_checkpoint",
}


@pytest.mark.parametrize(("name", "way"), OTHERS.items(), ids=OTHERS)
def test_another_kind_of_file_is_answered_with_the_way_for_it(name, way):
    for load in (Model.load, lucidx.load):
        with pytest.raises(InvalidValueError, match=rf"{way}.*lucidx models import"):
            load(name)


def test_lucidx_load_tells_files_from_models_of_the_catalogue(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "saved_model.pb").touch()
    with pytest.raises(InvalidValueError, match=r"from_saved_model\('net', image_value_range="):
        lucidx.load("net")
    (tmp_path / "EfficientNetLite0").mkdir()
    assert lucidx.load("EfficientNetLite0").catalogue_name == "EfficientNetLite0"
    with pytest.raises(InvalidValueError, match=r"'https://host/net' is not a \.pb file"):
        lucidx.load("https://host/net")
    with pytest.raises(UnknownModelError, match="EfficientNetLite0"):
        lucidx.load("EfficientNetLite")


def test_a_file_that_describes_itself_needs_no_value_range(tmp_path):
    file = written_by_lucid(tmp_path / "m.pb")
    with pytest.raises(InvalidValueError, match=r"describes itself.*Model\.load\('.*m\.pb'\)"):
        Model.from_graphdef(file)
    assert Model.from_graphdef(file, image_value_range=(0, 9)).image_value_range == (0, 9)
    (tmp_path / "plain.pb").write_bytes(graph_of(residual_network).SerializeToString())
    with pytest.raises(InvalidValueError, match="image_value_range is needed"):
        Model.from_graphdef(tmp_path / "plain.pb")


HOSTILE = {
    "no range": {"image_value_range": None},
    "a reversed range": {"image_value_range": [1, -1]},
    "a range that is not a number": {"image_value_range": [float("nan"), 1]},
    "an infinite range": {"image_value_range": [0, 1e300]},
    "a range of text": {"image_value_range": "01"},
    "a range of numbers in text": {"image_value_range": ["0", "1"]},
    "a range for other channels": {"image_value_range": [[0, 0], [1, 1]]},
    "a range too deep": {
        "image_value_range": [functools.reduce(lambda x, _: [x], range(99), 0), 1]
    },
    "a huge range": {"image_value_range": [0, 10**400]},
    "no input": {"input_name": None},
    "an unknown input": {"input_name": "nothing"},
    "an input that is no name": {"input_name": 3},
    "two sizes": {"image_shape": [8, 8]},
    "sizes of text": {"image_shape": "883"},
    "negative sizes": {"image_shape": [-8, 8, 3]},
    "broken sizes": {"image_shape": [8.5, 8, 3]},
    "huge sizes": {"image_shape": [10**400, 8, 3]},
    "labels that are a text": {"labels": "abc"},
    "labels that are numbers": {"labels": [1, 2]},
    "layers that are a number": {"layers": 3},
    "layers without depth": {"layers": [{"name": "skip"}]},
    "layers of no depth": {"layers": [{"name": "skip", "depth": 0, "tags": []}]},
    "layers with a tag that is none": {"layers": [{"name": "skip", "depth": 4, "tags": "conv"}]},
    "layers that are not there": {"layers": [{"name": "nothing", "depth": 4, "tags": []}]},
    "a name that is a list": {"name": ["a"]},
    "BGR that is a text": {"is_BGR": "no"},
}


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_a_record_that_cannot_be_right_is_refused_with_the_file_named(changes, tmp_path):
    with pytest.raises(CorruptFileError, match=r"m\.pb"):
        Model.load(written_by_lucid(tmp_path / "m.pb", **changes))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
KEYS = [*LUCIDS, "is_BGR", "labels", "layers", "name", "synset_ids", "dataset"]


@settings(max_examples=60, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(KEYS), JSON, min_size=1, max_size=3))
def test_whatever_a_record_says_ends_in_a_model_or_an_error_of_lucidx(tmp_path_factory, changes):
    file = tmp_path_factory.mktemp("any") / "m.pb"
    with contextlib.suppress(LucidxError):
        model = Model.load(written_by_lucid(file, **changes))
        assert isinstance(model.layers, tuple)
        assert model.activations(images(1), "scores").shape == (1, 5)


def test_a_saved_file_is_as_little_trusted_as_any(tmp_path):
    graph_def = util.load_graphdef(written_by_lucid(tmp_path / "m.pb"))
    graph_def.node.add(name="effect", op="ReadFile", input=["name"])
    graph_def.node.add(name="name", op="Const").CopyFrom(graph_def.node[0])
    graph_def.node[-1].name = "name"
    (tmp_path / "m.pb").write_bytes(graph_def.SerializeToString())
    with pytest.raises(UnsafeFileError, match=r"ReadFile.*allow_unsafe_ops=True"):
        Model.load(tmp_path / "m.pb")


WAYS_TO_LOAD = {
    "lucidx.load": lambda files, **options: lucidx.load(files / "g.pb", **options),
    "Model.load": lambda files, **options: Model.load(files / "g.pb", **options),
    "manifest": lambda files, **options: Model.load(files / "manifest.json", **options),
    "load_from_graphdef": lambda files, **options: Model.load_from_graphdef(
        files / "g.pb", **options
    ),
    "load_from_metadata": lambda files, **options: Model.load_from_metadata(
        files / "g.pb", LUCIDS, **options
    ),
    "load_from_manifest": lambda files, **options: Model.load_from_manifest(
        files / "manifest.json", **options
    ),
    "from_directory": SerializedModel.from_directory,
    "FrozenGraphModel": lambda files, **options: FrozenGraphModel(
        files, {**LUCIDS, "model_path": "./g.pb"}, **options
    ),
}


@pytest.mark.filterwarnings("ignore:Use Model.load:DeprecationWarning")
@pytest.mark.parametrize("load", WAYS_TO_LOAD.values(), ids=WAYS_TO_LOAD)
def test_who_trusts_a_file_can_load_it_in_every_way(load, tmp_path):
    with_manifest(tmp_path)
    graph_def = util.load_graphdef(tmp_path / "g.pb")
    graph_def.node.add(name="effect", op="WriteFile", input=[util.metadata_node_name] * 2)
    (tmp_path / "g.pb").write_bytes(graph_def.SerializeToString())
    with pytest.raises(UnsafeFileError, match="WriteFile"):
        load(tmp_path).activations(images(), "skip")
    model = load(tmp_path, allow_unsafe_ops=True)
    assert model.activations(images(), "skip").shape == (2, 8, 8, 4)


LABELLED = {  # ways to say of what depth the last dense layer is
    "layers": [{"name": "scores", "depth": 5, "tags": ["dense"]}],
    "no layers": None,
}


@pytest.mark.parametrize("layers", LABELLED.values(), ids=LABELLED)
def test_labels_in_a_file_are_compared_with_the_outputs(layers, tmp_path):
    file = written_by_lucid(tmp_path / "m.pb", labels=list("abcdef"), layers=layers)
    with pytest.raises(CorruptFileError, match=r"m\.pb: There are 6 labels for 5 outputs"):
        Model.load(file)
    # Outputs that stand for nothing have none; whoever wrote the file has been told.
    file = written_by_lucid(tmp_path / "m.pb", labels=list("abcd"), layers=layers)
    assert Model.load(file).labels == list("abcd")


def test_labels_in_a_manifest_are_compared_with_the_layers_it_describes(tmp_path):
    layers = LABELLED["layers"]
    with pytest.raises(CorruptFileError, match=r"manifest\.json: .*6 labels for 5 outputs"):
        Model.load(with_manifest(tmp_path, labels=list("abcdef"), layers=layers))


@pytest.fixture
def address_of(tmp_path, monkeypatch):
    """Function from the name of a file in `tmp_path` to its address on a local server."""
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LUCIDX_OFFLINE", raising=False)
    (tmp_path / "served").mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Handler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield lambda name: f"http://127.0.0.1:{server.server_port}/{name}"
        server.shutdown()


def test_a_model_is_loaded_from_an_address(address_of, tmp_path):
    written_by_lucid(tmp_path / "served" / "m.PB", name="Toy")
    model = Model.load(address_of("m.PB") + "?raw=1")
    assert_same(model, residual_model())


def test_a_manifest_at_an_address_finds_its_graph_beside_it(address_of, tmp_path):
    written_by_lucid(tmp_path / "served" / "g.pb")
    manifest = {**LUCIDS, "model_path": "./g.pb", "model_name": "Toy"}
    (tmp_path / "served" / "manifest.json").write_text(json.dumps(manifest))
    assert_same(Model.load(address_of("manifest.json")), residual_model())


# Saving


@pytest.mark.parametrize("use_resource", [True, False], ids=["resource", "reference"])
def test_a_trained_network_is_saved_and_loaded(use_resource, tmp_path):
    with trained_network(use_resource) as session:
        expected = session.run("probabilities:0", {"input:0": images() * 2 - 1})
        save_trained(tmp_path / "m.pb", labels=list("abcd"), layers=["relu"], name="Own")
    model = Model.load(tmp_path / "m.pb")
    np.testing.assert_allclose(model.activations(images(), "probabilities"), expected, rtol=1e-5)
    assert (model.name, model.labels, model.layer_names) == ("Own", list("abcd"), ["relu"])
    assert [(layer.name, layer.depth, layer.tags) for layer in model.layers] == [
        ("relu", 4, {"conv"})
    ]


def test_the_record_has_lucids_keys_as_lucid_writes_them(tmp_path):
    bounds = np.array([[-1, -2, -3], [1, 2, 3]])
    with trained_network():
        save_trained(tmp_path / "m.pb", image_shape=(None, None, 3), image_value_range=bounds)
    assert record_in(tmp_path / "m.pb") == {
        "input_name": "input",
        "image_shape": [None, None, 3],
        "image_value_range": [[-1, -2, -3], [1, 2, 3]],
    }
    assert Model.load(tmp_path / "m.pb").layers  # found in the graph


def test_further_things_to_know_are_saved_beside_lucids(tmp_path):
    layer = {"name": "relu", "depth": 4, "tags": ["conv"]}
    with trained_network():
        save_trained(tmp_path / "m.pb", labels=("a", "b"), layers=[layer], name="Own")
    extra = {k: v for k, v in record_in(tmp_path / "m.pb").items() if k not in LUCIDS}
    assert extra == {"labels": ["a", "b"], "layers": [layer], "name": "Own"}
    model = Model.load(tmp_path / "m.pb")
    assert model.get_layer("relu").model_name == "Own"


def test_layers_to_save_may_be_those_of_a_model(tmp_path):
    layers = (Layer(Model(), "relu", np.int64(4), ["late", "conv"]),)
    with trained_network():
        save_trained(tmp_path / "m.pb", layers=layers)
    assert record_in(tmp_path / "m.pb")["layers"] == [
        {"name": "relu", "depth": 4, "tags": ["conv", "late"]}
    ]


def test_what_comes_before_the_named_input_is_not_saved(tmp_path):
    with tf.Graph().as_default(), tf1.Session():
        file = tf.io.read_file("/nowhere/picture.png")
        pixels = tf.io.decode_png(file, 3)[tf.newaxis]
        pixels = tf1.placeholder_with_default(pixels, [None, None, None, 3])
        x = tf.divide(tf.cast(pixels, tf.float32), 255.0, name="divide")
        tf.nn.relu(x - 0.5, name="relu")
        save_trained(
            tmp_path / "m.pb", input_name="divide", output_names="relu", image_value_range=(0, 1)
        )
    model = Model.load(tmp_path / "m.pb")
    expected = np.maximum(images() - 0.5, 0)
    np.testing.assert_allclose(model.activations(images(), "relu"), expected, atol=1e-6)


IMPOSSIBLE = {
    "a tensor as input": ({"input_name": "input:0"}, "Name the node: 'input'"),
    "a tensor as output": ({"output_names": ["relu:0"]}, "Name the node: 'relu'"),
    "an unknown input": ({"input_name": "imput"}, "Did you mean 'input'"),
    "an unknown output": ({"output_names": ["rellu"]}, "Did you mean 'relu'"),
    "an unknown layer": ({"layers": ["rellu"]}, "Did you mean 'relu'"),
    "an input behind the outputs": ({"input_name": "probabilities", "output_names": "relu"},
                                    "do not depend on 'probabilities'"),
    "no outputs": ({"output_names": []}, "output_names is empty"),
    "outputs that are no names": ({"output_names": [3]}, "output_names is a list of strings"),
    "no input": ({"input_name": None}, "input_name is a list of strings"),
    "two sizes": ({"image_shape": [8, 8]}, "image_shape is"),
    "a reversed range": ({"image_value_range": (1, 0)}, "lo < hi"),
    "a range for other channels": ({"image_value_range": ([0, 0], 1)}, "each of the 3 channels"),
    "no range": ({"image_value_range": None}, "image_value_range is needed"),
    "one label as a text": ({"labels": "abc"}, "labels is a list of strings"),
    "layers without depth": ({"layers": [{"name": "relu"}]}, "A layer is a name"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_nothing_is_written_if_an_argument_cannot_be_right(changes, message, tmp_path):
    with trained_network(), pytest.raises(LucidxError, match=message):
        save_trained(tmp_path / "m.pb", **changes)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["m.json", "m", "gs://bucket/m.pb"])
def test_a_model_is_saved_to_a_local_pb_file_only(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with trained_network(), pytest.raises(InvalidValueError):
        save_trained(name)
    with pytest.raises(InvalidValueError):
        residual_model().export(name)
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_file_that_was_there(tmp_path):
    (tmp_path / "m.pb").write_text("precious")
    with tf.Graph().as_default(), tf1.Session(), pytest.raises(RuntimeError, match="empty"):
        save_trained(tmp_path / "m.pb")
    with pytest.raises(RuntimeError, match="no default session"):
        save_trained(tmp_path / "m.pb")
    with trained_network() as session:
        tf1.get_variable("late", [])
        tf.add(tf1.global_variables()[-1], 1.0, name="uninitialized")
        with pytest.raises(InvalidValueError, match="no value yet"):
            save_trained(tmp_path / "m.pb", output_names=["probabilities", "uninitialized"])
        session.run(tf1.global_variables_initializer())
    assert (tmp_path / "m.pb").read_text() == "precious"
    assert os.listdir(tmp_path) == ["m.pb"]


def test_a_network_with_effects_is_saved_with_a_warning(tmp_path):
    with trained_network():
        number = tf.strings.to_number(tf.io.read_file("/nowhere/number"))
        tf.add(tf1.get_default_graph().get_tensor_by_name("relu:0"), number, name="effect")
        with pytest.warns(UserWarning, match="ReadFile"):
            save_trained(tmp_path / "m.pb", output_names=["effect"])
    with pytest.raises(UnsafeFileError):
        Model.load(tmp_path / "m.pb")
    assert Model.load(tmp_path / "m.pb", allow_unsafe_ops=True).get_layer("relu").depth == 4


# Exporting


def test_an_exported_model_loads_as_the_same(tmp_path):
    model = residual_model(
        labels=list("abcde"), image_value_range=([0, 1, 2], np.float32([9, 9, 9]))
    )
    model.export(tmp_path / "m.pb")
    loaded = Model.load(tmp_path / "m.pb")
    assert_same(loaded, model)
    assert loaded.labels == model.labels
    loaded.export(tmp_path / "again.pb")
    assert (tmp_path / "again.pb").stat().st_size == (tmp_path / "m.pb").stat().st_size


def as_lucid_feeds_it(path, layers, batch):
    """Layers of a saved file for RGB images, as who only knows Lucid's part of the record."""
    record = {key: record_in(path)[key] for key in LUCIDS}
    lo, hi = map(np.float32, record["image_value_range"])

    def build():
        fed = {f"{record['input_name']}:0": tf.constant(lo + batch * (hi - lo))}
        names = [f"{name}:0" for name in layers]
        return tf.graph_util.import_graph_def(util.load_graphdef(path), fed, names, name="")

    return dict(zip(layers, in_session(build), strict=True))


@pytest.mark.parametrize("bounds", [(-1, 1), ([0, 1, 2], np.float32([9, 8, 7])), ([-1], [0, 5, 6])])
def test_readers_that_know_no_bgr_feed_an_exported_bgr_model_right(bounds, tmp_path):
    model = residual_model(is_BGR=True, image_value_range=bounds)
    model.export(tmp_path / "m.pb")
    loaded = Model.load(tmp_path / "m.pb")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert loaded.image_shape == model.image_shape
    assert loaded.is_BGR is False
    names = ["input", "first", "split:1", "scores"]
    expected = model.activations(images(), names)
    exported = loaded.activations(images(), names)
    fed = as_lucid_feeds_it(tmp_path / "m.pb", ["input", "first", "scores"], images())
    for name in names:
        np.testing.assert_allclose(exported[name], expected[name], rtol=1e-6, atol=1e-6)
    for name in fed:
        np.testing.assert_allclose(fed[name], expected[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("entrance", ["first", "split:1", "rgb"])
def test_a_bgr_model_is_exported_wherever_it_takes_its_images(entrance, tmp_path):
    def network():
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="rgb")
        x = tf.nn.relu(x * 0.5, name="first")
        halves = tf.split(tf.concat([x, x], -1), 2, -1, name="split")
        tf.multiply(halves[1], 2.0, name="last")

    model = Model.from_graphdef(
        graph_of(network), entrance, (0, [1, 2, 3]), (8, 8, 3), is_BGR=True, name="Toy"
    )
    model.export(tmp_path / "m.pb")
    loaded = Model.load(tmp_path / "m.pb")
    layers = ["last", *([] if ":" in entrance else [entrance])]
    assert_computes_the_same(loaded, model, layers)


def test_a_saved_bgr_network_takes_rgb_from_any_reader(tmp_path):
    bounds = ([0, -1, -2], [1, 2, 3])
    with trained_network() as session:
        fed = images()[..., ::-1] * np.subtract(*bounds[::-1]) + bounds[0]
        expected = session.run("relu:0", {"input:0": fed})
        save_trained(
            tmp_path / "m.pb", is_BGR=True, layers=["input", "relu"], image_value_range=bounds
        )
    assert record_in(tmp_path / "m.pb")["image_value_range"] == [[-2, -1, 0], [3, 2, 1]]
    model = Model.load(tmp_path / "m.pb")
    assert model.layer_names == ["input", "relu"]
    np.testing.assert_allclose(model.activations(images(), "relu"), expected, rtol=1e-5, atol=1e-6)
    lucids = as_lucid_feeds_it(tmp_path / "m.pb", ["relu"], images())
    np.testing.assert_allclose(lucids["relu"], expected, rtol=1e-5, atol=1e-6)


def test_an_exported_keras_model_loads_as_the_same(tmp_path):
    import keras

    image = keras.Input((9, 12, 2))
    x = keras.layers.Conv2D(4, 3, activation="silu", name="conv")(image)
    scores = keras.layers.Dense(3, name="scores")(keras.layers.GlobalAveragePooling2D()(x))
    model = Model.from_keras(keras.Model(image, scores), (0, 255), labels=list("abc"))
    model.export(str(tmp_path / "m.pb"))
    loaded = Model.load(tmp_path / "m.pb")
    assert (loaded.name, loaded.labels, loaded.image_shape) == (
        model.name,
        ["a", "b", "c"],
        [9, 12, 2],
    )
    photo = np.random.default_rng(0).uniform(size=(2, 9, 12, 2)).astype(np.float32)
    for name in ("conv", "scores"):
        np.testing.assert_array_equal(
            loaded.activations(photo, name), model.activations(photo, name)
        )


def test_what_a_class_adds_to_its_graph_is_exported(tmp_path):
    class Doubled(Model):
        model_path = str(tmp_path / "toy.pb")
        input_name = "input"
        image_shape = (8, 8, 3)

        def post_import(self, scope):
            skip = tf1.get_default_graph().get_tensor_by_name(f"{scope}/skip:0")
            with tf1.name_scope(None):
                tf.multiply(skip, 2.0, name=f"{scope}/doubled")

    (tmp_path / "toy.pb").write_bytes(graph_of(residual_network).SerializeToString())
    Doubled().export(tmp_path / "m.pb")
    loaded = Model.load(tmp_path / "m.pb")
    acts = loaded.activations(images(), ["skip", "doubled"])
    np.testing.assert_array_equal(acts["doubled"], 2 * acts["skip"])
    assert loaded.name == "Doubled"


@pytest.mark.parametrize("fixture", ["efficientnet", "inception_v1", "inception_v1_caffe"])
def test_models_of_the_catalogue_are_exported_whole(fixture, request, tmp_path):
    model = request.getfixturevalue(fixture)
    model.export(tmp_path / "m.pb")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There are 1001 labels for 1008 outputs")
        loaded = Model.load(tmp_path / "m.pb")
    assert (loaded.labels, loaded.synset_ids) == (model.labels, model.synset_ids)
    assert loaded.dataset == model.dataset == "ImageNet"
    names = [layer.name for layer in model.layers]
    early = names[2:5]
    if fixture == "inception_v1":
        early.append("mixed4a_pre_relu")
    copied = copy.copy(loaded)
    copied.image_shape, small = [64, 64, 3], copy.copy(model)
    small.image_shape = [64, 64, 3]
    assert_computes_the_same(copied, small, early)


def test_a_graph_beyond_what_protobuf_writes_is_refused_at_once(tmp_path, monkeypatch):
    model = residual_model()
    monkeypatch.setattr(importing, "LARGEST_GRAPH", 1000)
    with pytest.raises(InvalidValueError, match="2 GB"):
        model.export(tmp_path / "m.pb")
    assert not list(tmp_path.iterdir())
    with pytest.raises(InvalidValueError, match="2 GB"):
        residual_model()


# Manifests


def with_manifest(directory, **changes):
    written_by_lucid(directory / "g.pb")
    manifest = {**LUCIDS, "model_path": "./g.pb", "model_name": "Toy", **changes}
    manifest = {key: value for key, value in manifest.items() if value is not None}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory / "manifest.json"


def test_a_manifest_makes_the_model_it_describes(tmp_path):
    file = with_manifest(tmp_path, dataset="Toys", own_remark={"a": 1})
    model = Model.load(file)
    assert isinstance(model, FrozenGraphModel)
    assert isinstance(model, SerializedModel)
    assert model.manifest == json.loads(file.read_text())
    assert (model.dataset, model.own_remark) == ("Toys", {"a": 1})
    assert model.model_path == str(tmp_path / "g.pb")
    assert_same(model, residual_model())
    assert model.layer_names == [layer.name for layer in residual_model().layers]
    assert model == Model.load_from_manifest(str(file))
    assert pickle.loads(pickle.dumps(model)) == model


def test_layers_of_a_manifest_are_names_or_say_more(tmp_path):
    named = Model.load(with_manifest(tmp_path, layers=["second_relu", "skip"]))
    assert named.layer_names == ["second_relu", "skip"]
    assert [(layer.name, layer.depth, layer.tags) for layer in named.layers] == [
        ("second_relu", 4, {"conv"}),
        ("skip", 4, {"conv"}),
    ]
    entry = {"name": "pool", "depth": 8, "tags": ["dense", "late"]}
    described = Model.load(with_manifest(tmp_path, layers=[entry]))
    assert described.get_layer("pool").tags == {"dense", "late"}
    assert described.layer_names == ["pool"]
    none = Model.load(with_manifest(tmp_path, layers=[]))
    assert (none.layers, none.layer_names) == ((), [])
    with pytest.raises(UnknownLayerError, match="skop"):
        _ = Model.load(with_manifest(tmp_path, layers=["skop"])).layers


def test_paths_in_a_manifest_are_beside_it_or_in_the_working_directory(tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir(), there.mkdir()
    monkeypatch.chdir(here)
    (there / "labels.txt").write_text("a\nb")
    model = Model.load(with_manifest(there, model_path="g.pb", labels_path="./labels.txt"))
    assert model.model_path == str(there / "g.pb")  # the only one there is
    assert model.labels == ["a", "b"]
    (here / "g.pb").touch()
    assert Model.load(there / "manifest.json").model_path == str(here / "g.pb")
    assert Model.load("../there/manifest.json").labels == ["a", "b"]


@pytest.mark.parametrize("directory", ["run", "run:1", "gs:"])
def test_a_model_of_a_manifest_does_not_depend_on_the_working_directory(
    directory, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / directory).mkdir()
    file = with_manifest(tmp_path / directory, labels_path="./labels.txt", layers=["skip"])
    (tmp_path / directory / "labels.txt").write_text("a\nb")
    for named in (file.relative_to(tmp_path), f"{directory}/manifest.json"):
        model = Model.load(named)
        with monkeypatch.context() as elsewhere:
            elsewhere.chdir("/")
            assert model.model_path == str(tmp_path / directory / "g.pb")
            assert model.labels == ["a", "b"]
            assert model.activations(images(), "skip").shape == (2, 8, 8, 4)


def test_a_users_own_graph_is_not_looked_for_by_the_name_of_its_class(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "FrozenGraphModel.pb").write_bytes(b"another")
    monkeypatch.setenv("LUCIDX_MODELS", str(tmp_path / "models"))
    file = with_manifest(tmp_path, model_name=None)
    assert Model.load(file).activations(images(), "skip").shape == (2, 8, 8, 4)
    (tmp_path / "g.pb").unlink()
    with pytest.raises(WeightsNotFoundError, match=r"g\.pb"):
        _ = Model.load(file).graph_def


def test_a_manifest_in_a_directory_can_still_be_named_by_it(tmp_path):
    with_manifest(tmp_path)
    with pytest.warns(DeprecationWarning, match=r"Model\.load"):
        model = SerializedModel.from_directory(str(tmp_path))
    assert_same(model, residual_model())
    (tmp_path / "manifest.json").rename(tmp_path / "other.json")
    with pytest.warns(DeprecationWarning):
        again = SerializedModel.from_directory(tmp_path, tmp_path / "other.json")
    assert again == model


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_a_manifest_that_cannot_be_right_is_refused(changes, tmp_path):
    changes = {key: float("nan") if value is None else value for key, value in changes.items()}
    with pytest.raises(LucidxError):
        model = Model.load(with_manifest(tmp_path, **changes))
        model.activations(images(), [layer.name for layer in model.layers])


PATHS = st.text(max_size=8) | st.sampled_from(
    ["./", "..", "\0", "\ud800", "x" * 5000, "a:b", "s3://b"]
)
PATH_KEYS = ["model_path", "labels_path", "synsets_path", "model_name"]


@settings(max_examples=60, deadline=None)
@given(
    changes=st.dictionaries(st.sampled_from([*KEYS, "type", *PATH_KEYS]) | st.text(), JSON),
    paths=st.dictionaries(st.sampled_from(PATH_KEYS), PATHS),
)
def test_whatever_a_manifest_says_ends_in_a_model_or_an_error_of_lucidx(
    tmp_path_factory, changes, paths
):
    file = with_manifest(tmp_path_factory.mktemp("any"), **{**changes, **paths})
    with contextlib.suppress(LucidxError, FileNotFoundError):
        model = Model.load(file)
        model.activations(images(1), "scores")
        with contextlib.suppress(LucidxError):
            _ = model.layers, model.layer_names
        _ = model.labels, model.synset_ids


@pytest.mark.parametrize("missing", ["model_path", *LUCIDS])
def test_what_a_manifest_has_to_say_is_named(missing, tmp_path):
    with pytest.raises(CorruptFileError, match=rf"manifest\.json.*does not say {missing}"):
        Model.load(with_manifest(tmp_path, **{missing: None}))


@pytest.mark.parametrize("key", ["import_graph", "_graph_def", "catalogue_name", "__class__"])
def test_a_manifest_cannot_replace_parts_of_a_model(key, tmp_path):
    with pytest.raises(CorruptFileError, match=f"cannot set '{key}'"):
        Model.load(with_manifest(tmp_path, **{key: "x"}))


def test_a_manifest_may_call_the_model_by_name_and_type(tmp_path):
    file = with_manifest(tmp_path, model_name=None, name="Toy", type="frozen")
    assert Model.load(file).name == "Toy"
    with pytest.raises(InvalidValueError, match=r"'keras'.*'frozen'"):
        Model.load(with_manifest(tmp_path, type="keras"))
    with pytest.raises(InvalidTypeError, match="dictionary"):
        FrozenGraphModel(tmp_path, ["a"])


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"3", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_manifest_is_refused(content, tmp_path):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(CorruptFileError):
        Model.load(tmp_path / "manifest.json")


def test_a_manifest_that_is_not_there_is_a_value_error_as_in_lucid(tmp_path):
    with pytest.raises(ValueError, match=r"nothing\.json"):
        Model.load(tmp_path / "nothing.json")


# Suggestions


def test_what_a_graph_tells_is_suggested_and_can_be_used_to_save(tmp_path, capsys):
    with trained_network():
        suggested = Model.suggest_save_args()
        assert suggested == {
            "input_name": "input",
            "image_shape": [8, 8, 3],
            "output_names": ["probabilities"],
            "image_value_range": None,
        }
        Model.save(tmp_path / "m.pb", **{**suggested, "image_value_range": (-1, 1)})
    printed = capsys.readouterr().out
    assert "Model.save(" in printed
    assert "input_name='input'," in printed
    assert "image_value_range=_,  # TODO (eg. " in printed
    assert Model.load(tmp_path / "m.pb").input_name == "input"


def test_where_pixels_are_divided_by_255_the_images_come_in(capsys):
    def network():
        pixels = tf1.placeholder(tf.uint8, [None, 8, 8, 3], name="pixels")
        white = tf.constant(255, tf.int32)
        x = tf.divide(tf.cast(pixels, tf.float32), tf.cast(white, tf.float32), name="divide")
        tf.nn.softmax(tf.reduce_mean(x, [1, 2]), name="probabilities")

    suggested = Model.suggest_save_args(graph_of(network))
    assert suggested["input_name"] == "divide"
    assert suggested["image_value_range"] == (0, 1)
    assert suggested["image_shape"] == [8, 8, 3]
    assert "takes uint8" in capsys.readouterr().out


def test_what_a_graph_does_not_tell_is_warned_of():
    def network():
        tf1.placeholder(tf.float32, [None, None, None, 3], name="input")

    with pytest.warns(UserWarning) as caught:
        suggested = Model.suggest_save_args(graph_of(network))
    assert suggested == {**dict.fromkeys(suggested), "input_name": "input"}
    messages = " ".join(str(warning.message) for warning in caught)
    assert "shape" in messages
    assert "Softmax" in messages
    with tf.Graph().as_default(), pytest.warns(UserWarning, match="placeholders: none"):
        warnings.filterwarnings("ignore", "There is no Softmax")
        assert set(Model.suggest_save_args().values()) == {None}


@pytest.mark.parametrize("fixture", ["inception_v1", "inception_v1_caffe"])
def test_suggestions_for_models_of_the_catalogue_are_what_the_catalogue_says(fixture, request):
    model = request.getfixturevalue(fixture)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not every copy of the graph says the images' shape
        suggested = Model.suggest_save_args(model.graph_def)
    assert suggested["input_name"] == model.input_name
    assert suggested["image_shape"] in (None, model.image_shape)
    assert model.layers[-1].name in suggested["output_names"]


def test_lucidx_load_takes_saved_files_too(tmp_path):
    assert_same(lucidx.load(written_by_lucid(tmp_path / "m.pb", name="Toy")), residual_model())
