"""Tiles of an atlas: drawn as pictures, and described as data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from lucidx.arguments import whole
from lucidx.errors import InvalidTypeError
from lucidx.scratch.atlas_pipeline.grid import Cell, Cells, Layout, Params

CellFunction = Callable[[Cell, Params, Any, Layout, Mapping[str, Any]], Any]


def render_tile(
    cells: Cells,
    ti: int,
    tj: int,
    render: CellFunction,
    params: Params,
    metadata: Any,
    layout: Layout,
    summary: Mapping[str, Any],
) -> Image.Image:
    """Draw a tile: its cells on white, x to the right and y downwards.

    Parameters
    ----------
    cells : its cells by their numbers, as `grid.tile_cells` gives them.
    ti, tj : which tile it is.
    render : function from a cell, `params`, `metadata`, `layout` and `summary`, in this order, to a
        Pillow image, which is scaled to the cell if it is not of its size.
    params : "cell_size", in pixels; "n_tile"; "scale_density", whether cells are smaller the less
        dense they are, by the logarithm; "density_function", from a cell and `metadata` to how
        dense it is, by default the number of its points; "scale_type", the filter of Pillow that
        scales, `Image.Resampling.LANCZOS` by default.
    metadata, layout : what the points are, and where.
    summary : as `pipeline.summarize` gives it; the greatest density is used.

    Returns
    -------
    RGB image, `n_tile * cell_size` each way.

    Raises
    ------
    InvalidTypeError : `render` returns something else.
    InvalidValueError, InvalidTypeError : a size that is not positive.
    """
    cell_size = whole("cell_size", params["cell_size"])
    n_tile = whole("n_tile", params["n_tile"])
    tile = Image.new("RGB", (n_tile * cell_size,) * 2, "white")
    for (i, j), cell in cells.items():
        image = render(cell, params, metadata, layout, summary)
        if not isinstance(image, Image.Image):
            raise InvalidTypeError(
                f"render returns a Pillow image of each cell, not something of type "
                f"{type(image).__name__}; PIL.Image.fromarray() makes one of uint8 [H, W, 3]."
            )
        side = round(cell_size * _scale(cell, params, metadata, summary)) or 1
        if image.size != (side, side):
            image = image.resize((side, side), params.get("scale_type", Image.Resampling.LANCZOS))
        image = image.convert("RGBA")
        margin = (cell_size - side) // 2
        place = ((i - ti * n_tile) * cell_size + margin, (j - tj * n_tile) * cell_size + margin)
        tile.paste(image, place, image)
    return tile


def _scale(cell: Cell, params: Params, metadata: Any, summary: Mapping[str, Any]) -> float:
    by_user = params.get("density_function")
    density = by_user(cell, metadata) if by_user else len(cell["gi"])
    greatest = summary["user_max_density" if by_user else "max_density"]
    if not params.get("scale_density") or greatest <= 1:  # whose logarithm says nothing
        return 1
    return math.log(max(1, density)) / math.log(greatest)


def aggregate_tile(
    cells: Cells,
    ti: int,
    tj: int,
    aggregate: CellFunction,
    params: Params,
    metadata: Any,
    layout: Layout,
    summary: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Describe a tile.

    Parameters
    ----------
    cells, ti, tj, params, metadata, layout, summary : as for `render_tile`.
    aggregate : function of the same as `render`, to what JSON can hold, and arrays.

    Returns
    -------
    For each cell "aggregate", and its numbers "i" and "j".
    """
    return [
        {"aggregate": aggregate(cell, params, metadata, layout, summary), "i": i, "j": j}
        for (i, j), cell in cells.items()
    ]
