"""Atlases: cells that hold every activation once, drawn by icons, with what they argue for."""

import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiny_network import make_model

from lucidx import picture_cache
from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.icons import QUALITIES, Quality
from lucidx.recipes.activation_atlas import Atlas, Samples, build, building, picture_of
from lucidx.recipes.activation_atlas.building import Level
from lucidx.recipes.activation_atlas.grid import Cells, cells_of, chosen_grids, filled, icon_sides
from lucidx.recipes.activation_atlas.whitening import wanted, whitening

few = settings(max_examples=40, deadline=None)
places = st.sampled_from([-0.5, 0.0, 0.25, 1 / 3, 0.5, 0.75, 1.0, 1.5]) | st.floats(0, 1)
layouts = arrays(np.float64, st.tuples(st.integers(1, 50), st.just(2)), elements=places)
LABELS = ("cat", "dog", "cat", "hen")


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch):
    """Icons that are drawn in a moment and kept apart from the user's, and no UMAP."""
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(QUALITIES, "quick", Quality(1, 0.1))
    monkeypatch.setitem(sys.modules, "umap", None)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This map is laid out by scikit-learn's t-SNE")
        yield


@pytest.fixture(scope="module")
def samples():
    """Activations around four directions, each of which argues for a class of its own."""
    rng = np.random.default_rng(0)
    group = np.arange(120) % 4
    acts = np.eye(4, 12)[group] * rng.uniform(1, 9, (120, 1)) + 0.05 * rng.random((120, 12))
    names = tuple(f"{LABELS[k]} {n}.jpg" for n, k in enumerate(group))
    return Samples(acts.astype(np.float32), names, evidence=np.eye(4)[group], labels=LABELS)


def atlas_of(model, samples, **options):
    return build(
        model, "high", samples, **{"grids": (2, 4), "icon_size": 12, "quality": "quick", **options}
    )


