"""Sweeps of a basis: named directions in a layer."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from small_classifier import write

import lucidx
from lucidx import basis
from lucidx.errors import (
    ChangedFileError,
    InvalidTypeError,
    InvalidValueError,
    UnknownLayerError,
)
from lucidx.optvis import objectives, param, transform
from lucidx.optvis.render import render_vis
from lucidx.sweep import drawing, plan, sweep

SETTINGS = {"size": 16, "steps": 20, "batch": 2, "engine": "sequential"}
HOSTILE = ['=cmd|"calc",1', "<script>alert(1)</script>", "two\nlines", "", "ordinary"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return lucidx.load(write(str(tmp_path_factory.mktemp("model") / "small.pb")))


@pytest.fixture(scope="module")
def members():
    """Five mixtures of the eight channels, of quite different lengths."""
    rng = np.random.default_rng(0)
    lengths = np.array([[1], [100], [0.01], [3], [1e-30]])
    return basis.directions("high", rng.uniform(size=(5, 8)) * lengths, HOSTILE)


@pytest.fixture(scope="module")
def finished(model, members, tmp_path_factory):
    """A sweep that nothing has disturbed; not to be changed."""
    return sweep(model, tmp_path_factory.mktemp("finished") / "sweep", basis=members, **SETTINGS)


def contents(out):
    """All files that depend on the plan only."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in files
        if "done" not in path.parts and path.name != ".lock"
    }


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_each_member_has_a_picture_and_its_name_in_the_index(finished, members):
    assert len(finished.pictures) == 5 and not finished.failed
    with open(finished.path / "index.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [*members.names]
    assert [(row["layer"], int(row["channel"])) for row in rows] == [("high", k) for k in range(5)]
    for row in rows:
        assert pixels(finished.path / row["file"]).shape == (16, 16, 3)


def test_directions_can_be_read_without_lucidx(finished, members):
    with np.load(finished.path / "directions.npz") as arrays:
        np.testing.assert_array_equal(arrays["directions"], members.directions)
        assert tuple(arrays["names"]) == members.names


def test_the_objective_is_the_mean_dot_product_with_the_direction(finished, model, members):
    for k, picture in enumerate(finished.pictures):
        acts = model.activations(pixels(finished.path / picture.file)[None], "high")
        direction = members.directions[k].astype(float)
        mean = (acts @ (direction / np.linalg.norm(direction))).mean()
        assert picture.objective == pytest.approx(mean, rel=1e-4)


def test_pictures_are_as_pure_as_those_of_render_vis(model, members, tmp_path):
    settings = {**SETTINGS, "steps": 60, "batch": 3}
    some = members[:3]
    swept = sweep(model, tmp_path / "sweep", basis=some, **settings)
    ours, theirs = [], []
    for picture, row in zip(swept.pictures, some.directions.astype(float), strict=True):
        direction = row / np.linalg.norm(row)
        usual = render_vis(
            model,
            objectives.direction("high", direction.astype(np.float32), cossim_pow=2),
            lambda: param.image(16),
            transforms=[*transform.standard_transforms, transform.crop_or_pad_to(16, 16)],
            thresholds=(59,),
            verbose=False,
            seed=1,
        )[-1]
        images = (pixels(swept.path / picture.file)[None] / np.float32(255), usual)
        for image, found in zip(images, (ours, theirs), strict=True):
            acts = model.activations(image, "high").reshape(-1, 8)
            dots = acts @ direction
            cosines = dots / (1e-4 + np.linalg.norm(acts, axis=-1))
            found.append((dots * np.maximum(0.1, cosines) ** 2).mean())
    assert np.mean(ours) > 0.9 * np.mean(theirs)


def test_a_picture_does_not_depend_on_its_company_place_or_length(
    finished, model, members, tmp_path
):
    some = basis.directions("high", 4 * members.directions[[3, 1]])
    swept = sweep(model, tmp_path / "sweep", basis=some, **SETTINGS)
    for picture, k in zip(swept.pictures, (3, 1), strict=True):
        alone, among = pixels(swept.path / picture.file), finished.pictures[k].file
        np.testing.assert_array_equal(alone, pixels(finished.path / among))


@pytest.mark.slow
def test_on_a_real_network_a_picture_is_the_same_in_every_bit_in_any_batch(efficientnet, tmp_path):
    rng = np.random.default_rng(0)
    some = basis.directions("block5c/output", rng.normal(size=(6, 112)))
    digests = []
    for batch in (1, 4, 6):
        settings = {**SETTINGS, "size": 48, "batch": batch}
        swept = sweep(efficientnet, tmp_path / str(batch), basis=some, **settings)
        digests.append([picture.sha256 for picture in swept.pictures])
    assert digests[0] == digests[1] == digests[2]


def test_a_basis_of_channels_is_drawn_as_these_channels(model, tmp_path):
    chosen = basis.channels(model, "high", [5, 2])
    swept = sweep(model, tmp_path / "basis", basis=chosen, **SETTINGS)
    same = sweep(model, tmp_path / "same", layers="high", channels=[5, 2], **SETTINGS)
    assert [picture._asdict() for picture in swept.pictures] == [
        picture._asdict() for picture in same.pictures
    ]
    assert (swept.path / "index.csv").read_bytes() == (same.path / "index.csv").read_bytes()
    assert not (swept.path / "directions.npz").exists()


def test_a_member_along_a_channel_is_drawn_as_it_in_any_company_and_length(model, tmp_path):
    rows = np.eye(8)[[5, 2, 5]] * [[1], [2], [0.1]]
    mixed = basis.directions("high", np.concatenate([rows, np.ones([1, 8])]))
    swept = sweep(model, tmp_path / "mixed", basis=mixed, **SETTINGS)
    same = sweep(model, tmp_path / "same", layers="high", channels=[5, 2], **SETTINGS)
    for picture, k in zip(swept.pictures[:3], (0, 1, 0), strict=True):
        assert picture.sha256 == same.pictures[k].sha256


def test_what_a_kill_leaves_becomes_what_an_undisturbed_run_makes(
    finished, model, members, tmp_path
):
    out = tmp_path / "sweep"
    out.mkdir()
    (out / "sweep.json").write_bytes((finished.path / "sweep.json").read_bytes())
    (out / "directions.npz").write_bytes(b"damaged")
    (out / ".directions.npz.0f3a12cd.part.npz").write_bytes(b"of a process that was killed")
    sweep(model, out, basis=members, **SETTINGS)
    assert contents(out) == contents(finished.path)


def test_another_basis_is_refused(finished, model, members):
    before = contents(finished.path)
    others = (
        {"basis": basis.directions("high", 2 * members.directions, members.names)},
        {"basis": basis.directions("high", members.directions)},
        {"basis": members[:3]},
        {"layers": "high"},
    )
    for other in others:
        with pytest.raises(InvalidValueError, match="is a sweep with basis"):
            sweep(model, finished.path, **other, **SETTINGS)
    assert contents(finished.path) == before


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"basis": np.ones([3, 8])}, InvalidTypeError, r"basis\.directions"),
        ({"basis": basis.directions("high", np.ones([3, 9]))}, InvalidValueError, "8 channels"),
        ({"basis": basis.directions("hihg", np.ones([3, 8]))}, UnknownLayerError, "'high'"),
        ({"layers": "low"}, InvalidValueError, "Leave out layers and channels"),
        ({"channels": [0, 1]}, InvalidValueError, r"basis\[\[3, 1\]\] selects members"),
        ({"images": "."}, InvalidValueError, "Pictures are for channels such as 'top:8'"),
    ],
)
def test_impossible_requests_are_refused_and_leave_nothing(
    wrong, error, says, model, members, tmp_path
):
    with pytest.raises(error, match=says):
        sweep(model, tmp_path / "sweep", **{"basis": members, **wrong}, **SETTINGS)
    assert not list(tmp_path.iterdir())


