"""Activations for atlases: where they are taken, and reading them from files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from named_pipes import pipe

from lucidx.errors import (
    CorruptFileError,
    DiagnosisWarning,
    InvalidTypeError,
    InvalidValueError,
)
from lucidx.modelzoo import activation_files
from lucidx.modelzoo.activation_files import Content
from lucidx.recipes.activation_atlas import Samples, read_samples
from lucidx.recipes.activation_atlas.samples import positions

ABOUT = {"model": "small", "layer": "high"}

few = settings(max_examples=40, deadline=None)


@few
@given(st.text(), st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 30), st.data())
def test_positions_are_different_and_away_from_the_border(name, seed, height, width, data):
    most = max(1, height - 2) * max(1, width - 2) if min(height, width) > 12 else 1
    number = data.draw(st.integers(1, min(5, most)))
    rows, columns = positions(name, seed, (height, width), number).T
    assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == number
    for places, side in ((rows, height), (columns, width)):
        border = 1 if side >= 3 else 0
        assert border <= places.min() and places.max() < side - border


def test_positions_depend_on_name_and_seed():
    first = positions("a.jpg", 0, (14, 14), 3)
    np.testing.assert_array_equal(first, positions("a.jpg", 0, (14, 14), 3))
    assert (positions("b.jpg", 0, (14, 14), 3) != first).any()
    assert (positions("a.jpg", 1, (14, 14), 3) != first).any()


def test_positions_are_anywhere_but_at_the_border():
    places = np.concatenate([positions(str(n), 0, (7, 14), 1) for n in range(600)])
    assert set(places[:, 0].tolist()) == set(range(1, 6))
    assert set(places[:, 1].tolist()) == set(range(2, 12))


def test_more_positions_than_there_are_are_refused():
    with pytest.raises(InvalidValueError, match="7x7 positions, 25 of them away"):
        positions("a.jpg", 0, (7, 7), 26)


@pytest.fixture
def maps(tmp_path):
    """Activations `[N, H, W, C]` in the files of `lucidx activations`, and what they are."""
    pytest.importorskip("zarr", reason="needs the extra zarr")
    array = np.random.default_rng(0).random((5, 6, 7, 3), np.float32)
    files = np.array([f"photo {n}.jpg" for n in range(5)])
    array.tofile(tmp_path / "raw")
    for path in (tmp_path / "acts.npz", tmp_path / "acts.zarr"):
        activation_files.writer(path)(Content(tmp_path / "raw", array.shape, files, ABOUT), path)
    return array, files


@pytest.mark.parametrize("suffix", ["npz", "zarr"])
def test_positions_of_stored_maps_are_those_of_their_pictures(maps, tmp_path, suffix):
    array, files = maps
    samples = read_samples(tmp_path / f"acts.{suffix}", per_image=2, seed=3)
    assert samples.activations.shape == (10, 3)
    assert samples.origin["layer"] == "high"
    for n in range(10):
        assert samples.picture_of(n) == files[n // 2]
        row, column = positions(files[n // 2], 3, (6, 7), 2)[n % 2]
        np.testing.assert_array_equal(samples.activations[n], array[n // 2, row, column])


def test_rows_are_taken_as_they_are_with_what_they_argue_for(tmp_path):
    rows = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "rows.npy", rows)
    np.save(tmp_path / "scores.npy", rows[:, :2])
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    samples = read_samples(
        tmp_path / "rows.npy", scores=tmp_path / "scores.npy", labels=tmp_path / "labels.txt"
    )
    np.testing.assert_array_equal(samples.activations, rows)
    np.testing.assert_array_equal(samples.evidence, rows[:, :2])
    assert samples.labels == ("cat", "dog")
    assert samples.picture_of(2) == "2"
    assert read_samples(tmp_path / "rows.npy").evidence is None


def test_an_array_in_an_npz_need_not_be_called_activations(tmp_path):
    np.savez(tmp_path / "a.npz", np.ones((4, 3)))
    assert read_samples(tmp_path / "a.npz").activations.shape == (4, 3)


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (np.ones((4, 3, 2)), InvalidValueError, r"\[4, 3, 2\]"),
        (np.full((4, 3), np.nan), InvalidValueError, "4 rows are not"),
        (np.full((4, 3), "a"), InvalidTypeError, "numbers"),
        (np.ones((0, 3)), InvalidValueError, "shape"),
    ],
)
def test_files_of_other_content_are_refused(tmp_path, content, error, says):
    np.save(tmp_path / "a.npy", content)
    with pytest.raises(error, match=says):
        read_samples(tmp_path / "a.npy")


def test_rows_that_are_not_finite_are_left_out_with_a_warning(tmp_path):
    rows = np.arange(1.0, 13).reshape(4, 3)
    scores = rows[:, :2].copy()
    rows[1, 2], scores[3, 0] = np.nan, np.inf
    np.save(tmp_path / "rows.npy", rows)
    np.save(tmp_path / "scores.npy", scores)
    with pytest.warns(DiagnosisWarning, match=r"2 of 4 activations in .*rows\.npy' are left out"):
        samples = read_samples(tmp_path / "rows.npy", scores=tmp_path / "scores.npy")
    np.testing.assert_array_equal(samples.activations, rows[[0, 2]])
    np.testing.assert_array_equal(samples.evidence, scores[[0, 2]])
    assert [samples.picture_of(n) for n in range(2)] == ["0", "2"]
    assert samples.origin["not_finite_left_out"] == 2


def test_several_positions_of_what_has_one_are_refused(tmp_path):
    np.save(tmp_path / "rows.npy", np.ones((4, 3)))
    with pytest.raises(InvalidValueError, match=r"one activation of each picture.* 3 of each"):
        read_samples(tmp_path / "rows.npy", per_image=3)


def test_labels_that_are_no_text_are_refused(tmp_path):
    np.save(tmp_path / "rows.npy", np.ones((4, 2)))
    (tmp_path / "labels.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(CorruptFileError, match=r"labels\.txt' is not text in UTF-8"):
        read_samples(
            tmp_path / "rows.npy", scores=tmp_path / "rows.npy", labels=tmp_path / "labels.txt"
        )


def test_a_damaged_part_of_a_zarr_is_told_of(maps, tmp_path):
    part = next(p for p in (tmp_path / "acts.zarr" / "activations").rglob("0*") if p.is_file())
    part.write_bytes(b"broken")
    with pytest.raises(CorruptFileError, match=r"acts\.zarr' cannot be read"):
        read_samples(tmp_path / "acts.zarr")


def test_what_is_no_file_is_not_waited_for(tmp_path):
    with pipe(tmp_path / "a.npy"), pytest.raises(InvalidValueError, match="no file"):
        read_samples(tmp_path / "a.npy")


def test_a_random_part_is_in_order_and_the_same_for_a_seed():
    samples = Samples(np.arange(1.0, 101)[:, None], evidence=np.eye(100))
    part = samples.some(30, seed=5)
    values = part.activations[:, 0]
    assert len(part) == 30 and (np.diff(values) > 0).all()
    assert [part.picture_of(n) for n in range(30)] == [str(int(v) - 1) for v in values]
    np.testing.assert_array_equal(part.evidence.argmax(1) + 1, values)
    np.testing.assert_array_equal(samples.some(30, seed=5).activations, part.activations)
    assert (samples.some(30, seed=6).activations != part.activations).any()
    assert part.origin["of"] == 100
    assert samples.some(100) is samples


def test_what_is_no_such_file_is_refused(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY broken")
    np.savez(tmp_path / "two.npz", a=np.ones((4, 3)), b=np.ones((4, 3)))
    for name, error in (("a.npy", CorruptFileError), ("two.npz", CorruptFileError)):
        with pytest.raises(error, match=name):
            read_samples(tmp_path / name)
    for name, says in (("none.npy", "no file"), ("a.csv", "does not end in one of")):
        with pytest.raises(InvalidValueError, match=says):
            read_samples(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"evidence": np.ones((3, 2))}, r"\[4, 2\]; it is \[3, 2\]"),
        ({"evidence": np.full((4, 2), np.inf)}, "4 rows are not"),
        ({"evidence": np.ones((4, 2)), "labels": ("a", "b", "c")}, r"\[4, 3\]"),
        ({"names": ("a.jpg",)}, "names for 1"),
    ],
)
def test_samples_that_do_not_fit_are_refused(change, says):
    with pytest.raises(InvalidValueError, match=says):
        Samples(np.ones((4, 3)), **change)


def test_a_class_atlas_is_of_what_argues_for_the_class():
    evidence = np.array([[3.0, 2, 1], [1, 3, 2], [-2, -1, -3], [2, 1, 3]])
    samples = Samples(np.arange(4.0)[:, None] + 1, evidence=evidence)
    for classes, rank, expected in (([0], 1, [0]), ([0], 2, [0, 3]), ([0, 1], 1, [0, 1])):
        chosen = samples.arguing_for(classes, rank)
        assert (chosen.activations[:, 0] - 1).tolist() == expected, "and what argues against none"
        assert [chosen.picture_of(n) for n in range(len(chosen))] == list(map(str, expected))
    with pytest.raises(InvalidValueError, match="None of the 1 activations argues for 'class 1'"):
        samples.take(np.array([2])).arguing_for([1])
    with pytest.raises(InvalidValueError, match="not known"):
        Samples(np.ones((4, 3))).arguing_for([0])
