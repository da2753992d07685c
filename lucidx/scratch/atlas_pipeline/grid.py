"""Points of a layout in the cells of a grid, and the cells in tiles."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

import numpy as np

from lucidx.arguments import whole
from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.io import save

Params = Mapping[str, Any]
Layout = Mapping[str, Any]


class Cell(TypedDict):
    """A cell that has points in it.

    Attributes
    ----------
    gi : numbers of its points.
    i, j : where it is, from 1: along x and along y.
    """

    gi: list[int]
    i: int
    j: int


Cells = dict[tuple[int, int], Cell]
Tile = dict[int, dict[int, Cell]]
Tiles = dict[int, dict[int, Tile]]


def grid(metadata: Any, layout: Layout, params: Params) -> Tiles:
    """Put points into cells, and cells into tiles.

    Cell 1 begins at the least coordinate, and the greatest one is alone in cell `n_layer - 1`. Tile
    k has the cells from `k * n_tile` on.

    Parameters
    ----------
    metadata : what is known of the points; only passed on.
    layout : "x" and "y", their coordinates `[N]`.
    params : "n_layer", cells along each side, at least 3; "n_tile", of these along each side of a
        tile; and "filter", if there is one: a function from the number of a point, and `metadata`
        by its name, to whether it counts.

    Returns
    -------
    `tiles[ti][tj][i][j]`, the cells that have points; tiles and cells are counted along x first.

    Raises
    ------
    InvalidValueError, InvalidTypeError : a parameter or the layout cannot work, or no point counts.
    """
    n_layer = whole("n_layer", _needed(params, "n_layer"), 3)
    n_tile = whole("n_tile", _needed(params, "n_tile"))
    x, y = coordinates(layout)
    columns, rows = (np.digitize(each, edges(each, n_layer)).tolist() for each in (x, y))
    counts = params.get("filter") or (lambda i, metadata: True)
    tiles: Tiles = {}
    for number, (i, j) in enumerate(zip(columns, rows, strict=True)):
        if counts(number, metadata=metadata):
            tile = tiles.setdefault(i // n_tile, {}).setdefault(j // n_tile, {})
            cell = tile.setdefault(i, {}).setdefault(j, {"gi": [], "i": i, "j": j})
            cell["gi"].append(number)
    if not tiles:
        raise InvalidValueError(f"The filter leaves none of the {len(x)} points.")
    return tiles


def coordinates(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates x and y of the points, float64 `[N]` each.

    Raises
    ------
    InvalidTypeError : a layout has no "x" and "y", or these are not numbers.
    InvalidValueError : they are not finite, there are none, or not as many of each.
    """
    try:
        x, y = (np.asarray(layout[key], np.float64) for key in ("x", "y"))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InvalidTypeError(
            "A layout is a dict of the arrays 'x' and 'y', one number for each point."
        ) from error
    if x.ndim != 1 or x.shape != y.shape or not x.size or not np.isfinite([x, y]).all():
        raise InvalidValueError(
            "The 'x' and 'y' of a layout are finite numbers, one for each point; their shapes are "
            f"{list(x.shape)} and {list(y.shape)}."
        )
    return x, y


def edges(values: np.ndarray, n_layer: int) -> np.ndarray:
    """Where the cells 1 to `n_layer - 1` begin."""
    return np.linspace(values.min(), values.max(), n_layer - 1)


def _needed(params: Params, name: str) -> Any:
    if name not in params:
        raise InvalidValueError(f"params has no {name!r}; it has {', '.join(params) or 'nothing'}.")
    return params[name]


def tile_cells(tile: Tile) -> Cells:
    """Cells of a tile, by their two numbers."""
    return {(i, j): cell for i, column in tile.items() for j, cell in column.items()}


def enumerate_tiles(tiles: Tiles) -> Iterator[tuple[int, int, Tile]]:
    """Each tile after its two numbers, in their order."""
    for ti in sorted(tiles):
        for tj in sorted(tiles[ti]):
            yield ti, tj, tiles[ti][tj]


def tile_name(params: Params, ti: int, tj: int, kind: str = "tile") -> str:
    """Path of a tile's files, without their extension."""
    place = f"{params['n_layer']}_{params['n_tile']}_{ti}_{tj}"
    return os.path.join(params["directory"], f"{params['name']}-{kind}_{place}")


def write_grid_local(tiles: Tiles, params: Params) -> None:
    """Write which points are in which cells.

    One file for each tile, `<directory>/<name>-grid_<n_layer>_<n_tile>_<ti>_<tj>.json`: a list of
    its cells, "gi", "i" and "j".

    Parameters
    ----------
    tiles : as `grid` gives them.
    params : "directory", "name", "n_layer" and "n_tile".

    Raises
    ------
    OSError : a file cannot be written.
    """
    for ti, tj, tile in enumerate_tiles(tiles):
        save(list(tile_cells(tile).values()), f"{tile_name(params, ti, tj, 'grid')}.json")