@pytest.fixture(scope="module")
def atlas(samples, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LUCIDX_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setitem(QUALITIES, "quick", Quality(1, 0.1))
        patch.setitem(sys.modules, "umap", None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return atlas_of(make_model(), samples)


# Cells


@few
@given(layouts, st.integers(1, 7))
def test_every_point_is_in_exactly_one_cell_of_each_grid(layout, size):
    cells = list(cells_of(layout, size))
    members = np.concatenate([cell.members for cell in cells])
    assert sorted(members.tolist()) == list(range(len(layout)))
    assert all(0 <= cell.column < size and 0 <= cell.row < size for cell in cells)
    corner = next(cell for cell in cells_of(np.array([[1.0, 1.0]]), size))
    assert (corner.column, corner.row) == (size - 1, size - 1)


@few
@given(layouts.filter(lambda layout: len(layout) > 1), st.integers(1, 5))
def test_cells_have_the_means_of_their_activations_and_evidence(layout, size):
    number = len(layout)
    cells = filled(Samples(np.eye(number), evidence=np.eye(number)), layout, size, 0)
    assert cells.counts.sum() == number
    np.testing.assert_allclose((cells.means * cells.counts[:, None]).sum(0), 1)
    np.testing.assert_allclose(cells.evidence, cells.means, rtol=1e-6)


def test_typical_pictures_of_a_cell_are_most_like_its_mean():
    acts = np.array([[1.0, 0], [2, 0.1], [3, 0.2], [9, -5], [9, 5], [9, 5], [9, -5]])
    samples = Samples(acts, ("a", "b", "c", "d"), np.array([0, 0, 1, 2, 2, 3, 3]))
    (names,) = filled(samples, np.zeros((7, 2)), 1, 0).examples
    assert names == ("a", "b", "d", "c") or names[:2] == ("a", "b")
    assert len(set(names)) == len(names)


def test_icons_are_larger_for_more_activations():
    sides = icon_sides(np.array([1, 10, 100]))
    assert 0 < sides[0] < sides[1] < sides[2] == 1
    assert icon_sides(np.array([3])) == 1
    assert icon_sides(np.array([1, 1])).min() > 0


def test_grids_are_those_that_there_are_enough_activations_for():
    assert chosen_grids(None, 100_000) == (5, 10, 20)
    assert chosen_grids(None, 450) == (5, 10)
    assert chosen_grids(None, 20) == (2,)
    assert chosen_grids((20, 10, 20), 400) == (10, 20)
    with pytest.raises(InvalidValueError, match=r"400 cells, and there are 399.*could fill is 19"):
        chosen_grids((10, 20), 399)
    for wrong in ((), (0,)):
        with pytest.raises(InvalidValueError):
            chosen_grids(wrong, 100)


# Whitening


def test_whitening_undoes_what_activations_have_in_common():
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(20_000, 6)) @ rng.normal(size=(6, 6))
    moments = mixed.T @ mixed / len(mixed)
    np.testing.assert_allclose(whitening(mixed) @ moments, np.eye(6), atol=0.05)


def test_whitening_of_few_activations_stays_in_bounds():
    rng = np.random.default_rng(0)
    few_rows = np.maximum(rng.normal(size=(40, 30)), 0)
    few_rows[:, 7] = 0  # a channel that is always off
    turn = whitening(few_rows)
    assert np.isfinite(turn).all()
    least, most = np.linalg.eigvalsh(turn)[[0, -1]]
    assert least > 0 and most / least < 100


def test_whitening_takes_as_many_activations_as_channels():
    with pytest.raises(InvalidValueError, match=r"at least 30 activations.*there are 29"):
        whitening(np.ones((29, 30)))
    with pytest.raises(InvalidValueError, match="zero"):
        whitening(np.zeros((40, 30)))
    assert [wanted(None, n, 30) for n in (299, 300)] == [False, True]
    assert wanted(True, 30, 30) and not wanted(False, 9999, 30)


# Atlases


def test_an_atlas_has_levels_of_icons(atlas, samples):
    assert [level.cells.size for level in atlas.levels] == [2, 4]
    for cells, icons in atlas.levels:
        assert icons.shape == (len(cells.counts), 12, 12, 3)
        assert icons.dtype == np.uint8 and icons.std((1, 2, 3)).min() > 0
        assert cells.counts.sum() <= len(samples) and cells.counts.min() > 1
    assert atlas.labels == LABELS
    assert atlas.settings["layout"].startswith("t-SNE")
    assert atlas.level(2) is atlas.levels[0] and atlas.level() is atlas.levels[1]
    with pytest.raises(InvalidValueError, match="there are 2, 4"):
        atlas.level(3)


def test_cells_argue_for_what_their_activations_do(atlas):
    cells = atlas.levels[-1].cells
    for evidence, names in zip(cells.evidence, cells.examples, strict=True):
        if evidence.max() > 0.9:
            assert {name.split()[0] for name in names} == {LABELS[evidence.argmax()]}
    assert (cells.evidence.max(1) > 0.9).mean() > 0.5


def test_icons_and_layout_are_drawn_once(samples, tmp_path, monkeypatch):
    model, work = make_model(), tmp_path / "work"
    work.mkdir()
    draft = work / ".layout.npz.0f3a12cd.part.npz"
    draft.write_bytes(b"of a process that was killed")
    told = []
    first = atlas_of(model, samples, directory=work, progress=lambda *now: told.append(now))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert (told[0], told[-1]) == ((0, "layout"), (1, "done"))
    assert not draft.exists()
    kept = {path: path.stat().st_ino for path in tmp_path.rglob("*") if path.is_file()}

    def never(*args, **kwargs):
        raise AssertionError("laid out again")

    monkeypatch.setattr(building, "aligned_umap", never)
    again = atlas_of(model, samples, directory=work)
    for one, other in zip(first.levels, again.levels, strict=True):
        np.testing.assert_array_equal(one.icons, other.icons)
    assert {path: path.stat().st_ino for path in tmp_path.rglob("*") if path.is_file()} == kept
    with pytest.raises(AssertionError, match="laid out again"):
        atlas_of(model, samples.take(np.arange(100)), directory=work)
    for damaged in (b"PK broken", b""):
        (work / "layout.npz").write_bytes(damaged)
        with pytest.raises(AssertionError, match="laid out again"):
            atlas_of(model, samples, directory=work)


def test_whitened_atlases_look_different(samples):
    plain, other = (atlas_of(make_model(), samples, grids=(2,), whiten=w) for w in (False, True))
    assert not plain.settings["whitened"] and other.settings["whitened"]
    np.testing.assert_array_equal(plain.levels[0].cells.means, other.levels[0].cells.means)
    assert (plain.levels[0].icons != other.levels[0].icons).any()


def test_activations_that_are_zero_have_no_place(samples):
    acts = np.concatenate([samples.activations, np.zeros((30, 12), np.float32)])
    atlas = atlas_of(make_model(), Samples(acts), grids=(2,), threshold=0)
    assert atlas.levels[0].cells.counts.sum() == len(samples)
    assert atlas.settings["zero_activations_left_out"] == 30
    assert (atlas.labels, atlas.levels[0].cells.evidence) == ((), None)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"samples": Samples(np.ones((9, 8)))}, InvalidValueError, r"Layers of 8 channels: .*low"),
        ({"samples": Samples(np.zeros((9, 12)))}, InvalidValueError, "that are not zero"),
        ({"samples": Samples(np.ones((3, 12)))}, InvalidValueError, "at least 4 activations"),
        ({"layer": "hihg"}, UnknownLayerError, "'high'"),
        ({"grids": (4, 12)}, InvalidValueError, "12x12 grid has 144 cells"),
        ({"grids": (1.5,)}, InvalidTypeError, "whole number"),
        ({"quality": "fats"}, InvalidValueError, "'fast'"),
        ({"icon_size": 2}, InvalidValueError, "icon_size"),
        ({"seed": -1}, InvalidValueError, "seed"),
        ({"seed": 2**33}, InvalidValueError, "seed is at most 4294967295"),
        ({"threshold": -1}, InvalidValueError, "threshold"),
    ],
)
def test_bad_input_is_refused_before_the_layout(samples, monkeypatch, change, error, says):
    monkeypatch.setattr(building, "aligned_umap", lambda *a, **k: pytest.fail("laid out"))
    arguments = {"model": make_model(), "layer": "high", "samples": samples, **change}
    with pytest.raises(error, match=says):
        build(**arguments)


