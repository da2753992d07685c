"""`lucidx sweep`, once as a process."""

import csv
import json

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from command import lucidx
from small_classifier import write

from lucidx.cli import main
from lucidx.modelzoo.vision_base import Model

FEW = ("--layers", "high", "--channels", "1,6,3", "--size", 16, "--steps", 2, "--batch", 2)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write(str(tmp_path_factory.mktemp("model") / "small.pb"))


@pytest.fixture(scope="module")
def swept(small, tmp_path_factory):
    out = tmp_path_factory.mktemp("swept") / "sweep"
    return lucidx("sweep", small, *FEW, "--workers", 1, "--out", out), out


def refused(*arguments):
    """What is said, when it is refused with exit code 2."""
    done = CliRunner().invoke(main, ["sweep", *map(str, arguments)])
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


def test_a_sweep_is_drawn_by_a_worker_without_a_word_of_its_own(swept):
    done, out = swept
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{out / 'index.html'}: 3 pictures"
    assert not done.stderr
    assert {file.name for file in (out / "images/high").iterdir()} == {"1.png", "3.png", "6.png"}
    records = [json.loads(file.read_bytes()) for file in sorted((out / "done").iterdir())]
    assert [len(record["pictures"]) for record in records] == [2, 1]


def test_the_same_command_goes_on_and_another_is_refused(small, swept):
    _, out = swept
    again = CliRunner().invoke(main, ["sweep", small, *map(str, FEW), "--out", str(out)])
    assert again.exit_code == 0 and "3 pictures" in again.output
    said = refused(small, *FEW, "--seed", 3, "--out", out)
    assert "a sweep with seed 0; it is 3 now" in said


@pytest.mark.slow
def test_batches_that_fail_are_named_and_the_exit_code_tells(tmp_path):
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, 16, 16, 3], "images")
        tf.reshape(images, [1, 16, 16, 3], "alone")  # a batch of one only
    model = Model.from_graphdef(graph.as_graph_def(), "images", (0, 1), (16, 16, 3))
    model.export(tmp_path / "model.pb")
    settings = ("--layers", "alone,images", *FEW[4:], "--workers", 1, "--channels", "0,1")
    done = lucidx("sweep", tmp_path / "model.pb", *settings, "--out", tmp_path / "sweep")
    assert done.returncode == 1
    assert done.stdout.strip().endswith("2 pictures")
    *failed, last = done.stderr.strip().splitlines()
    assert [line.split(":")[:2] for line in failed] == [["Failed", " alone-0000"]]
    assert last == ("Error: 1 batches failed (alone-0000). The same command tries them again.")


def test_bad_requests_are_refused_in_one_line(small, tmp_path):
    out = ("--out", tmp_path / "sweep")
    assert "high" in refused(small, "--layers", "hihg", *out)
    assert "0 to 7" in refused(small, "--layers", "high", "--channels", "8", *out)
    assert "--images" in refused(small, "--channels", "top:2", *out)
    assert "An address is for Dask" in refused(small, "--address", "tcp://1.2.3.4:5", *out)
    assert "lucidx" not in refused(small, "--engine", "spark", *out).lower()
    assert "InceptionV1" in refused("InceptionV", *out)
    assert "--out" in refused(small)


def test_bad_directions_are_refused_in_one_line(small, tmp_path):
    out = ("--out", tmp_path / "sweep")
    np.savez(tmp_path / "other.npz", decoder=np.ones([2, 8]))
    np.save(tmp_path / "wide.npy", np.ones([2, 9]))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "broken.npy").write_bytes(b"broken")
    high = ("--layers", "high", *out, "--directions")
    assert "it holds 'decoder'" in refused(small, *high, tmp_path / "other.npz")
    assert "8 channels" in refused(small, *high, tmp_path / "wide.npy")
    for wrong in ("ab", [["a"], ["b"]], [b"a", b"b"], ["a\ud800", "b"]):
        np.savez(tmp_path / "names.npz", directions=np.eye(8)[:2], names=wrong)
        assert "name" in refused(small, *high, tmp_path / "names.npz")
    assert "Python objects" in refused(small, *high, tmp_path / "objects.npy")
    assert "damaged" in refused(small, *high, tmp_path / "broken.npy")
    assert ".npz" in refused(small, *high, small)
    useless = refused(small, *high, tmp_path / "wide.npy", "--channels", "all")
    assert "--channels would change nothing with --directions" in useless
    wide = ("--directions", tmp_path / "wide.npy")
    for layers in ((), ("--layers", "high,low"), ("--layers", "h*")):
        assert "in one layer: name it with --layers" in refused(small, *layers, *out, *wide)
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize("extension", [pytest.param("npy", marks=pytest.mark.slow), "npz"])
def test_directions_in_a_file_are_drawn(small, tmp_path, extension):
    directions = np.eye(8)[:3] + 0.1
    np.save(tmp_path / "d.npy", directions)
    np.savez(tmp_path / "d.npz", directions=directions, names=["a", "b", "c"])
    options = ("--layers", "high", "--size", 16, "--steps", 2, "--workers", 1)
    file = tmp_path / f"d.{extension}"
    arguments = [small, *options, "--directions", file, "--out", tmp_path / "sweep"]
    done = CliRunner().invoke(main, ["sweep", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    with open(tmp_path / "sweep" / "index.csv", newline="") as index:
        names = [row["name"] for row in csv.DictReader(index)]
    assert names == (
        ["a", "b", "c"] if extension == "npz" else [f"direction {k}" for k in range(3)]
    )
    assert "--out" in refused(small)
