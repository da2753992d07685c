"""Atlases as tiles of maps."""

import json

import numpy as np
import pytest
from PIL import Image

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.scratch.atlas_pipeline import grid, pipeline, render_tile

# In cells 1 to 4 along each side, the last of which begin at the greatest coordinate.
LAYOUT = {"x": np.array([0.0, 0.5, 1.2, 3.0, 3.0]), "y": np.array([0.0, 0.5, 0.1, 1.5, 3.0])}
COLORS = ["red", "lime", "blue", "black", "orange"]


def parameters(directory="unused", **others):
    return {
        "directory": str(directory), "name": "a", "n_cells": [5], "n_tile": 2, "cell_size": 8,
        **others,
    }  # fmt: skip


def draw(cell, params, metadata, layout, summary):
    return Image.new("RGB", (params["cell_size"],) * 2, metadata[cell["gi"][0]])


def describe(cell, params, metadata, layout, summary):
    return {"n": np.int64(len(cell["gi"])), "of": summary["total_count"]}


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))


def test_points_are_put_into_cells_and_cells_into_tiles():
    tiles = grid.grid(None, LAYOUT, parameters(n_layer=5))
    found = {
        (ti, tj): {place: cell["gi"] for place, cell in grid.tile_cells(tile).items()}
        for ti, tj, tile in grid.enumerate_tiles(tiles)
    }
    assert found == {
        (0, 0): {(1, 1): [0, 1]},
        (1, 0): {(2, 1): [2]},
        (2, 1): {(4, 2): [3]},
        (2, 2): {(4, 4): [4]},
    }


def test_each_tile_is_a_picture_and_a_list(tmp_path):
    pipeline.run(draw, describe, parameters(tmp_path / "new"), COLORS, LAYOUT)
    names = {f"a-tile_5_2_{place}" for place in ("0_0", "1_0", "2_1", "2_2")}
    written = {path.name for path in (tmp_path / "new").iterdir()}
    assert written == {f"{name}{end}" for name in names for end in (".json", ".png")}
    described = json.loads((tmp_path / "new/a-tile_5_2_0_0.json").read_text())
    assert described == [{"aggregate": {"n": 2, "of": 5}, "i": 1, "j": 1}]
    tile = pixels(tmp_path / "new/a-tile_5_2_2_1.png")
    assert tile.shape == (16, 16, 3)
    assert (tile[:8, :8] == 0).all(), "cell (4, 2) is the first of tile (2, 1)"
    assert (tile[8:] == 255).all() and (tile[:, 8:] == 255).all()


def test_x_is_to_the_right_and_y_downwards(tmp_path):
    corners = {"x": [0.0, 1, 2], "y": [0.0, 0, 2]}
    params = parameters(tmp_path, n_cells=4, n_tile=4)
    pipeline.run(draw, describe, params, COLORS, corners)
    tile = pixels(tmp_path / "a-tile_4_4_0_0.png")
    assert tile[12, 12].tolist() == [255, 0, 0] and tile[12, 20].tolist() == [0, 255, 0]
    assert tile[28, 28].tolist() == [0, 0, 255]