def test_any_seed_up_to_the_largest_does(samples):
    atlas = atlas_of(make_model(), samples, grids=(2,), seed=2**32 - 1)
    assert atlas.settings["seed"] == 2**32 - 1


@pytest.mark.parametrize(
    ("origin", "says"),
    [
        ({"layer": "low"}, "layer 'low' of .* is to be of layer 'high'"),
        ({"model": "other", "graph_sha256": "0123456789"}, r"'high' of other \(sha256 01234567\)"),
    ],
)
def test_activations_of_another_layer_or_model_are_refused(samples, origin, says):
    model = make_model()
    known = {
        "model": model.name,
        "layer": "high",
        "graph_sha256": picture_cache.model_digest(model),
    }
    assert atlas_of(model, replace(samples, origin=known), grids=(2,)).layer == "high"
    with pytest.raises(InvalidValueError, match=says):
        atlas_of(model, replace(samples, origin=known | origin))


def test_a_threshold_that_no_cell_reaches_is_refused(samples):
    with pytest.raises(InvalidValueError, match="more than 119 of the 120"):
        atlas_of(make_model(), samples, grids=(4,), threshold=119)


@pytest.mark.slow
def test_an_atlas_by_umap(samples, monkeypatch):
    monkeypatch.delitem(sys.modules, "umap")
    pytest.importorskip("umap", reason="needs the extra atlas")
    atlas = atlas_of(make_model(), samples)
    assert atlas.settings["layout"].startswith("UMAP")
    assert (atlas.levels[-1].cells.evidence.max(1) > 0.9).mean() > 0.9


