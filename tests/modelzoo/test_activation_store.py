"""Activations of many pictures in one file."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_graphs import graph_of, images, residual_model, tf1, weights

import lucidx
from lucidx.errors import (
    CorruptFileError,
    InvalidValueError,
    MissingExtraError,
    UnknownLayerError,
)
from lucidx.modelzoo import activation_store
from lucidx.modelzoo.activation_store import collect
from lucidx.modelzoo.pictures import read_image
from lucidx.modelzoo.vision_base import Layer, Model

FORMATS = ["acts.npz", "acts.zarr"]


@pytest.fixture(scope="module")
def toy():
    return residual_model()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    directory = tmp_path_factory.mktemp("photos")
    write_photos(directory, 7)
    return directory


def write_photos(directory, count):
    for i, image in enumerate(images(count, size=10)):
        Image.fromarray((255 * image).astype(np.uint8)).save(directory / f"{i:04d}.png")


def read(path):
    """Arrays of a file, and what it says of itself."""
    if path.suffix == ".npz":
        with np.load(path) as archive:
            about = json.loads(str(archive["about"]))
            return archive["activations"], list(archive["files"]), about
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(str(path), mode="r")
    return group["activations"][:], list(group["files"][:]), dict(group.attrs)


def expected(model, layer, files, shape=(8, 8, 3)):
    return model.activations(np.stack([read_image(file, shape) for file in files]), layer)


def left(directory):
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("batch_size", [2, 7, 50])
def test_a_file_holds_the_activations_of_each_picture(toy, photos, tmp_path, name, batch_size):
    if name.endswith("zarr"):
        pytest.importorskip("zarr")
    made = collect(toy, "first_relu", [photos], tmp_path / name, batch_size=batch_size)
    acts, files, about = read(tmp_path / name)
    assert files == [str(path) for path in sorted(photos.iterdir())]
    np.testing.assert_allclose(acts, expected(toy, "first_relu", files), rtol=1e-5, atol=1e-6)
    assert made == (tmp_path / name, (7, 8, 8, 4), ())
    assert acts.shape == made.shape
    assert acts.dtype == np.float32
    assert about["model"] == "Toy"
    assert about["layer"] == "first_relu"
    assert about["image_shape"] == [8, 8, 3]
    assert about["image_value_range"] == [-1, 1]
    assert about["lucidx"] == lucidx.__version__
    assert len(about["graph_sha256"]) == 64
    assert left(tmp_path) == [name]


def test_a_zarr_says_that_it_is_complete_and_is_in_chunks(toy, photos, tmp_path, monkeypatch):
    zarr = pytest.importorskip("zarr")
    from lucidx.modelzoo import activation_files

    monkeypatch.setattr(activation_files, "CHUNK_BYTES", 3 * 8 * 8 * 4 * 4)
    collect(toy, "first_relu", [photos], tmp_path / "acts.zarr")
    group = zarr.open_group(str(tmp_path / "acts.zarr"), mode="r")
    assert group.attrs["complete"] is True
    assert group["activations"].chunks == (3, 8, 8, 4)
    np.testing.assert_allclose(
        group["activations"][:], expected(toy, "first_relu", group["files"][:]), rtol=1e-5
    )


def test_the_centre_the_size_and_the_layer_can_be_chosen(toy, photos, tmp_path):
    layer = Layer(toy, "first_relu", 4, ["conv"])
    made = collect(toy, layer, [photos], tmp_path / "a.npz", size=(6, 4), center=True)
    acts, files, about = read(made.path)
    whole = expected(toy, "first_relu", files, (6, 4, 3))
    np.testing.assert_allclose(acts, whole[:, 3, 2], rtol=1e-5, atol=1e-6)
    assert about["center"] is True
    assert about["image_shape"] == [6, 4, 3]


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_models_with_other_channels_and_proportions(tmp_path, channels):
    def network():
        x = tf1.placeholder(tf1.float32, [None, 6, 12, channels], name="input")
        tf1.nn.conv2d(x, weights(3, 3, channels, 4), 1, "SAME", name="conv")

    model = Model.from_graphdef(graph_of(network), image_value_range=(0, 1))
    arrays = np.random.default_rng(0).uniform(size=(3, 6, 12, channels)).astype(np.float32)
    for i, array in enumerate(arrays):
        np.save(tmp_path / f"{i}.npy", array)
    files = [tmp_path / f"{i}.npy" for i in range(3)]
    collect(model, "conv", files, tmp_path / "acts.npz")
    acts, *_ = read(tmp_path / "acts.npz")
    np.testing.assert_allclose(acts, model.activations(arrays, "conv"), rtol=1e-4, atol=1e-5)


def test_progress_is_reported(toy, photos, tmp_path):
    seen = []
    report = lambda *progress: seen.append(progress)
    collect(toy, "pool", [photos], tmp_path / "a.npz", batch_size=3, progress=report)
    assert seen == [(0, 7), (3, 7), (6, 7), (7, 7)]


# Pictures that cannot be read


@pytest.fixture
def with_damage(photos, tmp_path):
    directory = tmp_path / "photos"
    shutil.copytree(photos, directory)
    whole = (directory / "0003.png").read_bytes()
    (directory / "0003.png").write_bytes(whole[:100])
    return directory


def test_an_unreadable_picture_is_named_and_nothing_is_shown(toy, with_damage, tmp_path):
    with pytest.raises(CorruptFileError, match=r"0003\.png"):
        collect(toy, "pool", [with_damage], tmp_path / "a.npz", batch_size=2)
    assert not (tmp_path / "a.npz").exists()


def test_a_run_that_an_unreadable_picture_stopped_can_go_on_without_it(
    toy, with_damage, tmp_path, photos
):
    with pytest.raises(CorruptFileError):
        collect(toy, "pool", [with_damage], tmp_path / "a.npz", batch_size=2)
    seen = []
    made = collect(
        toy, "pool", [with_damage], tmp_path / "a.npz", batch_size=2, skip_unreadable=True,
        progress=lambda *progress: seen.append(progress),
    )  # fmt: skip
    assert seen[0] == (2, 7)
    assert made.shape == (6, 8)
    assert made.skipped == (str(with_damage / "0003.png"),)
    acts, files, about = read(tmp_path / "a.npz")
    assert about["skipped"] == list(made.skipped)
    assert made.skipped[0] not in files
    np.testing.assert_allclose(acts, expected(toy, "pool", files), rtol=1e-5, atol=1e-6)


def test_no_readable_picture_at_all_is_an_error_that_leaves_nothing(toy, tmp_path):
    (tmp_path / "x.png").write_bytes(b"no")
    for _ in range(2):
        with pytest.raises(InvalidValueError, match="None of the 1 pictures"):
            collect(toy, "pool", [tmp_path], tmp_path / "a.npz", skip_unreadable=True)
    assert left(tmp_path) == ["x.png"]


# Results and runs that are there already


def test_a_result_that_is_there_is_not_made_again(toy, photos, tmp_path):
    for name in FORMATS:
        if name.endswith("zarr"):
            pytest.importorskip("zarr")
        first = collect(toy, "pool", [photos], tmp_path / name)
        seen = []
        again = collect(toy, "pool", [photos], tmp_path / name, progress=seen.append)
        assert again == first
        assert not seen


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer": "scores"}, "with layer 'pool'; it is 'scores' now"),
        ({"size": (8, 9)}, r"with image_shape \[8, 8, 3\]"),
        ({"center": True, "layer": "block"}, "with layer 'pool'"),
        ({"model": residual_model(is_BGR=True)}, "with is_BGR False"),
        ({"model": residual_model(image_value_range=(0, 1))}, "with image_value_range"),
    ],
)
def test_a_result_that_was_made_otherwise_is_left_alone(toy, photos, tmp_path, changes, message):
    arguments = {"model": toy, "layer": "pool", "images": [photos], "path": tmp_path / "a.npz"}
    collect(**arguments)
    before = (tmp_path / "a.npz").read_bytes()
    with pytest.raises(InvalidValueError, match=f"already there, and was made {message}"):
        collect(**{**arguments, **changes})
    assert (tmp_path / "a.npz").read_bytes() == before
    assert left(tmp_path) == ["a.npz"]


def test_pictures_that_were_added_or_changed_are_noticed(toy, photos, tmp_path):
    directory = tmp_path / "photos"
    shutil.copytree(photos, directory)
    collect(toy, "pool", [directory], tmp_path / "a.npz")
    shutil.copy(directory / "0001.png", directory / "0002.png")
    with pytest.raises(InvalidValueError, match="before some of the pictures changed"):
        collect(toy, "pool", [directory], tmp_path / "a.npz")
    shutil.copy(directory / "0001.png", directory / "0009.png")
    with pytest.raises(InvalidValueError, match="with pictures 7; it is 8 now"):
        collect(toy, "pool", [directory], tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"PK", b"something else"])
def test_a_file_that_is_not_a_result_is_left_alone(toy, photos, tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InvalidValueError, match=r"is not a result of this\. Remove it"):
        collect(toy, "pool", [photos], tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_bytes() == content


# Stopping and going on


class Stopped(Exception):
    """Ends a run from its progress report, as Ctrl-C does."""


def stop_after(count):
    def report(done, total):
        if done >= count:
            raise Stopped

    return report


def test_a_stopped_run_goes_on_where_it_was(toy, photos, tmp_path):
    path = tmp_path / "a.npz"
    for count in (2, 5):
        with pytest.raises(Stopped):
            collect(toy, "pool", [photos], path, batch_size=1, progress=stop_after(count))
        assert left(tmp_path) == ["a.npz.partial"]
    seen = []
    collect(toy, "pool", [photos], path, batch_size=2, progress=lambda *p: seen.append(p))
    assert seen == [(5, 7), (7, 7)]
    acts, files, _ = read(path)
    np.testing.assert_allclose(acts, expected(toy, "pool", files), rtol=1e-5, atol=1e-6)
    assert left(tmp_path) == ["a.npz"]


def test_a_stopped_run_does_not_go_on_otherwise(toy, photos, tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(Stopped):
        collect(toy, "pool", [photos], path, batch_size=2, progress=stop_after(4))
    with pytest.raises(InvalidValueError, match=r"partial is of a run .* with layer 'pool'"):
        collect(toy, "scores", [photos], path)


@pytest.mark.parametrize(
    "progress", [b"", b"{}", b"[]", b'{"about": 3, "done": 1, "skipped": 0, "shape": 0}', b"\xff"]
)
def test_damaged_progress_is_refused(toy, photos, tmp_path, progress):
    path = tmp_path / "a.npz"
    with pytest.raises(Stopped):
        collect(toy, "pool", [photos], path, batch_size=2, progress=stop_after(4))
    (tmp_path / "a.npz.partial" / "progress.json").write_bytes(progress)
    with pytest.raises(CorruptFileError, match=r"partial is damaged. Remove it"):
        collect(toy, "pool", [photos], path)


def test_progress_without_its_activations_is_refused(toy, photos, tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(Stopped):
        collect(toy, "pool", [photos], path, batch_size=2, progress=stop_after(4))
    raw = tmp_path / "a.npz.partial" / "activations.raw"
    os.truncate(raw, raw.stat().st_size - 1)
    with pytest.raises(CorruptFileError, match=r"partial is damaged. Remove it"):
        collect(toy, "pool", [photos], path)


PROGRAM = """
import resource, sys, time
sys.path.insert(0, sys.argv[1])
from small_graphs import residual_model
from lucidx.modelzoo import activation_store
activation_store.CHECKPOINT_SECONDS = 0
photos, result, pause = sys.argv[2], sys.argv[3], float(sys.argv[4])
model = residual_model()
activation_store.collect(
    model, "block", [photos], result, batch_size=4, size=(64, 64),
    progress=lambda done, total: time.sleep(pause if done else 0),
)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def start(photos, result, pause=0.0):
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", PROGRAM, here, str(photos), str(result), str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_progress(result, process):
    progress = Path(f"{result}.partial") / "progress.json"
    deadline = time.monotonic() + 60
    while not progress.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert progress.exists(), process.communicate()


