"""An atlas as one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from lucidx import palette
from lucidx.errors import InvalidValueError
from lucidx.misc.io.contact_sheet import contact_sheet
from lucidx.recipes.activation_atlas.building import Atlas, Level, class_numbers
from lucidx.recipes.activation_atlas.grid import icon_sides

_GAP = 0.04  # between the largest icons, as a part of a cell
_VEILED = 0.86  # how far icons fade that nothing argues for


def picture_of(
    atlas: Atlas, grid: int | None = None, classes: Sequence[int | str] = ()
) -> np.ndarray:
    """Draw an atlas, a class atlas, or a difference atlas.

    Icons are larger the more activations they stand for. With one class, cells that argue for it
    stand on teal and those that argue against it on orange; with two, cells that argue more for the
    first than for the second, and the other way round. The others fade.

    Parameters
    ----------
    atlas : what to draw.
    grid : cells along each side; by default the finest that there is.
    classes : none, one or two; numbers or labels.

    Returns
    -------
    float32 `[H, W, 3]` in 0..1, white where there is nothing: `grid * icon_size` on each side, and
    below it what the colours mean, if classes are named.

    Raises
    ------
    InvalidValueError : there is no such grid or class, or there are more than two classes.
    """
    level = atlas.level(grid)
    chosen = class_numbers(atlas.labels, classes) if classes else []
    if len(chosen) > 2:
        raise InvalidValueError(f"A picture shows one class or two, not {len(chosen)}.")
    values = None
    if chosen:
        values = level.cells.evidence[:, chosen[0]]
        if len(chosen) == 2:
            values = values - level.cells.evidence[:, chosen[1]]
    map_ = _map(level, values)
    return np.concatenate([map_, _key(atlas, chosen, map_.shape[1])]) if chosen else map_


def _map(level: Level, values: np.ndarray | None) -> np.ndarray:
    cells, icons = level
    size = icons.shape[1]
    canvas = np.ones((cells.size * size, cells.size * size, 3), np.float32)
    widths = np.maximum(1, np.round((1 - _GAP) * size * icon_sides(cells.counts)).astype(int))
    shares = np.ones(len(icons)) if values is None else _shares(values)
    for k, (width, share) in enumerate(zip(widths.tolist(), shares.tolist(), strict=True)):
        icon = Image.fromarray(icons[k]).resize((width, width), Image.Resampling.LANCZOS)
        cell = np.ones((size, size, 3), np.float32)
        if values is not None:
            color = palette.rgb([palette.FOR if values[k] > 0 else palette.AGAINST])
            cell += share * (color - 1)
        start = (size - width) // 2
        inner = slice(start, start + width)
        cell[inner, inner] = np.asarray(icon, np.float32) / 255
        if values is not None:
            cell += _VEILED * (1 - share) * (1 - cell)
        y, x = cells.rows[k] * size, cells.columns[k] * size
        canvas[y : y + size, x : x + size] = cell
    return canvas


def _shares(values: np.ndarray) -> np.ndarray:
    """How strong evidence is, 0 to 1; the square root, so that what is weaker can be seen too."""
    return np.sqrt(np.abs(values) / (np.abs(values).max() or 1))


def _key(atlas: Atlas, chosen: Sequence[int], width: int) -> np.ndarray:
    """A strip that says what the colours mean."""
    names = [atlas.labels[k] for k in chosen]
    means = [f"argues for {names[0]}", "argues against it"]
    if len(names) == 2:
        means = [f"more for {name}" for name in names]
    half = (width - 12) // 2
    bands = [palette.band([color], half) for color in (palette.FOR, palette.AGAINST)]
    strip = contact_sheet(bands, means, columns=2)
    return np.pad(strip, ((0, 0), (0, width - strip.shape[1]), (0, 0)), constant_values=1)
