"""The cells of a grid over a layout, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from lucidx.arguments import whole
from lucidx.errors import InvalidValueError
from lucidx.recipes.activation_atlas.samples import Samples

USUAL_GRIDS = (5, 10, 20)
_PER_CELL = 4  # activations, at least, of the grids that are chosen where none are asked for
_SMALLEST = 0.4  # side of an icon, of that of its cell
_EXAMPLES = 4  # photos that are named for a cell


class Cell(NamedTuple):
    """A cell of a grid.

    Attributes
    ----------
    column, row : where it is, counted from the left and from the top.
    members : numbers of the points in it, int64 `[n]`.
    """

    column: int
    row: int
    members: np.ndarray


class Cells(NamedTuple):
    """The cells of a grid that have enough activations.

    Attributes
    ----------
    size : cells along each side of the grid.
    columns, rows : where they are, int32 `[K]`.
    counts : activations in each, int32 `[K]`.
    means : of the activations in each, float64 `[K, C]`.
    evidence : mean attribution to each class, float32 `[K, classes]`; None if it is not known.
    examples : of each, the pictures that are most typical: names.
    """

    size: int
    columns: np.ndarray
    rows: np.ndarray
    counts: np.ndarray
    means: np.ndarray
    evidence: np.ndarray | None
    examples: list[tuple[str, ...]]


def cells_of(layout: np.ndarray, grid_size: int) -> Iterator[Cell]:
    """The cells that have points in them, row by row; every point is in exactly one.

    A point on the line between two cells is in the later one, and one outside of the unit square in
    the nearest.

    Parameters
    ----------
    layout : `[N, 2]`, x and y in 0..1.
    grid_size : cells along each side.
    """
    inner_edges = np.linspace(0, 1, grid_size + 1)[1:-1]
    columns, rows = np.digitize(layout, inner_edges).T
    cell_of = rows * grid_size + columns
    by_cell = np.argsort(cell_of, kind="stable")
    cells, starts = np.unique(cell_of[by_cell], return_index=True)
    for cell, members in zip(cells.tolist(), np.split(by_cell, starts[1:]), strict=True):
        yield Cell(cell % grid_size, cell // grid_size, members)


def filled(samples: Samples, layout: np.ndarray, grid_size: int, threshold: int) -> Cells:
    """What the cells of a grid hold.

    Parameters
    ----------
    samples : N activations.
    layout : where they are, `[N, 2]` in 0..1.
    grid_size : cells along each side.
    threshold : cells with as many activations or fewer are left out.

    Raises
    ------
    InvalidValueError : no cell is left.
    """
    every = list(cells_of(layout, grid_size))
    kept = [cell for cell in every if len(cell.members) > threshold]
    if not kept:
        raise too_few(grid_size, threshold, [len(cell.members) for cell in every])
    means = np.stack([samples.activations[c.members].mean(0, np.float64) for c in kept])
    if not means.any(1).all():  # of opposite directions, there is no mean
        kept = [cell for cell, mean in zip(kept, means, strict=True) if mean.any()]
        means = means[means.any(1)]
    evidence = None
    if samples.evidence is not None:
        evidence = np.stack([samples.evidence[c.members].mean(0, np.float32) for c in kept])
    return Cells(
        grid_size,
        np.array([cell.column for cell in kept], np.int32),
        np.array([cell.row for cell in kept], np.int32),
        np.array([len(cell.members) for cell in kept], np.int32),
        means,
        evidence,
        [_typical(samples, cell.members, mean) for cell, mean in zip(kept, means, strict=True)],
    )


def icon_sides(counts: np.ndarray) -> np.ndarray:
    """How much of its cell an icon takes up, as parts of the side: more for more activations.

    It grows with the logarithm of their number, from `_SMALLEST` for one to 1 for the most.
    """
    return _SMALLEST + (1 - _SMALLEST) * np.log(counts) / max(1, np.log(counts.max()))


def too_few(grid_size: int, threshold: int, counts: list[int]) -> InvalidValueError:
    """The error where no cell has enough."""
    return InvalidValueError(
        f"No cell of the {grid_size}x{grid_size} grid has more than {threshold} of the "
        f"{sum(counts)} activations (the fullest has {max(counts, default=0)}). Use more "
        "activations, a smaller grid, or a smaller threshold."
    )


def _typical(samples: Samples, members: np.ndarray, mean: np.ndarray) -> tuple[str, ...]:
    """Names of the pictures whose activations are most like a cell's mean, each once."""
    rows = samples.activations[members]
    likeness = rows @ mean / np.maximum(np.linalg.norm(rows, axis=1), np.finfo(np.float32).tiny)
    nearest = members[np.argsort(-likeness, kind="stable")]
    names = dict.fromkeys(samples.picture_of(int(n)) for n in nearest[: 8 * _EXAMPLES])
    return tuple(names)[:_EXAMPLES]


def chosen_grids(grids: Sequence[int] | None, number: int) -> tuple[int, ...]:
    """Sizes of grids, the coarsest first.

    Parameters
    ----------
    grids : those that were asked for; None for those of `USUAL_GRIDS` that the activations are
        enough for.
    number : of activations.

    Raises
    ------
    InvalidValueError, InvalidTypeError : an impossible size; or there are fewer activations than a
        grid has cells.
    """
    if grids is None:
        enough = [size for size in USUAL_GRIDS if _PER_CELL * size**2 <= number]
        return tuple(enough) or (max(1, int((number / _PER_CELL) ** 0.5)),)
    if not grids:
        raise InvalidValueError("An atlas has at least one grid: grids=(10, 20), for instance.")
    sizes = tuple(sorted({whole("The size of a grid", size) for size in grids}))
    if sizes[-1] ** 2 > number:
        raise InvalidValueError(
            f"A {sizes[-1]}x{sizes[-1]} grid has {sizes[-1] ** 2} cells, and there are {number} "
            f"activations. The largest grid that they could fill is {int(number**0.5)}; "
            f"{chosen_grids(None, number)[-1]} is sensible."
        )
    return sizes
