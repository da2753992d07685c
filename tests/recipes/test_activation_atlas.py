import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.modelzoo import aligned_activations
from lucidx.recipes.activation_atlas import activation_atlas, aligned_activation_atlas
from lucidx.recipes.activation_atlas.main import (
    ActivationTranslation,
    _combine_activations,
    bin_laid_out_activations,
    make_canvas,
)
from lucidx.recipes.activation_atlas.render import render_icons

pytestmark = pytest.mark.filterwarnings("ignore:This map is laid out by scikit-learn's t-SNE")
few = settings(max_examples=50, deadline=None)
# On the lines between cells, on the border, and outside of it.
places = st.sampled_from([-0.5, 0.0, 0.25, 1 / 3, 0.5, 0.75, 1.0, 1.5]) | st.floats(0, 1)


@pytest.fixture(scope="module", autouse=True)
def without_umap():
    """It takes longer to be compiled than all of these tests take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "umap", None)
        yield


@pytest.fixture(scope="module")
def activations():
    rng = np.random.default_rng(0)
    images = np.kron(rng.random((6, 6, 6, 3)), np.ones((1, 4, 4, 1))).astype(np.float32)
    return make_model().activations(images, "high").reshape(-1, 12)[:400]


class Layer:
    def __init__(self, activations):
        self.activations = activations


# Cells


@few
@given(arrays(np.float64, st.tuples(st.integers(1, 50), st.just(2)), elements=places), st.data())
def test_every_point_is_in_exactly_one_cell(layout, data):
    grid_size = data.draw(st.integers(1, 7))
    # Each activation is marked by a channel of its own.
    means, coordinates, counts = bin_laid_out_activations(
        layout, np.eye(len(layout)), grid_size, threshold=0
    )
    assert sum(counts) == len(layout)
    assert len(set(coordinates)) == len(coordinates)
    assert all(0 <= x < grid_size and 0 <= y < grid_size for x, y in coordinates)
    np.testing.assert_allclose(sum(m * n for m, n in zip(means, counts, strict=True)), 1)


def test_a_cell_is_where_its_points_are_and_a_line_belongs_to_the_later_one():
    layout = np.array([[0.1, 0.6], [0.2, 0.9], [0.5, 0.5], [1, 1], [0.9, 0]])
    means, coordinates, counts = bin_laid_out_activations(
        layout, np.array([[2.0], [4], [6], [8], [10]]), 2, threshold=0
    )
    assert coordinates == [(1, 0), (0, 1), (1, 1)]
    assert [mean.tolist() for mean in means] == [[10], [3], [7]]
    assert counts == [1, 2, 2]


def test_a_cell_needs_more_points_than_the_threshold():
    layout = np.repeat([[0.1, 0.1], [0.9, 0.9]], [5, 6], axis=0)
    _, coordinates, counts = bin_laid_out_activations(layout, np.ones((11, 3)), 2, threshold=5)
    assert (coordinates, counts) == ([(1, 1)], [6])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"threshold": 10}, "fullest has 10"),
        ({"grid_size": 0}, "grid_size"),
        ({"activations": np.ones((9, 3))}, "10 points for 9"),
        ({"activations": np.full((10, 3), np.nan)}, "10 rows are not"),
        ({"layout": np.full((10, 2), np.nan)}, "10 rows are not"),
        ({"layout": np.zeros((10, 3))}, r"\[N, 2\]"),
    ],
)
def test_what_cannot_be_binned_is_refused(change, says):
    arguments = {"layout": np.zeros((10, 2)), "activations": np.ones((10, 3)), "grid_size": 2}
    with pytest.raises(InvalidValueError, match=says):
        bin_laid_out_activations(**{**arguments, **change})


def test_the_canvas_has_icons_at_row_and_column_and_is_white_elsewhere():
    icons = [np.full((2, 3, 1), value) for value in (0.25, 0.5)]
    canvas = make_canvas(icons, [(0, 1), (2, 0)], 3)
    assert canvas.shape == (6, 9, 1)
    assert canvas[:2, 3:6].max() == 0.25
    assert canvas[4:, :3].max() == 0.5
    assert (canvas == 1).sum() == 7 * 6


@pytest.mark.parametrize("coordinates", [[(0, 0)], [(0, 0), (0, 2)], [(0, 0), (-1, 0)]])
def test_icons_without_a_cell_are_refused(coordinates):
    with pytest.raises(InvalidValueError, match="oordinates"):
        make_canvas(np.zeros((2, 4, 4, 3)), coordinates, 2)


# Icons


def draw(*args, **kwargs):
    return render_icons(*args, **{"size": 20, "n_steps": 2, "num_attempts": 1, **kwargs})


def test_there_is_an_icon_and_an_objective_for_each_direction(tiny):
    icons, losses = draw(np.eye(3, 12), tiny, tiny.get_layer("high"))
    assert [icon.shape for icon in icons] == [(20, 20, 3)] * 3
    assert [type(loss) for loss in losses] == [float] * 3
    assert 0 <= np.min(icons) < np.max(icons) <= 1


def test_icons_show_their_direction(tiny):
    icons, _ = draw(np.eye(12)[:4], tiny, "signed", n_steps=40)
    centre = tiny.activations(np.stack(icons), "signed")[:, 4:7, 4:7].mean((1, 2))
    cosines = centre[:, :4] / np.linalg.norm(centre, axis=1, keepdims=True)
    assert cosines.argmax(0).tolist() == [0, 1, 2, 3]


def test_an_icon_depends_on_its_direction_only(tiny):
    directions = np.random.default_rng(0).random((3, 12))
    together, _ = draw(directions, tiny, "high")
    alone, _ = draw(directions[2:] * 7, tiny, "high")
    np.testing.assert_allclose(together[2], alone[0], atol=1e-3)


@pytest.mark.slow
def test_the_best_of_several_attempts_is_taken(tiny):
    single = [draw(np.eye(2, 12), tiny, "signed", seed=seed) for seed in (0, 1)]
    icons, losses = draw(np.eye(2, 12), tiny, "signed", num_attempts=2)
    for k in range(2):
        best = max(single, key=lambda attempt: attempt[1][k])
        np.testing.assert_array_equal(icons[k], best[0][k])
        assert losses[k] == best[1][k]


def test_S_turns_the_directions(tiny):
    turned, _ = draw(np.eye(1, 12), tiny, "high", S=3 * np.roll(np.eye(12), 1, axis=1))
    expected, _ = draw(np.roll(np.eye(1, 12), 1, axis=1), tiny, "high")
    np.testing.assert_allclose(turned, expected, atol=1e-5)


@pytest.mark.slow
def test_alpha_gives_icons_before_black(tiny):
    icons, _ = draw(np.eye(2, 12), tiny, "high", alpha=True)
    assert np.shape(icons) == (2, 20, 20, 3)
    assert np.mean(icons) < np.mean(draw(np.eye(2, 12), tiny, "high")[0])


@pytest.mark.slow
def test_cossim_matters(tiny):
    pure, strong = (draw(np.ones((1, 12)), tiny, "high", cossim=c)[0][0] for c in (True, False))
    assert np.abs(pure - strong).max() > 1e-3


@pytest.mark.parametrize("model", [make_model(channels=1), make_model(24, 24, 5, flat=True)])
def test_icons_of_any_model(model):
    layer = "scores" if model.image_shape[-1] == 5 else "high"
    depth = 5 if layer == "scores" else 12
    icons, _ = draw(np.eye(2, depth), model, layer, n_steps=1)
    assert np.shape(icons) == (2, 20, 20, model.image_shape[-1])


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"layer": "hihg"}, UnknownLayerError, "high"),
        ({"directions": np.ones((2, 5))}, InvalidValueError, "12 channels"),
        ({"directions": np.zeros((2, 12))}, InvalidValueError, "nowhere"),
        ({"S": np.eye(5)}, InvalidValueError, r"\[12, 12\]"),
        ({"S": np.zeros((12, 12))}, InvalidValueError, "nowhere"),
        ({"num_attempts": 0}, InvalidValueError, "num_attempts"),
        ({"n_steps": 0}, InvalidValueError, "n_steps"),
        ({"size": 1.5}, InvalidTypeError, "size"),
        ({"model": make_model(channels=1), "alpha": True}, InvalidValueError, "3 channels"),
    ],
)
def test_icons_that_cannot_be_drawn_are_refused(tiny, change, error, says):
    with pytest.raises(error, match=says):
        draw(**{"directions": np.eye(2, 12), "model": tiny, "layer": "high", **change})


# Atlases


def atlas(model, activations, **kwargs):
    options = {"grid_size": 2, "icon_size": 16, "n_steps": 1, "activations": activations}
    return activation_atlas(model, "high", **{**options, **kwargs})


@pytest.fixture(scope="module")
def canvas(tiny, activations):
    return atlas(tiny, activations)


def test_an_atlas_is_one_picture_of_icons(canvas):
    assert canvas.shape == (32, 32, 3)
    cells = canvas.reshape(2, 16, 2, 16, 3).swapaxes(1, 2)
    white = (cells == 1).all((2, 3, 4))
    assert 0 < (~white).sum() <= 4
    assert cells[~white].std((1, 2, 3)).min() > 0


@pytest.mark.slow
def test_icons_drawn_at_once_make_no_difference(tiny, activations, canvas):
    np.testing.assert_allclose(atlas(tiny, activations, icon_batch_size=2), canvas, atol=1e-3)


def test_the_first_activations_are_used(tiny, activations, canvas):
    more = np.concatenate([activations, activations[:50]])
    some = atlas(tiny, more, number_activations=len(activations))
    np.testing.assert_array_equal(some, canvas)


def test_lucids_recorded_activations_are_the_default(
    tiny, activations, canvas, tmp_path, monkeypatch
):
    size, pages = len(activations) // 4, 4
    monkeypatch.setattr(aligned_activations, "PATH_TEMPLATE", f"{tmp_path}/{{}}-{{}}-{{}}.npy")
    monkeypatch.setattr(aligned_activations, "PAGE_SIZE", size)
    monkeypatch.setattr(aligned_activations, "NUMBER_OF_PAGES", pages)
    monkeypatch.setattr(aligned_activations, "NUMBER_OF_AVAILABLE_SAMPLES", size * pages)
    for page in range(pages):
        np.save(tmp_path / f"Tiny-high-{page}.npy", activations[page * size : (page + 1) * size])
    np.testing.assert_array_equal(atlas(tiny, None), canvas)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"activations": np.ones((30, 5))}, "12 channels"),
        ({"activations": np.full((30, 12), np.nan)}, "30 rows are not"),
        ({"activations": np.ones((2, 4, 4, 12))}, "reshape"),
        ({"grid_size": 40}, "smaller grid"),
        ({"icon_batch_size": 0}, "icon_batch_size"),
    ],
)
def test_an_atlas_that_cannot_be_is_refused(tiny, activations, change, says):
    with pytest.raises(InvalidValueError, match=says):
        atlas(tiny, **{"activations": activations[:40], **change})


@pytest.mark.slow
def test_aligned_atlases_grow_and_can_be_advanced_in_turn(tiny, activations):
    one, other = aligned_activation_atlas(
        tiny, "high", tiny, "low", 2, 16, 1, icon_batch_size=2, threshold=5,
        activations1=activations, activations2=activations[:, :8] + activations[:, 4:],
    )  # fmt: skip
    in_turn = list(itertools.zip_longest(one, other))
    assert len(in_turn) == 2
    for first, last in zip(*in_turn, strict=True):
        assert first.shape == (32, 32, 3)
        assert (first == 1).sum() > (last == 1).sum()
    one, other = in_turn[-1]
    assert np.abs(one - other).max() > 0.01


def test_both_maps_of_aligned_atlases_agree(activations):
    # A layer that says the same in other words.
    turned = activations @ np.linalg.qr(np.random.default_rng(0).normal(size=(12, 12)))[0]
    one, other = _combine_activations(Layer(activations), Layer(turned))
    np.testing.assert_allclose(one, other, atol=1e-3)
    one, other = _combine_activations(
        Layer(activations), Layer(turned), mode=ActivationTranslation.ONE_TO_TWO
    )
    np.testing.assert_allclose(one, other, atol=1e-3)
    assert other.shape == (len(activations), 12)


def test_other_activations_can_be_combined_by_what_is_known_of_layers(activations):
    layers = Layer(activations), Layer(activations[:, :5])
    one, other = _combine_activations(
        *layers, activations1=activations[:7], activations2=activations[:9, :5],
        number_activations=8,
    )  # fmt: skip
    assert (one.shape, other.shape) == ((7, 17), (8, 17))
    np.testing.assert_array_equal(one[:, :12], activations[:7])
    np.testing.assert_allclose(one[:, 12:], activations[:7, :5], atol=1e-3)


@pytest.mark.slow
def test_neighbours_in_an_atlas_look_alike(efficientnet):
    rng = np.random.default_rng(0)
    photos = np.kron(rng.random((8, 14, 14, 3)), np.ones((1, 16, 16, 1))).astype(np.float32)
    layer = "block3b/output"
    activations = efficientnet.activations(photos, layer).reshape(-1, 40)[::3]
    canvas = activation_atlas(
        efficientnet, layer, 5, 48, activations=activations, threshold=3, n_steps=64
    )
    cells = canvas.reshape(5, 48, 5, 48, 3).swapaxes(1, 2)
    drawn = ~(cells == 1).all((2, 3, 4))
    directions = {
        (r, c): efficientnet.activations(cells[r, c], layer)[2:4, 2:4].mean((0, 1))
        for r, c in np.argwhere(drawn)
    }
    alike = {True: [], False: []}
    for (a, one), (b, other) in itertools.combinations(directions.items(), 2):
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        alike[np.abs(np.subtract(a, b)).sum() == 1].append(cosine)
    assert np.mean(alike[True]) > np.mean(alike[False])