def test_a_worker_that_finds_other_directions_draws_nothing(finished, model):
    batch = drawing.Batch("high-0000", "high", "high", 16, 16, (0, 1), 2)
    digest = drawing.picture_cache.model_digest(model)
    job = drawing.Job(finished.path, model, digest, 1, 0, directions="0" * 64)
    with pytest.raises(ChangedFileError, match="other directions"):
        drawing.draw_batch(job, batch)


def test_a_dictionary_of_thousands_needs_no_larger_plan(model):
    rng = np.random.default_rng(0)
    many = basis.directions("high", rng.normal(size=(20_000, 8)))
    settings = plan.settings_of(model, ["high"], "all", many, None, 16, 1, 0, 1000)
    text = plan.make(model, settings).to_json()
    assert len(json.loads(text)["batches"]) == 20
    assert len(text) < 1_000_000 and "direction 7" not in text


def test_names_are_text_of_the_page(finished):
    page = (finished.path / "index.html").read_text("utf-8")
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") == 3  # to be searched, seen, and read aloud
    assert "What directions in" in page and "directions.npz" in page and "mean dot product" in page


def test_members_are_found_by_their_names(browser, finished):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((finished.path / "index.html").as_uri())
    shown = page.locator("li:visible .number")
    assert shown.count() == 5
    page.get_by_label("Name").fill("ORDIN")
    assert shown.all_text_contents() == ["ordinary"]
    page.get_by_label("Name").fill("nothing like it")
    assert page.get_by_text("Nothing of that name.").is_visible()
    page.close()
