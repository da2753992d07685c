"""A whole atlas in tiles, for a viewer of maps ("Activation Atlas", Carter et al., Distill 2019).

    layout = {"x": positions[:, 0], "y": positions[:, 1]}
    params = {"directory": "atlas", "name": "mixed4c", "n_cells": [10, 40], "n_tile": 10,
              "cell_size": 64}
    pipeline.run(draw, describe, params, metadata, layout)

`draw(cell, params, metadata, layout, summary)` is a Pillow image of a cell, whose points have the
numbers `cell["gi"]`; `describe`, of the same, what is to be known of it.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from lucidx.errors import InvalidValueError
from lucidx.misc.io import save
from lucidx.scratch.atlas_pipeline.grid import (
    Layout,
    Params,
    Tiles,
    coordinates,
    edges,
    enumerate_tiles,
    grid,
    tile_cells,
    tile_name,
)
from lucidx.scratch.atlas_pipeline.render_tile import CellFunction, aggregate_tile, render_tile

log = logging.getLogger(__name__)

_NEEDED = ("directory", "name", "n_cells", "n_tile", "cell_size")


def run(
    render: CellFunction, aggregate: CellFunction, params: Params, metadata: Any, layout: Layout
) -> None:
    """Write the tiles of an atlas, for grids of one size or several.

    For each tile that has points, `<directory>/<name>-tile_<n_layer>_<n_tile>_<ti>_<tj>` as .png,
    a picture, and as .json, a list of "aggregate", "i" and "j" for each of its cells.

    Parameters
    ----------
    render, aggregate : see `render_tile.render_tile` and `render_tile.aggregate_tile`.
    params : "directory" and "name"; "n_cells", the sizes of the grids; "n_tile", cells along each
        side of a tile; "cell_size", pixels along each side of a cell; and, where wanted, "filter"
        (see `grid.grid`), "density_function", "scale_density" and "scale_type" (see
        `render_tile.render_tile`). The functions get it with the size of the grid as "n_layer".
    metadata : what is known of the points, for the functions.
    layout : "x" and "y", where they are.

    Raises
    ------
    InvalidValueError, InvalidTypeError : something is missing, or cannot work.
    OSError : a file cannot be written.
    """
    missing = [name for name in _NEEDED if name not in params]
    if missing:
        raise InvalidValueError(f"params has no {' and no '.join(map(repr, missing))}.")
    for n_layer in np.atleast_1d(params["n_cells"]).tolist():
        of_grid = {**params, "n_layer": n_layer}
        tiles = grid(metadata, layout, of_grid)
        summary = summarize(tiles, of_grid, layout, metadata)
        log.info("%d x %d grid: %d cells have points.", n_layer, n_layer, summary["num_cells"])
        for ti, tj, tile in enumerate_tiles(tiles):
            about = (of_grid, metadata, layout, summary)
            cells = tile_cells(tile)
            path = tile_name(of_grid, ti, tj)
            save(aggregate_tile(cells, ti, tj, aggregate, *about), f"{path}.json")
            save(render_tile(cells, ti, tj, render, *about), f"{path}.png")


def summarize(tiles: Tiles, params: Params, layout: Layout, metadata: Any) -> dict[str, Any]:
    """What there is to say of a grid as a whole.

    Parameters
    ----------
    tiles : as `grid.grid` gives them.
    params : "n_layer", and "density_function" if there is one.
    layout, metadata : where the points are, and what.

    Returns
    -------
    "x_min", "x_max", "y_min" and "y_max" of the layout; "x_bin" and "y_bin", the sides of a cell;
    "num_cells" that have points, "total_count" of points in them, "min_density" and "max_density",
    the least and the most in one. With a "density_function" also "user_min_density" and
    "user_max_density", of what that says.
    """
    cells = [cell for *_, tile in enumerate_tiles(tiles) for cell in tile_cells(tile).values()]
    counts = [len(cell["gi"]) for cell in cells]
    summary = {
        "num_cells": len(cells),
        "total_count": sum(counts),
        "min_density": min(counts),
        "max_density": max(counts),
    }
    for axis, values in zip("xy", coordinates(layout), strict=True):
        begin, then, *_ = edges(values, params["n_layer"]).tolist()
        summary |= {f"{axis}_min": float(values.min()), f"{axis}_max": float(values.max())}
        summary[f"{axis}_bin"] = then - begin
    if by_user := params.get("density_function"):
        densities = [by_user(cell, metadata) for cell in cells]
        summary |= {"user_min_density": min(densities), "user_max_density": max(densities)}
    return summary
