"""Activations of several layers for the same examples, read from pages."""

import gc
import weakref

import numpy as np
import pytest

from lucidx.errors import CorruptFileError, DownloadError, InvalidValueError, UnsafeFileError
from lucidx.modelzoo import aligned_activations
from lucidx.modelzoo.aligned_activations import (
    get_aligned_activations,
    layer_covariance,
    layer_inverse_covariance,
    push_activations,
)
from lucidx.modelzoo.vision_base import Layer, Model

PAGES, ROWS = aligned_activations.NUMBER_OF_PAGES, aligned_activations.PAGE_SIZE


class Toy(Model):
    model_name = "Toy"


def layer(name="mixed/4a", depth=3):
    return Layer(Toy(), name, depth, ["conv"])


class Known:
    """A layer whose activations are known."""

    def __init__(self, activations):
        self.activations = np.asarray(activations)


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """Directory in Lucid's layout, with one layer's activations."""
    template = str(tmp_path / "{}" / "{}-{:05d}-of-01000.npy")
    monkeypatch.setattr(aligned_activations, "PATH_TEMPLATE", template)
    (tmp_path / "Toy").mkdir()
    whole = np.random.default_rng(0).normal(size=(PAGES * ROWS, 3)).astype(np.float32)
    for page, rows in enumerate(np.split(whole, PAGES)):
        np.save(tmp_path / "Toy" / f"mixed_4a-{page:05d}-of-01000.npy", rows)
    return tmp_path / "Toy", whole


# Pages


def test_pages_are_joined_in_their_order(pages):
    _, whole = pages
    activations = get_aligned_activations(layer())
    assert activations.shape == (aligned_activations.NUMBER_OF_AVAILABLE_SAMPLES, 3)
    assert activations.dtype == np.float32
    np.testing.assert_array_equal(activations, whole)


def test_lucids_pages_are_where_lucid_has_them():
    address = aligned_activations.PATH_TEMPLATE.format("InceptionV1", "mixed4a", 7)
    assert address == "gs://modelzoo/aligned-activations/InceptionV1/mixed4a-00007-of-01000.npy"
    assert (PAGES, ROWS) == (10, 10_000)


def test_without_a_network_it_is_said_where_to_put_a_page(tmp_path, monkeypatch):
    monkeypatch.setenv("LUCIDX_OFFLINE", "1")
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path))
    with pytest.raises(DownloadError) as caught:
        get_aligned_activations(layer())
    address = "modelzoo/aligned-activations/Toy/mixed_4a-00000-of-01000.npy"
    assert f"https://storage.googleapis.com/{address}" in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_activations_are_shared_while_they_are_held_and_then_forgotten(pages):
    directory, _ = pages
    held = get_aligned_activations(layer())
    assert get_aligned_activations(layer()) is held
    with pytest.raises(ValueError, match="read-only"):
        held[0] = 0
    gone = weakref.ref(held)
    del held
    gc.collect()
    assert gone() is None
    for file in directory.iterdir():
        file.unlink()
    with pytest.raises(FileNotFoundError):
        get_aligned_activations(layer())


PAGE = np.zeros((ROWS, 3), np.float32)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (PAGE[:-1], r"floats \(10000, 3\); it is float32 \(9999, 3\)"),
        (np.zeros((ROWS, 4), np.float32), r"it is float32 \(10000, 4\)"),
        (PAGE.astype(int), "it is int64"),
        (np.where(np.arange(ROWS)[:, None] == 7, np.nan, PAGE), "infinite or not numbers"),
        (np.where(np.arange(ROWS)[:, None] == 7, np.inf, PAGE), "infinite or not numbers"),
    ],
)
def test_a_page_that_is_not_one_is_refused(pages, page, message):
    directory, _ = pages
    np.save(directory / "mixed_4a-00003-of-01000.npy", page)
    with pytest.raises(CorruptFileError, match=f"mixed_4a-00003.*{message}"):
        get_aligned_activations(layer())