def test_a_killed_run_goes_on_where_it_was(toy, photos, tmp_path):
    path = tmp_path / "acts.npz"
    process = start(photos, path, pause=60)
    wait_for_progress(path, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not path.exists()
    seen = []
    collect(
        residual_model(), "block", [photos], path, size=(64, 64), batch_size=4,
        progress=lambda *progress: seen.append(progress),
    )  # fmt: skip
    assert seen == [(4, 7), (7, 7)]
    acts, files, _ = read(path)
    whole = expected(toy, "block", files, (64, 64, 3))
    np.testing.assert_allclose(acts, whole, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_a_second_process_with_the_same_output_is_refused(photos, tmp_path):
    path = tmp_path / "acts.npz"
    first = start(photos, path, pause=60)
    wait_for_progress(path, first)
    second = start(photos, path)
    _, errors = second.communicate()
    assert f"Another process is writing {path}" in errors
    first.kill()
    first.communicate()
    assert left(tmp_path) == ["acts.npz.partial"]


def test_a_second_thread_with_the_same_output_is_refused(toy, photos, tmp_path):
    running, proceed = threading.Event(), threading.Event()

    def wait(done, total):
        running.set()
        proceed.wait(60)

    path = tmp_path / "a.npz"
    thread = threading.Thread(
        target=collect, args=(toy, "pool", [photos], path), kwargs={"progress": wait}
    )
    thread.start()
    running.wait(60)
    with pytest.raises(InvalidValueError, match="Another process is writing"):
        collect(toy, "pool", [photos], path)
    proceed.set()
    thread.join()
    assert left(tmp_path) == ["a.npz"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path):
    peaks = []
    for count in (100, 1000):
        directory = tmp_path / str(count)
        directory.mkdir()
        write_photos(directory, count)
        process = start(directory, tmp_path / f"{count}.npz")
        out, errors = process.communicate()
        assert process.returncode == 0, errors
        peaks.append(int(out) / 1024)
    # The activations are 125 MiB more.
    assert peaks[1] - peaks[0] < 20


# What cannot be


def test_what_cannot_be_is_refused_before_anything_is_written(toy, photos, tmp_path):
    with pytest.raises(InvalidValueError, match=r"one of \.npz, \.zarr"):
        collect(toy, "pool", [photos], tmp_path / "a.npy")
    with pytest.raises(UnknownLayerError, match="Did you mean 'pool'"):
        collect(toy, "pol", [photos], tmp_path / "a.npz")
    with pytest.raises(InvalidValueError, match="no file or directory"):
        collect(toy, "pool", [photos, tmp_path / "gone"], tmp_path / "a.npz")
    with pytest.raises(InvalidValueError, match="batch_size is at least 1"):
        collect(toy, "pool", [photos], tmp_path / "a.npz", batch_size=0)
    with pytest.raises(InvalidValueError, match="both at least 1"):
        collect(toy, "pool", [photos], tmp_path / "a.npz", size=(0, 8))
    assert not left(tmp_path)


def test_a_layer_without_a_centre_is_refused(toy, photos, tmp_path):
    with pytest.raises(InvalidValueError, match="'pool' has no height and width"):
        collect(toy, "pool", [photos], tmp_path / "a.npz", center=True)
    assert not left(tmp_path)


def test_a_model_of_any_size_needs_one(photos, tmp_path):
    def network():
        tf1.identity(tf1.placeholder(tf1.float32, [None, None, None, 3], name="input"), "same")

    model = Model.from_graphdef(graph_of(network), image_value_range=(0, 1))
    with pytest.raises(InvalidValueError, match="images of any size: say which"):
        collect(model, "same", [photos], tmp_path / "a.npz")
    assert collect(model, "same", [photos], tmp_path / "a.npz", size=(4, 4)).shape == (7, 4, 4, 3)


def test_too_little_space_is_noticed_after_one_batch(toy, photos, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=2 * 7 * 8 * 4 - 100)
    monkeypatch.setattr(activation_store.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InvalidValueError, match=r"0\.0 GB are free"):
        collect(toy, "pool", [photos], tmp_path / "a.npz", batch_size=2)
    assert not (tmp_path / "a.npz").exists()


def test_zarr_is_an_extra(toy, photos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lucidx\[zarr\]'"):
        collect(toy, "pool", [photos], tmp_path / "a.zarr")
    assert not left(tmp_path)
