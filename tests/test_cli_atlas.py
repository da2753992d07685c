"""`lucidx atlas`: a map of what a layer can see, from pictures or stored activations."""

import json
import re
import sys
import warnings

import numpy as np
import pytest
import small_classifier
from click.testing import CliRunner
from command import lucidx, refused
from PIL import Image
from sklearn.datasets import load_sample_images

from lucidx.cli import main
from lucidx.icons import QUALITIES, Quality

PHOTOS = load_sample_images()
SMALL = ["--icon-size", "12", "--grid", "2"]


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    """A folder of parts of photos, and something else."""
    folder = tmp_path_factory.mktemp("crops")
    rng = np.random.default_rng(0)
    for n in range(40):
        photo = PHOTOS.images[n % 2]
        y, x = (rng.integers(0, side - 60) for side in photo.shape[:2])
        Image.fromarray(photo[y : y + 60, x : x + 40 + n]).save(folder / f"{n:02}.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the command on a small classifier, in a directory of its own, with quick icons."""
    small = small_classifier.write(tmp_path / "small.pb")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(QUALITIES, "fast", Quality(1, 0.1))
    monkeypatch.setitem(sys.modules, "umap", None)  # it takes long to be compiled

    def run(*arguments):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            return CliRunner().invoke(main, ["atlas", *SMALL, str(small), *map(str, arguments)])

    return run


def data_of(path):
    """What a page shows."""
    return json.loads(re.search(r'id="data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL)[1])


def test_a_page_and_a_picture_are_made_of_pictures(run, crops, tmp_path):
    done = run("high", crops, "-o", "a.html", "-o", "a.png")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-2:] == ["a.html", "a.png"]
    assert "Skipped: broken.jpg" in done.stderr
    assert "laid out by scikit-learn's t-SNE; for UMAP: pip install 'lucidx[atlas]'" in done.stderr
    data = data_of(tmp_path / "a.html")
    assert [grid["size"] for grid in data["grids"]] == [2]
    assert {c["label"] for c in data["classes"]} <= set(small_classifier.LABELS)
    assert Image.open(tmp_path / "a.png").size == (24, 24)
    settings = json.loads(data["settings"])
    assert settings["activations"] + settings["zero_activations_left_out"] == 40
    assert (tmp_path / "a.work" / "collection.json").exists()


def test_the_next_run_goes_on_with_what_is_there(run, crops, tmp_path):
    assert run("high", crops).exit_code == 0
    files = [path for path in tmp_path.glob("atlas.work/**/[!.]*") if path.is_file()]
    assert {file.name for file in files} == {
        "collection.json", "000000.json", "000000.npz", "layout.npz"
    }  # fmt: skip
    kept = {file: file.stat().st_ino for file in files}
    done = run("high", crops, "-o", "other.png", "--work", "atlas.work", "--classes", "cat,3")
    assert done.exit_code == 0, done.output
    assert {p: p.stat().st_ino for p in kept} == kept
    again = run("high", "--activations", "atlas.work", "-o", "again.png", "--classes", "cat,3")
    assert again.exit_code == 0, again.output
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "other.png").read_bytes()
    assert Image.open(tmp_path / "other.png").size[1] > 24, "with what colours mean"


def test_a_directory_of_another_layer_is_refused(run, crops):
    assert run("high", crops).exit_code == 0
    done = run("middle", crops)
    assert done.exit_code == 2
    assert "collected with layer 'high'; it is 'middle' now" in done.stderr


def test_a_page_is_made_of_what_lucidx_activations_wrote(run, crops, tmp_path):
    small = tmp_path / "small.pb"
    made = CliRunner().invoke(
        main, ["activations", str(small), "high", str(crops), "-o", "acts.npz", "--skip-unreadable"]
    )
    assert made.exit_code == 0, made.output
    done = run("high", "--activations", "acts.npz", "--per-image", "2")
    assert done.exit_code == 0, done.output
    data = data_of(tmp_path / "atlas.html")
    assert data["classes"] == []
    settings = json.loads(data["settings"])
    assert settings["activations"] + settings["zero_activations_left_out"] == 80


def test_stored_scores_have_labels_of_their_own(run, tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "acts.npy", rng.random((60, 8), np.float32))
    np.save(tmp_path / "scores.npy", rng.normal(size=(60, 3)))
    (tmp_path / "labels.txt").write_text("sun\nmoon\nstars, all\n")
    stored = ["--activations", "acts.npy", "--scores", "scores.npy", "--labels", "labels.txt"]
    done = run("high", *stored, "--classes", "moon,0")
    assert done.exit_code == 0, done.output
    data = data_of(tmp_path / "atlas.html")
    labels = [c["label"] for c in data["classes"]]
    assert [labels[k] for k in data["chosen"]] == ["moon", "sun"]
    done = run("high", *stored, "--only", "sun", "-o", "sun.html")
    assert done.exit_code == 0, done.output
    settings = json.loads(data_of(tmp_path / "sun.html")["settings"])
    assert 0 < settings["activations"] < 60, "those that argue against it are not on the map"
    assert "Did you mean 'moon'" in run("high", *stored, "--classes", "mon").stderr


def test_a_random_part_of_many_is_mapped(run, crops, tmp_path):
    assert run("high", crops, "--take", "20").exit_code == 0
    settings = json.loads(data_of(tmp_path / "atlas.html")["settings"])
    assert settings["activations"] + settings["zero_activations_left_out"] == 20
    assert settings["collected"]["of"] == 40
    plan = json.loads((tmp_path / "atlas.work" / "collection.json").read_text())
    assert plan["pictures"] == 41, "all are collected"
    done = run("high", crops, "--take", "3")
    assert done.exit_code == 2 and "there are 3" in done.stderr


def test_a_map_of_another_layer_than_was_collected_is_refused(run, crops, tmp_path):
    assert run("high", crops).exit_code == 0
    (tmp_path / "atlas.html").unlink()
    made = ["activations", "small.pb", "high", str(crops), "-o", "a.npz", "--skip-unreadable"]
    assert CliRunner().invoke(main, made).exit_code == 0
    for stored in ("atlas.work", "a.npz"):
        done = run("middle", "--activations", stored)
        assert done.exit_code == 2
        assert "are of layer 'high' of small" in done.stderr and "'middle'" in done.stderr
    assert not (tmp_path / "atlas.html").exists()


@pytest.mark.parametrize("option", ["--size", "--workers", "--per-image", "--engine", "--scores"])
def test_options_that_would_change_nothing_are_refused(run, tmp_path, option):
    np.save(tmp_path / "acts.npy", np.ones((9, 8)))
    (tmp_path / "a.work").mkdir()
    value = {"--engine": "loky", "--scores": "acts.npy"}.get(option, "1")
    done = run("high", "--activations", "a.work", option, value)
    assert done.exit_code == 2
    assert f"{option} would change nothing with the directory of an atlas" in done.stderr
    if option not in ("--per-image", "--scores"):
        done = run("high", "--activations", "acts.npy", option, value)
        assert f"{option} would change nothing with --activations" in done.stderr


def test_rows_that_are_not_finite_are_left_out_and_counted(run, tmp_path):
    rows = np.random.default_rng(0).random((40, 8), np.float32)
    rows[3] = np.nan
    np.save(tmp_path / "acts.npy", rows)
    done = run("high", "--activations", "acts.npy")
    assert done.exit_code == 0, done.output
    assert "Warning: 1 of 40 activations in 'acts.npy' are left out" in done.stderr


def test_a_layout_that_is_damaged_is_made_anew(run, crops, tmp_path):
    assert run("high", crops).exit_code == 0
    layout = tmp_path / "atlas.work" / "layout.npz"
    layout.write_bytes(b"")
    assert run("high", crops).exit_code == 0
    assert layout.stat().st_size


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["high"], "Name pictures, or --activations"),
        (["high", "{crops}", "--activations", "{crops}"], "one of the two"),
        (["high", "{crops}", "--scores", "small.pb"], "--scores goes with --activations"),
        (["high", "nowhere"], "'nowhere' does not exist"),
        (["high", "{crops}", "-o", "a.txt"], "does not end in one of .html"),
        (["hihg", "{crops}"], "'high'"),
        (["high", "empty"], "no pictures"),
        (["high", "small.pb", "--per-image", "4"], "None of the 1 pictures can be read"),
        (["high", "{crops}/00.png"], "at least 4 activations"),
        (["high", "{crops}", "--grid", "7"], "7x7 grid has 49 cells"),
        (["high", "{crops}", "--grid", "2x"], "whole numbers, such as 10,20"),
        (["high", "{crops}", "--whiten", "--per-image", "70"], "64 of them away from the border"),
        (
            ["high", "{crops}/00.png", "{crops}/01.png", "--per-image", "3", "--whiten"],
            "at least 8",
        ),
        (["high", "{crops}", "--classes", "crane"], "2 classes of small are called 'crane'"),
        (["high", "{crops}", "--classes", "cat,dog,hen"], "one class or two, not 3"),
        (["scores", "{crops}", "--classes", "cat"], "no scores of classes that depend on 'scores'"),
        (["high", "--activations", "bad.npy"], "cannot be read"),
        (["high", "--activations", "nan.npy"], "9 rows are not"),
        (["high", "--activations", "deep.npy"], "has 8 channels, and the activations 9"),
        (["high", "{crops}", "--work", "{crops}"], "not empty, and not a collection"),
        (["high", "{crops}", "--address", "tcp://x"], "An address is for Dask and Ray"),
    ],
)
def test_bad_input_is_refused_in_one_line(run, crops, tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.npy").write_bytes(b"bad")
    np.save(tmp_path / "nan.npy", np.full((9, 8), np.nan))
    np.save(tmp_path / "deep.npy", np.ones((9, 9)))
    done = run(*(argument.format(crops=crops) for argument in arguments))
    assert done.exit_code == 2, done.output
    assert message in done.stderr.splitlines()[-1]
    assert not (tmp_path / "atlas.html").exists()


def test_an_unknown_model_is_told_of_with_those_there_are(tmp_path, crops):
    said = refused("atlas", "EfficientNetLite1", "head", crops, cwd=tmp_path)
    assert "Did you mean 'EfficientNetLite0'" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_atlas_of_a_real_network_by_umap(crops, tmp_path):
    pytest.importorskip("umap", reason="needs the extra atlas")
    done = lucidx(
        "atlas", "EfficientNetLite0", "block5c/output", crops, "--grid", "2,3", "--per-image", "4",
        "-o", "atlas.html", "-o", "atlas.png", cwd=tmp_path, LUCIDX_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "t-SNE" not in done.stderr and "UserWarning" not in done.stderr
    data = data_of(tmp_path / "atlas.html")
    assert "UMAP" in data["settings"]
    assert Image.open(tmp_path / "atlas.png").size == (240, 240)
