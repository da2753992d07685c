"""An atlas as a page to explore: one HTML file, or for large ones a directory of tiles beside it.

The page is made of parts of the interfaces' pages (`lucidx.interfaces.page`): their style, what
their scripts share, and their way of embedding data.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from PIL import Image

import lucidx
from lucidx.errors import InvalidValueError
from lucidx.interfaces.page import Page, _source_hash, as_script_json
from lucidx.misc.io.serialize_array import encode_picture
from lucidx.misc.io.writing import into_file
from lucidx.recipes.activation_atlas import words
from lucidx.recipes.activation_atlas.building import Atlas, Level, class_numbers
from lucidx.recipes.activation_atlas.grid import icon_sides

TILE = 10  # cells along each side of a tile
EMBEDDED = 24 * 2**20  # bytes of tiles that a page holds itself
_QUALITY = 84  # of pictures, 0..100
_NAMED = 5  # classes that are named for a cell
_CLASSES = 300  # that can be chosen, at most
_NUMBERS = 2_000_000  # in the evidence of all cells, at most
_SHARED = "data elements".split()  # scripts of the interfaces' pages
_SCRIPTS = "state tiles map pointing cell tools atlas".split()


@dataclass(frozen=True, eq=False, repr=False)
class AtlasPage(Page):
    """An atlas to explore.

    Attributes
    ----------
    data : what the page shows, but for pictures.
    tiles : pictures of the icons of neighbouring cells, WebP, to which `data` refers by number.
    """

    tiles: tuple[bytes, ...] = ()

    @functools.cached_property
    def html(self) -> str:
        """The page as one HTML file: it loads nothing, and works from disk."""
        encoded = (base64.b64encode(tile).decode("ascii") for tile in self.tiles)
        return self._rendered([f"data:image/webp;base64,{tile}" for tile in encoded])

    def save(self, path: str | os.PathLike) -> None:
        """Write the page to an .html file, which appears complete or not at all.

        If the icons take more than 24 MiB, they are written first, to a directory beside it:
        `atlas_tiles` for `atlas.html`.

        Raises
        ------
        InvalidValueError : the name does not end in .html.
        OSError : a file cannot be written; its `filename` is the page's.
        """
        target = Path(os.fsdecode(path))
        if sum(map(len, self.tiles)) <= EMBEDDED or target.suffix.lower() not in (".html", ".htm"):
            super().save(path)
            return
        directory = target.with_name(f"{target.stem}_tiles")
        names = [f"{hashlib.sha256(tile).hexdigest()[:16]}.webp" for tile in self.tiles]
        try:
            for name, tile in zip(names, self.tiles, strict=True):
                with into_file(directory / name) as file:
                    file.write(tile)
            with into_file(target) as file:
                # A directory's name can hold what means something else in an address.
                file.write(
                    self._rendered([f"{_quoted(directory.name)}/{n}" for n in names]).encode()
                )
        except OSError as error:
            reason = f"{error.strerror or error}; the page was not written, save it elsewhere"
            raise OSError(error.errno, reason, os.fsdecode(path)) from error
        for old in directory.iterdir():
            if re.fullmatch(r"[0-9a-f]{16}\.webp", old.name) and old.name not in names:
                old.unlink()

    def _rendered(self, sources: Sequence[str]) -> str:
        static = resources.files("lucidx.recipes.activation_atlas") / "static"
        shared = resources.files("lucidx.interfaces") / "static"
        style = "\n".join(
            (folder / name).read_text("utf-8")
            for folder, name in ((shared, "page.css"), (static, "atlas.css"))
        )
        parts = [(shared / "scripts" / f"{name}.js").read_text("utf-8") for name in _SHARED]
        parts += [(static / "scripts" / f"{name}.js").read_text("utf-8") for name in _SCRIPTS]
        script = '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"
        environment = Environment(
            autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        # All are ours, and what they contain is not the user's.
        return environment.from_string((static / "atlas.html").read_text("utf-8")).render(
            page=self.data,
            image_sources="data:" if sources[0].startswith("data:") else "data: file: 'self'",
            style=Markup(style),
            script=Markup(script),
            style_hash=_source_hash(style),
            script_hash=_source_hash(script),
            data=Markup(as_script_json({**self.data, "sources": list(sources)})),
        )


def page_of(atlas: Atlas, classes: Sequence[int | str] = ()) -> AtlasPage:
    """A page on which a person can explore an atlas.

    Parameters
    ----------
    atlas : what to show.
    classes : the page opens with what argues for one class, or for one rather than another; by
        number or label. Others can be chosen on the page.

    Raises
    ------
    InvalidValueError : there is no such class, or more than two are named.
    """
    chosen = class_numbers(atlas.labels, classes) if classes else []
    if len(chosen) > 2:
        raise InvalidValueError(f"A page opens with one class or two, not {len(chosen)}.")
    shown, listed = _classes(atlas, chosen)
    tiles: list[bytes] = []
    grids = []
    for level in atlas.levels:
        placed, pictures = _tiles(level)
        grids.append(_grid(level, shown, listed))
        grids[-1]["tiles"] = [{**place, "source": len(tiles) + n} for n, place in enumerate(placed)]
        tiles += pictures
    data = {
        "title": f"What {atlas.layer} can see",
        "model": atlas.model,
        "layer": atlas.layer,
        "lead": words.LEAD if atlas.labels else words.LEAD_WITHOUT_CLASSES,
        "grids": grids,
        "cells_of_tile": TILE,
        "icon": int(atlas.levels[0].icons.shape[1]),
        "classes": [{"label": atlas.labels[k]} for k in shown],
        "listed": listed,
        "chosen": [shown.index(k) for k in chosen],
        "notes": words.notes(atlas),
        "settings": json.dumps(dict(atlas.settings), indent=1, ensure_ascii=False),
        "made_with": f"lucidx {lucidx.__version__}",
    }
    return AtlasPage(data, tuple(tiles))


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(os.fsencode(name))


def _tiles(level: Level) -> tuple[list[dict[str, int]], list[bytes]]:
    """Where tiles are, counted in tiles, and their pictures."""
    cells, icons = level
    size = icons.shape[1]
    tile_of = np.stack([cells.columns, cells.rows], 1) // TILE
    places, pictures = [], []
    for column, row in np.unique(tile_of, axis=0).tolist():
        members = np.flatnonzero((tile_of == (column, row)).all(1))
        side = min(TILE, cells.size) * size
        canvas = np.full((side, side, 3), 128, np.uint8)
        for k in members:
            x, y = cells.columns[k] % TILE * size, cells.rows[k] % TILE * size
            canvas[y : y + size, x : x + size] = icons[k]
        places.append({"column": column, "row": row})
        pictures.append(encode_picture(Image.fromarray(canvas), "webp", quality=_QUALITY))
    return places, pictures


def _classes(atlas: Atlas, chosen: Sequence[int]) -> tuple[list[int], int]:
    """Classes that are named on a page, and how many of them, from the first, can be chosen.

    Those that most cells argue for come first, after those that it opens with.
    """
    if not atlas.labels:
        return [], 0
    counts = Counter(chosen * len(atlas.labels))
    for level in atlas.levels:
        counts.update(_strongest(level).ravel().tolist())
    shown = [k for k, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    cells = sum(len(level.icons) for level in atlas.levels)
    return shown, min(len(shown), _CLASSES, max(2, _NUMBERS // cells))


def _strongest(level: Level) -> np.ndarray:
    """The classes that each cell argues for most, `[K, 5]`."""
    evidence = level.cells.evidence
    return np.argsort(-evidence, axis=1, kind="stable")[:, :_NAMED]


def _grid(level: Level, shown: Sequence[int], listed: int) -> dict[str, Any]:
    """What a page knows of a level."""
    cells = level.cells
    grid = {
        "size": cells.size,
        "columns": cells.columns.astype(np.int32),
        "rows": cells.rows.astype(np.int32),
        "counts": cells.counts.astype(np.int32),
        "sides": icon_sides(cells.counts).astype(np.float32),
        "examples": [list(names) for names in cells.examples],
    }
    if cells.evidence is not None:
        strongest = _strongest(level)
        place = {k: n for n, k in enumerate(shown)}
        grid["strongest"] = np.vectorize(place.get, otypes=[np.int32])(strongest)
        grid["strengths"] = np.take_along_axis(cells.evidence, strongest, 1).astype(np.float32)
        grid["evidence"] = cells.evidence[:, list(shown[:listed])].astype(np.float32)
    return grid