def test_less_dense_cells_are_smaller_by_the_logarithm_and_in_the_middle(tmp_path):
    x = [0.0] * 16 + [1.0] * 4 + [2.0]
    params = parameters(tmp_path, n_cells=[4], n_tile=4, scale_density=True)
    pipeline.run(draw, describe, params, ["black"] * 21, {"x": x, "y": [0.0] * 20 + [1]})
    (path,) = tmp_path.glob("*.png")
    dark = pixels(path).max(-1) == 0
    sides = [dark[8 * j : 8 * j + 8, 8 * i : 8 * i + 8].sum() ** 0.5 for i, j in
             ((1, 1), (2, 1), (3, 3))]  # fmt: skip
    assert sides == [8, 4, 1]
    assert dark[8:16, 16:24].nonzero()[0].tolist() == [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4


def test_density_is_what_the_user_says_it_is(tmp_path):
    weights = np.array([1, 1, 4, 16, 16])
    density = lambda cell, metadata: int(weights[cell["gi"]].sum())
    params = parameters(tmp_path, scale_density=True, density_function=density)
    pipeline.run(draw, describe, params, ["black"] * 5, LAYOUT)
    side = lambda place: (pixels(tmp_path / f"a-tile_5_2_{place}.png").max(-1) == 0).sum() ** 0.5
    assert [side(place) for place in ("0_0", "1_0", "2_2")] == [2, 4, 8]


def test_a_filter_leaves_points_out():
    params = parameters(n_layer=5, filter=lambda i, metadata: metadata[i] != "red")
    tiles = grid.grid(COLORS, LAYOUT, params)
    assert grid.tile_cells(tiles[0][0])[1, 1]["gi"] == [1]
    with pytest.raises(InvalidValueError, match="none of the 5 points"):
        grid.grid(COLORS, LAYOUT, {**params, "filter": lambda i, metadata: False})


def test_a_grid_is_summarized():
    density = lambda cell, metadata: sum(metadata[number] for number in cell["gi"])
    params = parameters(n_layer=5, density_function=density)
    tiles = grid.grid(None, LAYOUT, params)
    assert pipeline.summarize(tiles, params, LAYOUT, [1, 2, 4, 8, 16]) == {
        "num_cells": 4, "total_count": 5, "min_density": 1, "max_density": 2,
        "x_min": 0, "x_max": 3, "x_bin": 1, "y_min": 0, "y_max": 3, "y_bin": 1,
        "user_min_density": 3, "user_max_density": 16,
    }  # fmt: skip


def test_several_grids_are_made_and_the_parameters_left_as_they_are(tmp_path):
    params = parameters(tmp_path, n_cells=[3, 9])
    before = dict(params)
    pipeline.run(draw, describe, params, COLORS, LAYOUT)
    assert params == before
    assert {path.name.split("_")[1] for path in tmp_path.iterdir()} == {"3", "9"}


def test_the_grid_itself_can_be_written(tmp_path):
    params = parameters(tmp_path, n_layer=5)
    grid.write_grid_local(grid.grid(None, LAYOUT, params), params)
    assert json.loads((tmp_path / "a-grid_5_2_0_0.json").read_text()) == [
        {"gi": [0, 1], "i": 1, "j": 1}
    ]


def test_pictures_of_another_size_are_scaled_and_transparent_ones_are_on_white():
    cells = {(0, 0): {"gi": [0], "i": 0, "j": 0}}
    clear = lambda *_: Image.new("RGBA", (3, 5), (0, 0, 0, 0))
    params = parameters(n_tile=1)
    tile = render_tile.render_tile(cells, 0, 0, clear, params, None, LAYOUT, {"max_density": 1})
    assert tile.size == (8, 8) and np.asarray(tile).min() == 255


@pytest.mark.parametrize(
    ("changes", "layout", "error", "message"),
    [
        ({"n_cells": [2]}, LAYOUT, InvalidValueError, "n_layer is at least 3, not 2"),
        ({"n_cells": ["5"]}, LAYOUT, InvalidTypeError, "whole number"),
        ({"n_tile": 0}, LAYOUT, InvalidValueError, "n_tile is at least 1"),
        ({"cell_size": 0}, LAYOUT, InvalidValueError, "cell_size is at least 1"),
        ({}, {"x": [1.0]}, InvalidTypeError, "'x' and 'y'"),
        ({}, {"x": [1.0], "y": [1.0, 2]}, InvalidValueError, r"shapes are \[1\] and \[2\]"),
        ({}, {"x": [np.nan], "y": [1.0]}, InvalidValueError, "finite"),
        ({}, np.zeros((4, 2)), InvalidTypeError, "dict"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path, changes, layout, error, message):
    with pytest.raises(error, match=message):
        pipeline.run(draw, describe, parameters(tmp_path, **changes), COLORS, layout)
    assert not list(tmp_path.glob("*.png"))


def test_missing_parameters_and_wrong_pictures_are_named(tmp_path):
    params = parameters(tmp_path)
    del params["name"], params["cell_size"]
    with pytest.raises(InvalidValueError, match="no 'name' and no 'cell_size'"):
        pipeline.run(draw, describe, params, COLORS, LAYOUT)
    with pytest.raises(InvalidValueError, match="no 'n_layer'; it has directory"):
        grid.grid(None, LAYOUT, params)
    array = lambda *_: np.zeros((8, 8, 3))
    with pytest.raises(InvalidTypeError, match=r"Pillow image of each cell.*ndarray"):
        pipeline.run(array, describe, parameters(tmp_path), COLORS, LAYOUT)
