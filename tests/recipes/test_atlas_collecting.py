"""Collecting activations for an atlas: resumable, the same however it is cut up, never fatal."""

import json
import pickle
import shutil
import subprocess
import sys
from types import SimpleNamespace

import filelock
import numpy as np
import pytest
import small_classifier
import tensorflow as tf
from named_pipes import pipe
from PIL import Image
from test_icons import files_limited_to
from tiny_network import make_model

from lucidx import engines
from lucidx.attribution import attribute
from lucidx.errors import (
    ChangedFileError,
    CorruptFileError,
    InvalidValueError,
    UnknownLayerError,
)
from lucidx.modelzoo.pictures import read_image
from lucidx.modelzoo.vision_base import Model
from lucidx.recipes.activation_atlas import collect, collecting, read_collection, shards
from lucidx.recipes.activation_atlas.samples import positions

NUMBER = 11
SHAPE = (24, 24, 3)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Model.load(small_classifier.write(tmp_path_factory.mktemp("model") / "small.pb"))


@pytest.fixture
def photos(tmp_path):
    """Pictures of several sizes and kinds at two depths, one of them damaged."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for n in range(NUMBER):
        size = (20 + 3 * n, 40 - 2 * n, 3)
        picture = Image.fromarray(rng.integers(0, 255, size, np.uint8))
        picture.convert(["RGB", "L", "RGBA"][n % 3]).save(folder / ("more", "")[n % 2] / f"{n}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    return folder


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(collecting, "SHARD", 4)
    monkeypatch.setattr(shards, "_BATCH", 3)


def by_picture(samples):
    """Activations and evidence of the pictures, by name."""
    return {
        samples.picture_of(n): (samples.activations[n], samples.evidence[n])
        for n in range(len(samples))
    }


def test_there_is_one_activation_of_each_picture_and_what_it_argues_for(model, photos, tmp_path):
    made = collect(model, "high", [photos], tmp_path / "work")
    assert made.count == NUMBER
    samples = read_collection(tmp_path / "work")
    found = by_picture(samples)
    assert len(found) == NUMBER and "more/0.png" in found and "1.png" in found
    assert samples.labels == small_classifier.LABELS
    for name, (activation, evidence) in found.items():
        image = read_image(photos / name, SHAPE)
        ((row, column),) = positions(name, 0, (12, 12), 1)
        expected = model.activations(image, "high")[row, column]
        np.testing.assert_allclose(activation, expected, rtol=1e-5, atol=1e-6)
        why = [attribute(model, image, f"scores:{k}", "high").spatial() for k in (0, 3)]
        expected = [found[row, column] for found in why]
        np.testing.assert_allclose(evidence[[0, 3]], expected, rtol=2e-3, atol=1e-4)


def test_pictures_that_cannot_be_read_are_skipped_and_listed(model, photos, tmp_path):
    made = collect(model, "high", [photos], tmp_path / "work")
    ((name, reason),) = made.skipped
    assert name == "broken.png" and "cannot be read" in reason
    assert collect(model, "high", [photos], tmp_path / "work") == made, "also the second time"


def test_activations_do_not_depend_on_order_and_shards(model, photos, tmp_path, monkeypatch):
    collect(model, "high", [photos], tmp_path / "work")
    monkeypatch.setattr(collecting, "SHARD", 5)
    moved = photos.rename(tmp_path / "moved")
    parts = [moved / "more" / "..", *sorted(moved.glob("*.png"))[::-1]]
    collect(model, "high", parts, tmp_path / "other")
    one, other = (by_picture(read_collection(tmp_path / name)) for name in ("work", "other"))
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_allclose(one[name][0], other[name][0], rtol=1e-5, atol=1e-6)


def test_several_positions_of_each_picture(model, photos, tmp_path):
    made = collect(model, "high", [photos], tmp_path / "work", per_image=3)
    samples = read_collection(tmp_path / "work")
    assert made.count == len(samples) == 3 * NUMBER
    name = samples.picture_of(3)
    acts = model.activations(read_image(photos / name, SHAPE), "high")
    rows, columns = positions(name, 0, (12, 12), 3).T
    np.testing.assert_allclose(samples.activations[3:6], acts[rows, columns], rtol=1e-5, atol=1e-6)


def test_the_files_can_be_read_without_lucidx(model, photos, tmp_path):
    collect(model, "high", [photos], tmp_path / "work")
    plan = json.loads((tmp_path / "work" / "collection.json").read_text())
    assert (plan["layer"], plan["pictures"], plan["labels"][3]) == ("high", NUMBER + 1, "cat")
    with np.load(tmp_path / "work" / "shards" / "000000.npz") as shard:
        kinds = {name: (array.dtype.name, array.shape) for name, array in shard.items()}
    assert kinds == {
        "activations": ("float32", (4, 8)),
        "evidence": ("float16", (4, 8)),
        "pictures": ("int32", (4,)),
        "places": ("int16", (4, 2)),
    }


def test_shards_that_are_done_stay_done(model, photos, tmp_path):
    collect(model, "high", [photos], tmp_path / "work")
    expected = by_picture(read_collection(tmp_path / "work"))
    folder = tmp_path / "work" / "shards"
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    (folder / "000001.json").unlink()  # the last that is written of a shard
    (folder / ".000001.npz.0f3a12cd.part.npz").write_bytes(b"of a process that was killed")
    told = []
    collect(model, "high", [photos], tmp_path / "work", progress=lambda *done: told.append(done))
    after = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"000001.npz", "000001.json"}
    assert after.keys() == before.keys()
    assert told == [(8, NUMBER + 1), (NUMBER + 1, NUMBER + 1)]
    for name, (activation, _) in by_picture(read_collection(tmp_path / "work")).items():
        np.testing.assert_array_equal(activation, expected[name][0])


def test_shards_of_pictures_that_changed_are_collected_anew(model, photos, tmp_path):
    collect(model, "high", [photos], tmp_path / "work")
    Image.new("RGB", (30, 30), "red").save(photos / "1.png")
    told = []
    collect(model, "high", [photos], tmp_path / "work", progress=lambda *done: told.append(done))
    assert told[0] == (8, NUMBER + 1)
    found = by_picture(read_collection(tmp_path / "work"))
    image = read_image(photos / "1.png", SHAPE)
    ((row, column),) = positions("1.png", 0, (12, 12), 1)
    expected = model.activations(image, "high")[row, column]
    np.testing.assert_allclose(found["1.png"][0], expected, rtol=1e-5, atol=1e-6)


def test_a_damaged_shard_is_named_and_made_anew(model, photos, tmp_path):
    work = tmp_path / "work"
    collect(model, "high", [photos], work)
    expected = by_picture(read_collection(work))
    shard = work / "shards" / "000001.npz"
    with np.load(shard) as arrays:
        stored = arrays["activations"].tobytes()
    content = shard.read_bytes()
    assert content.count(stored) == 1
    shard.write_bytes(content.replace(stored, stored[::-1]))  # as large as before
    with pytest.raises(CorruptFileError, match=r"000001\.npz' is damaged.*makes it anew"):
        read_collection(work)
    told = []
    collect(model, "high", [photos], work, progress=lambda *done: told.append(done))
    assert told[0] == (8, NUMBER + 1), "the others stay"
    for name, (activation, _) in by_picture(read_collection(work)).items():
        np.testing.assert_array_equal(activation, expected[name][0])


def test_pipes_among_the_pictures_are_not_waited_for(model, photos, tmp_path):
    with pipe(photos / "pipe.png"):
        made = collect(model, "high", [photos], tmp_path / "work")
    assert made.count == NUMBER


KILLED = """
import os, signal, sys
from lucidx.modelzoo.vision_base import Model
from lucidx.recipes.activation_atlas import collect, collecting
collecting.SHARD = 4
def progress(done, total):
    if done >= 8:
        os.kill(os.getpid(), signal.SIGKILL)