# Pictures


def by_hand(sizes=(2, 4), icon=20, labels=LABELS):
    """An atlas without a model: each cell of a colour, each arguing for a class of its own."""
    rng = np.random.default_rng(0)
    levels = []
    for size in sizes:
        rows, columns = np.divmod(np.arange(1, size**2), size)
        number = len(rows)
        cells = Cells(
            size, columns, rows, 10 ** (np.arange(number) % 3), np.ones((number, 3)),
            2 * np.eye(len(labels) or 1, dtype=np.float32)[np.arange(number) % (len(labels) or 1)]
            - np.float32(0.5),
            [(f"{k}.jpg", "<b>.jpg") for k in range(number)],
        )  # fmt: skip
        if not labels:
            cells = cells._replace(evidence=None)
        colors = rng.integers(0, 200, (number, 1, 1, 3), np.uint8)
        levels.append(Level(cells, np.broadcast_to(colors, (number, icon, icon, 3)).copy()))
    settings = {
        "activations": 1234, "zero_activations_left_out": 5, "grids": list(sizes), "threshold": 1,
        "layout": "hand", "icon_steps": 64, "whitened": False, "collected": {"scores": "logits"},
    }  # fmt: skip
    return Atlas("by <b>hand</b>", "layer", tuple(levels), labels, settings)


def cells_in(picture, size, icon=20):
    """The cells of a picture, `[size, size, icon, icon, 3]`."""
    return picture[: size * icon].reshape(size, icon, size, icon, 3).swapaxes(1, 2)


def test_a_picture_has_icons_in_their_cells_and_is_white_elsewhere():
    atlas = by_hand()
    picture = picture_of(atlas)
    assert picture.shape == (80, 80, 3) and picture.dtype == np.float32
    white = (cells_in(picture, 4) == 1).all((2, 3, 4))
    assert np.argwhere(white).tolist() == [[0, 0]]
    middle = cells_in(picture, 4)[1, 2, 10, 10]
    np.testing.assert_allclose(middle, atlas.levels[1].icons[5, 0, 0] / 255, atol=1e-6)
    assert picture_of(atlas, 2).shape == (40, 40, 3)


def test_icons_in_a_picture_are_larger_for_more_activations():
    cells = cells_in(picture_of(by_hand()), 4)
    filled_parts = [(cells[0, column] < 1).any(-1).mean() for column in (1, 2, 3)]
    assert filled_parts[0] < filled_parts[1] < filled_parts[2] < 1


def test_where_a_class_is_argued_for_is_teal_and_where_against_orange():
    atlas, dog = by_hand(icon=50), [1, 5, 9, 13]
    for classes, teal in (([0], dog), ([0, 1], dog), ([1, 0], [2, 6, 10, 14])):
        picture = picture_of(atlas, classes=classes)
        assert picture.shape[0] > 200, "what colours mean is below"
        red, green, _ = cells_in(picture, 4, 50)[:, :, 0, 0].reshape(16, 3).T
        assert np.flatnonzero(green > red).tolist() == teal
    assert np.flatnonzero(red > green).tolist() == dog


def test_a_difference_leaves_out_what_both_are_argued_for_alike():
    picture = picture_of(by_hand(), classes=["dog", 0])
    faded = cells_in(picture, 4)[0, 3]  # argues for neither
    assert faded.min() > 0.8
    assert cells_in(picture, 4)[0, 2].min() < 0.8


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        ([9], "9"),
        (["dgo"], "'dog'"),
        (["cat"], r"0, 2"),
        ([0, 1, 3], "one class or two"),
    ],
)
def test_impossible_classes_are_refused(classes, says):
    with pytest.raises(InvalidValueError, match=says):
        picture_of(by_hand(), classes=classes)
    with pytest.raises(InvalidValueError, match="not known"):
        picture_of(by_hand(labels=()), classes=[0])
