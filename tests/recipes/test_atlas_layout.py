import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lucidx.errors import InvalidTypeError, InvalidValueError, MissingExtraError
from lucidx.recipes.activation_atlas.layout import aligned_umap, normalize_layout

few = settings(max_examples=40, deadline=None)
layouts = arrays(
    np.float64, st.tuples(st.integers(1, 60), st.just(2)), elements=st.floats(-1e6, 1e6, width=32)
)


def clusters(each=40, seed=0):
    """Activations around three directions, of any length."""
    rng = np.random.default_rng(seed)
    means = np.eye(3, 8).repeat(each, 0)
    lengths = rng.uniform(1, 100, (len(means), 1))
    return (lengths * (means + 0.05 * rng.random((len(means), 8)))).astype(np.float32)


@pytest.fixture
def without_umap(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This map is laid out by scikit-learn's t-SNE")
        yield


@few
@given(layouts, st.booleans())
def test_a_layout_fills_the_unit_square(layout, symmetric):
    out = normalize_layout(layout, symmetric=symmetric)
    for axis in (0, 1):
        if np.ptp(out[:, axis]):
            assert (out[:, axis].min(), out[:, axis].max()) == (0, 1)
        else:
            assert set(out[:, axis]) == {0.5}


@few
@given(layouts)
def test_margins_are_symmetric_when_asked_for(layout):
    mirrored = normalize_layout(-layout, symmetric=True)
    np.testing.assert_allclose(mirrored, 1 - normalize_layout(layout, symmetric=True), atol=1e-6)


def test_lucids_upper_margin_is_a_hundredth_wider():
    inside = np.linspace(0, 1, 1001)
    layout = np.stack([np.concatenate([[-9], inside, [9]])] * 2, 1)
    for symmetric, upper in ((True, 0.1), (False, 0.11)):
        out = normalize_layout(layout, 0, 100, 0, symmetric=symmetric)
        np.testing.assert_allclose(out[:, 0] * 18 - 9, layout[:, 0])
        out = normalize_layout(layout, 1, 99, 0.1, symmetric=symmetric)[1:-1, 0]
        low, high = np.percentile(layout[:, 0], [1, 99])
        unit = np.diff(out)[500] / np.diff(inside)[500]
        np.testing.assert_allclose(1 / unit, (1.1 + upper) * (high - low))


def test_outliers_end_at_the_border():
    layout = np.random.default_rng(0).normal(size=(1000, 2))
    layout[7] = [1e6, -1e6]
    out = normalize_layout(layout)
    assert out[7].tolist() == [1, 0]
    assert out.std(0).min() > 0.1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"layout": [[0, np.nan]]}, "not"),
        ({"layout": np.zeros((0, 2))}, "shape"),
        ({"min_percentile": 99, "max_percentile": 1}, "lower one first"),
        ({"relative_margin": -1}, "at least 0"),
    ],
)
def test_impossible_layouts_are_refused(change, says):
    with pytest.raises(InvalidValueError, match=says):
        normalize_layout(**{"layout": np.zeros((3, 2)), **change})


def nearest_are_of_the_same_cluster(layout, each):
    distances = np.linalg.norm(layout[:, None] - layout[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    return (distances.argmin(1) // each == np.arange(len(layout)) // each).mean()


@pytest.mark.usefixtures("without_umap")
def test_without_umap_directions_that_are_alike_are_neighbours():
    layout = aligned_umap(clusters())
    assert layout.shape == (120, 2)
    assert layout.min() == 0
    assert layout.max() == 1
    assert nearest_are_of_the_same_cluster(layout, 40) > 0.95


@pytest.mark.usefixtures("without_umap")
def test_without_umap_activations_beyond_the_first_thousands_go_to_their_likes(monkeypatch):
    monkeypatch.setattr("lucidx.recipes.activation_atlas.layout._PLACED_BY_TSNE", 60)
    layout = aligned_umap(clusters(each=100))
    assert nearest_are_of_the_same_cluster(layout, 100) > 0.95


@pytest.mark.usefixtures("without_umap")
def test_arrays_are_laid_out_together_and_given_back_apart():
    one, other = clusters(20), clusters(10, seed=1)
    layouts = aligned_umap([one, other], normalize=False)
    assert [layout.shape for layout in layouts] == [(60, 2), (30, 2)]
    together = aligned_umap(np.concatenate([one, other]), normalize=False)
    np.testing.assert_array_equal(np.concatenate(layouts), together)


@pytest.mark.usefixtures("without_umap")
def test_the_same_seed_gives_the_same_map():
    first, again, other = (aligned_umap(clusters(10), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == other.shape


def test_the_map_says_when_it_is_not_umaps(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.warns(UserWarning, match=r"t-SNE.*lucidx\[atlas\]"):
        aligned_umap(clusters(2))
    with pytest.raises(MissingExtraError, match=r"lucidx\[atlas\]"):
        aligned_umap(clusters(2), {"n_neighbors": 5})


@pytest.mark.parametrize(
    ("activations", "error", "says"),
    [
        (np.full((9, 3), np.inf), InvalidValueError, "9 rows are not"),
        (np.ones((3, 5)), InvalidValueError, "at least 4"),
        (np.ones((9, 1)), InvalidValueError, "at least 2 channels"),
        (np.ones((2, 4, 4, 5)), InvalidValueError, "reshape"),
        ([np.ones((9, 3)), np.ones((9, 4))], InvalidValueError, r"\[3, 4\]"),
        ([], InvalidValueError, "one depth"),
        (np.full((9, 3), "a"), InvalidTypeError, "numbers"),
    ],
)
def test_what_makes_no_map_is_refused(activations, error, says):
    with pytest.raises(error, match=says):
        aligned_umap(activations)


@pytest.mark.slow
def test_umap_lays_out_with_the_settings_of_the_article():
    pytest.importorskip("umap", reason="needs the extra atlas")
    layout = aligned_umap(clusters(60))
    assert layout.min() == 0
    assert layout.max() == 1
    assert nearest_are_of_the_same_cluster(layout, 60) > 0.95
    np.testing.assert_array_equal(layout, aligned_umap(clusters(60)))
    tighter = aligned_umap(clusters(60), {"n_neighbors": 5})
    assert np.abs(tighter - layout).max() > 0.01
    one, other = aligned_umap([clusters(20), clusters(10)])
    assert (one.shape, other.shape) == ((60, 2), (30, 2))