collect(Model.load(sys.argv[1]), "high", [sys.argv[2]], sys.argv[3], progress=progress)
"""


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_and_ends_as_if_nothing_had_been(photos, tmp_path):
    small = small_classifier.write(tmp_path / "small.pb")
    arguments = [str(path) for path in (small, photos, tmp_path / "work")]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert done.returncode == -9
    with pytest.raises(InvalidValueError, match="not whole"):
        read_collection(tmp_path / "work")
    model = Model.load(small)
    collect(model, "high", [photos], tmp_path / "work")
    collect(model, "high", [photos], tmp_path / "undisturbed")
    names = sorted(path.name for path in (tmp_path / "undisturbed" / "shards").glob("*.npz"))
    assert len(names) == 3
    for name in names:
        one, other = (np.load(tmp_path / d / "shards" / name) for d in ("work", "undisturbed"))
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"layer": "middle"}, "layer 'high'; it is 'middle'"),
        ({"per_image": 2}, "per_image 1; it is 2"),
        ({"seed": 1}, "seed 0; it is 1"),
        ({"size": (20, 20)}, "image_shape"),
        ({"images": "more"}, "pictures 12; it is 6"),
        ({"model": "other"}, "graph_sha256"),
    ],
)
def test_a_directory_of_something_else_is_refused(model, photos, tmp_path, change, says):
    collect(model, "high", [photos], tmp_path / "work")
    if "model" in change:
        change = {"model": Model.load(small_classifier.write(tmp_path / "other.pb", size=24))}
        change["model"].image_value_range = (0, 1)
    if "images" in change:
        change = {"images": [photos / change["images"]]}
    arguments = {"model": model, "layer": "high", "images": [photos], **change}
    with pytest.raises(InvalidValueError, match=says):
        collect(directory=tmp_path / "work", **arguments)


def test_a_directory_that_is_the_users_is_left_alone(model, photos, tmp_path):
    with pytest.raises(InvalidValueError, match="not empty, and not a collection"):
        collect(model, "high", [photos], photos)
    with pytest.raises(InvalidValueError, match="is a file"):
        collect(model, "high", [photos], photos / "1.png")
    assert not (photos / "shards").exists()


def test_hidden_files_of_the_user_and_of_who_lays_out_are_left_alone(model, photos, tmp_path):
    work = tmp_path / "work"
    (work / "shards").mkdir(parents=True)
    theirs = [work / ".env.local", work / ".notes.part", work / "shards" / ".keep"]
    theirs.append(work / ".layout.npz.0f3a12cd.part.npz")
    for path in theirs:
        path.write_bytes(b"mine")
    draft = work / "shards" / ".000000.npz.0f3a12cd.part.npz"
    draft.write_bytes(b"of a process that was killed")
    for _ in range(2):
        collect(model, "high", [photos], work)
    assert [path.read_bytes() for path in theirs] == [b"mine"] * 4
    assert not draft.exists()


def test_two_processes_do_not_write_to_one_directory(model, photos, tmp_path):
    (tmp_path / "work").mkdir()
    with (
        filelock.FileLock(tmp_path / "work" / ".lock"),
        pytest.raises(InvalidValueError, match="Another process"),
    ):
        collect(model, "high", [photos], tmp_path / "work")


def test_a_full_disk_is_told_of_and_what_is_done_stays(model, photos, tmp_path):
    # Once done, so that the limit is met by the shards and by nothing else.
    collect(model, "high", [photos], tmp_path / "work")
    folder = tmp_path / "work" / "shards"
    for name in ("000001.json", "000002.json"):
        (folder / name).unlink()
    with files_limited_to(500), pytest.raises(OSError, match="1 of 3 shards are done and stay"):
        collect(model, "high", [photos], tmp_path / "work")
    assert not list(folder.glob(".*"))
    assert collect(model, "high", [photos], tmp_path / "work").count == NUMBER


def test_a_disk_that_is_too_small_is_told_of_before_the_work(model, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(InvalidValueError, match=r"0\.00 GB are free"):
        collect(model, "high", [photos], tmp_path / "work")


@pytest.fixture(scope="module")
def logarithm():
    """Network of a layer that is minus infinity where a picture is black."""
    with tf.Graph().as_default() as graph:
        t = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], "images")
        tf.math.log(t, "log")
    return Model.from_graphdef(graph.as_graph_def(), "images", (0, 1), (8, 8, 3))


def test_activations_that_are_not_finite_are_skipped_and_listed(logarithm, tmp_path):
    for name in ("a black", "grey", "white"):
        Image.new("RGB", (9, 9), name.split()[-1]).save(tmp_path / f"{name}.png")
    made = collect(logarithm, "log", [tmp_path], tmp_path / "work")
    assert (made.count, made.skipped) == (2, (("a black.png", "Its activations are not finite."),))
    assert [*read_collection(tmp_path / "work").names] == ["grey.png", "white.png"]


def test_a_layer_that_is_never_finite_is_refused_before_the_work(logarithm, tmp_path):
    Image.new("RGB", (9, 9), "black").save(tmp_path / "black.png")
    with pytest.raises(InvalidValueError, match="not finite"):
        collect(logarithm, "log", [tmp_path], tmp_path / "work")


def test_bad_input_is_refused_before_the_work(model, photos, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"bad")
    cases = [
        ({"images": [tmp_path / "empty"]}, InvalidValueError, "no pictures"),
        ({"images": []}, InvalidValueError, "no pictures"),
        ({"images": [tmp_path / "none"]}, InvalidValueError, "no file or directory"),
        ({"images": [tmp_path / "bad"]}, InvalidValueError, "None of the 1 pictures can be read"),
        ({"layer": "hihg"}, UnknownLayerError, "'high'"),
        ({"per_image": 101}, InvalidValueError, "64 of them away from the border"),
        ({"engine": "dusk"}, InvalidValueError, "'dask'"),
        ({"seed": 2**32}, InvalidValueError, "seed is at most 4294967295"),
    ]
    for change, error, says in cases:
        arguments = {"model": model, "layer": "high", "images": [photos], **change}
        with pytest.raises(error, match=says):
            collect(directory=tmp_path / "work", **arguments)
        assert not list(tmp_path.glob("work/shards/*"))


def test_a_network_without_classes_has_activations_all_the_same(photos, tmp_path):
    model = make_model(channels=1)
    made = collect(model, "high", [photos], tmp_path / "work")
    assert made.count == NUMBER
    assert "no scores of classes" in made.without_evidence
    assert read_collection(tmp_path / "work").evidence is None


def test_a_damaged_collection_is_told_of(model, photos, tmp_path):
    collect(model, "high", [photos], tmp_path / "work")
    (tmp_path / "work" / "shards" / "000001.npz").write_bytes(b"PK broken")
    with pytest.raises(CorruptFileError, match="damaged"):
        read_collection(tmp_path / "work")
    collect(model, "high", [photos], tmp_path / "work")
    assert len(read_collection(tmp_path / "work")) == NUMBER
    (tmp_path / "work" / "collection.json").write_text("{")
    with pytest.raises(CorruptFileError, match="Remove the directory"):
        collect(model, "high", [photos], tmp_path / "work")
    with pytest.raises(InvalidValueError, match="not a collection"):
        read_collection(photos)


@pytest.fixture
def standing(monkeypatch):
    """Engines have one worker, this process, which lives on from run to run; the tasks it gets."""
    tasks = []

    def run(function, given, **options):
        tasks[:] = [pickle.dumps(task) for task in given]
        return map(function, map(pickle.loads, tasks))

    monkeypatch.setattr(engines, "run", run)
    return tasks


def test_workers_that_live_on_meet_each_model_anew(model, photos, tmp_path, standing):
    other = Model.load(small_classifier.write(tmp_path / "other.pb"))
    other.image_value_range = (0, 1)
    found = []
    for one in (model, other):
        for name in ("work", "alone"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        collect(one, "high", [photos], tmp_path / "work", engine="loky")
        collect(one, "high", [photos], tmp_path / "alone")
        found.append(read_collection(tmp_path / "work").activations)
        expected = read_collection(tmp_path / "alone").activations
        np.testing.assert_allclose(found[-1], expected, rtol=1e-5, atol=1e-6)
    assert not np.allclose(*found)


def test_a_worker_that_finds_another_model_says_so(model, photos, tmp_path, monkeypatch):
    def run(function, tasks, **options):
        small_classifier.write(tasks[0].model.path, size=26)
        return map(function, tasks)

    monkeypatch.setattr(engines, "run", run)
    with pytest.raises(ChangedFileError, match=r"model\.pb' is not the model"):
        collect(model, "high", [photos], tmp_path / "work", engine="loky")
    assert not list(tmp_path.glob("work/shards/*.npz"))


def test_tasks_do_not_carry_the_labels(model, photos, tmp_path, standing):
    collect(model, "high", [photos], tmp_path / "work", engine="loky")
    assert len(standing) == 3
    for task in standing:
        assert b"crane" not in task
    assert read_collection(tmp_path / "work").labels == small_classifier.LABELS


def test_a_model_of_unsafe_operations_is_allowed_to_workers_too(photos, tmp_path, standing):
    with tf.Graph().as_default() as graph:
        t = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], "images")
        tf.identity(tf.raw_ops.Print(input=t, data=[], message="", first_n=0), "seen")
    model = Model.from_graphdef(
        graph.as_graph_def(), "images", (0, 1), (8, 8, 3), allow_unsafe_ops=True
    )
    counts = [
        collect(model, "seen", [photos], tmp_path / engine, engine=engine).count
        for engine in ("sequential", "loky")
    ]
    assert counts == [NUMBER, NUMBER]


@pytest.mark.slow
def test_workers_collect_the_same(model, photos, tmp_path):
    made = collect(model, "high", [photos], tmp_path / "work")
    other = collect(model, "high", [photos], tmp_path / "loky", engine="loky", workers=2)
    assert made[1:] == other[1:]
    one, other = (by_picture(read_collection(tmp_path / name)) for name in ("work", "loky"))
    for name in one:
        np.testing.assert_allclose(one[name][0], other[name][0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(one[name][1], other[name][1], rtol=2e-3, atol=1e-4)
    assert not (tmp_path / "loky" / "model.pb").exists()