def test_a_truncated_page_is_refused(pages):
    path = pages[0] / "mixed_4a-00003-of-01000.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptFileError, match="mixed_4a-00003"):
        get_aligned_activations(layer())


def test_a_page_that_would_run_code_is_refused(pages):
    np.save(pages[0] / "mixed_4a-00003-of-01000.npy", np.array([print, {}], object))
    with pytest.raises(UnsafeFileError, match="mixed_4a-00003"):
        get_aligned_activations(layer())


def test_an_archive_is_not_a_page(pages):
    with open(pages[0] / "mixed_4a-00003-of-01000.npy", "wb") as file:
        np.savez(file, PAGE)
    with pytest.raises(CorruptFileError, match="no single array"):
        get_aligned_activations(layer())


# Second moments


def some(rows=2000, channels=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, channels)) @ rng.normal(size=(channels, channels)) + 1


def test_the_covariance_is_the_uncentred_second_moment():
    one, two = some(), some(channels=3, seed=1)
    np.testing.assert_allclose(layer_covariance(Known(one)), one.T @ one / len(one))
    np.testing.assert_allclose(layer_covariance(Known(one), Known(two)), one.T @ two / len(one))


def test_sums_over_many_rows_keep_their_digits():
    halves = np.full((30_001, 2), 0.1, np.float16)
    value = np.float64(np.float16(0.1)) ** 2
    np.testing.assert_allclose(layer_covariance(Known(halves)), np.full((2, 2), value), rtol=1e-12)


def test_the_inverse_is_the_inverse():
    known = Known(some())
    product = layer_covariance(known) @ layer_inverse_covariance(known)
    np.testing.assert_allclose(product, np.eye(4), atol=1e-9)


def test_a_channel_that_is_always_off_is_left_out_of_the_inverse():
    acts = some()
    with_dead = np.insert(acts, 2, 0, axis=1)
    inverse = layer_inverse_covariance(Known(with_dead))
    np.testing.assert_allclose(inverse[2], 0, atol=1e-12)
    np.testing.assert_allclose(inverse[:, 2], 0, atol=1e-12)
    alive = np.delete(np.delete(inverse, 2, 0), 2, 1)
    np.testing.assert_allclose(alive, np.linalg.inv(acts.T @ acts / len(acts)), rtol=1e-6)


def test_activations_are_pushed_by_least_squares():
    acts = some()
    forward = np.random.default_rng(2).normal(size=(4, 3))
    one, two = Known(acts), Known(acts @ forward)
    np.testing.assert_allclose(push_activations(acts[:5], one, two), acts[:5] @ forward, atol=1e-9)
    grid = acts[:6].reshape(2, 3, 4)
    np.testing.assert_allclose(push_activations(grid, one, two), grid @ forward, atol=1e-9)
    np.testing.assert_allclose(push_activations(acts[0], one, one), acts[0], atol=1e-9)


def test_a_matrix_is_computed_once_and_does_not_keep_the_activations():
    known = Known(some())
    assert layer_covariance(known) is layer_covariance(known)
    assert layer_inverse_covariance(known) is layer_inverse_covariance(known)
    gone = weakref.ref(known.activations)
    del known
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (some(10), some(11)),
        (some(0), some(0)),
        (np.zeros((2, 3, 4)), np.zeros((2, 3))),
        (np.zeros(3), np.zeros(3)),
    ],
)
def test_layers_that_are_not_aligned_are_refused(one, two):
    with pytest.raises(InvalidValueError, match="same N for all layers"):
        layer_covariance(Known(one), Known(two))


@pytest.mark.parametrize("activations", [np.ones((2, 3)), np.ones(5), 1.0])
def test_activations_of_another_layer_are_not_pushed(activations):
    known = Known(some())
    with pytest.raises(InvalidValueError, match="The layer has 4 channels"):
        push_activations(activations, known, known)
