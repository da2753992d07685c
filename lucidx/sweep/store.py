"""The files of a sweep, which need no lucidx to be read.

    sweep.json                       the plan: model, settings, layers, batches
    directions.npz                   of a basis: `directions`, float32 `[K, C]`, and their `names`
    images/<layer>/<channel>.png     a picture each; of directions, by their rows
    index.csv                        a row for each picture, see `COLUMNS`
    sprites/<layer>.png              all pictures of a layer in one, in rows; scaled down to 128
                                     pixels, and further if it would be larger than 8192
    index.html                       a page to look at them
    done/<batch>.json                a batch that is done: its pictures, its seconds, its warnings
    failed/<batch>.json              a batch that failed the last time, and why
    model.pb                         the model, if it is not in a file elsewhere

`<layer>` is the layer's name with `-` for what names of files had better not contain; `index.csv`
has the names as they are, so that a spreadsheet may take one that begins with `=` for a formula.
The index and all pictures depend on the plan only. What differs from run to run, such as seconds,
is in `done`.

The index is rows of text, and not columns such as Parquet's: a network's tens of thousands of
pictures are a few megabytes, which are read whole, by anything, without a library as a dependency.

Each file appears whole or not at all, and that of a batch in `done` when its pictures are there. It
has their sha256: what is missing or was changed is drawn again.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import filelock
import numpy as np
from PIL import Image

from lucidx.errors import CorruptFileError, InvalidValueError
from lucidx.misc.io.writing import into_file
from lucidx.sweep.plan import Batch, LayerPlan, Plan, from_json

if TYPE_CHECKING:
    from lucidx.basis import Basis

PLAN, INDEX, PAGE, MODEL = "sweep.json", "index.csv", "index.html", "model.pb"
DIRECTIONS = "directions.npz"
IMAGES, SPRITES, DONE, FAILED = "images", "sprites", "done", "failed"
SPRITE_CELL = 128  # pixels of the longer side of a picture in a sprite, at most
_SPRITE = 8192  # pixels of a sprite's sides, about, at most: more than that cannot be looked at
_LONGEST_REASON = 500  # characters; TensorFlow may go on about its own files for pages
_LOCK = ".lock"

Box = tuple[int, int, int, int]  # x, y, width, height in pixels


class Picture(NamedTuple):
    """A row of the index, but for where it is in its layer's sprite.

    Attributes
    ----------
    layer, channel : what it is of; of directions, the row.
    file : relative to the sweep's directory.
    objective : the channel's mean activation for the picture as it is in the file; of a direction,
        the mean dot product with it, scaled to unit length.
    dead : whether no gradient ever reached it: what is seen is noise.
    batch : that it was drawn in.
    sha256 : of the file.
    """

    layer: str
    channel: int
    file: str
    objective: float
    dead: bool
    batch: str
    sha256: str


# `name`: what is drawn is called so. Of the sprite: its file, and where in it, in pixels.
COLUMNS = (*Picture._fields, "name", "sprite", "x", "y", "width", "height")


class Record(NamedTuple):
    """A batch that is done.

    Attributes
    ----------
    pictures : in the order of the batch's channels.
    seconds : that it took.
    tensorflow : the version it was drawn with.
    warnings : that were given.
    """

    pictures: tuple[Picture, ...]
    seconds: float
    tensorflow: str
    warnings: tuple[str, ...]


@contextlib.contextmanager
def alone(out: Path) -> Iterator[None]:
    """Let no other process sweep into a directory, which is made if it is missing.

    Raises
    ------
    InvalidValueError : another process does so already, or the directory has other files.
    """
    out.mkdir(parents=True, exist_ok=True)
    others = [path.name for path in out.iterdir() if not path.name.startswith(".")]
    if others and PLAN not in others:
        raise InvalidValueError(
            f"{out} holds other files ({', '.join(sorted(others)[:3])}). A sweep needs a directory "
            "of its own."
        )
    lock = filelock.FileLock(out / _LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise InvalidValueError(f"Another process is sweeping into {out}.") from error
    try:
        yield
    finally:
        lock.release()


def read_plan(out: Path) -> Plan | None:
    """The plan of a sweep that was begun; None if there is none.

    Raises
    ------
    CorruptFileError : it is damaged.
    """
    try:
        content = (out / PLAN).read_bytes()
    except FileNotFoundError:
        return None
    return from_json(content, str(out / PLAN))


def write_text(path: Path, text: str) -> None:
    """Write a file, which appears whole or not at all."""
    with into_file(path) as file:
        file.write(text.encode())


def remove_drafts(out: Path) -> None:
    """Remove what killed processes left of files that they were writing."""
    for pattern in ("", f"{SPRITES}/", f"{DONE}/", f"{FAILED}/", f"{IMAGES}/*/"):
        for draft in out.glob(f"{pattern}.*.part*"):
            draft.unlink(missing_ok=True)


def image_file(batch: Batch, channel: int) -> str:
    """Where a picture is, relative to the sweep's directory."""
    return f"{IMAGES}/{batch.directory}/{channel}.png"


def write_picture(out: Path, file: str, pixels: np.ndarray) -> str:
    """Write a picture uint8 `[H, W]` or `[H, W, 3]`; its sha256."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    with into_file(out / file) as target:
        target.write(content.getbuffer())
    return hashlib.sha256(content.getbuffer()).hexdigest()


def write_done(out: Path, batch: Batch, record: Record) -> None:
    """Tell that a batch is done."""
    pictures = [picture._asdict() for picture in record.pictures]
    content = {**record._asdict(), "pictures": pictures}
    write_text(out / DONE / f"{batch.name}.json", f"{json.dumps(content, indent=1)}\n")
    (out / FAILED / f"{batch.name}.json").unlink(missing_ok=True)


def write_failed(out: Path, batch: Batch, reason: str) -> None:
    """Tell that a batch failed, and why: the first words of it, in one line."""
    reason = textwrap.shorten(reason, _LONGEST_REASON, placeholder=" ...")
    content = {"layer": batch.layer, "channels": batch.channels, "reason": reason}
    write_text(out / FAILED / f"{batch.name}.json", f"{json.dumps(content, indent=1)}\n")


def done(out: Path, batch: Batch) -> Record | None:
    """What there is of a batch; None if it is not done, or its files are not as they were."""
    try:
        record = _record(json.loads((out / DONE / f"{batch.name}.json").read_bytes()))
        for picture, channel in zip(record.pictures, batch.channels, strict=True):
            file = image_file(batch, channel)
            expected = (batch.layer, channel, file, batch.name)
            if (picture.layer, picture.channel, picture.file, picture.batch) != expected:
                return None
            if hashlib.sha256((out / file).read_bytes()).hexdigest() != picture.sha256:
                return None
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return None
    return record


def _record(content: Mapping[str, Any]) -> Record:
    pictures = tuple(
        Picture(**{**picture, "objective": float(picture["objective"])})
        for picture in content["pictures"]
    )
    said = tuple(map(str, content["warnings"]))
    return Record(pictures, float(content["seconds"]), str(content["tensorflow"]), said)


def why_failed(out: Path, batch: Batch) -> str:
    """Why there is no record of a batch that was drawn."""
    try:
        return str(json.loads((out / FAILED / f"{batch.name}.json").read_bytes())["reason"])
    except (OSError, ValueError, TypeError, LookupError):
        return f"Its files are not seen here. Do all workers see {out}?"


def write_sprites(out: Path, plan: Plan, pictures: Iterable[Picture]) -> None:
    """Write an image of each layer; cells of pictures that are not there stay white."""
    files = {(picture.layer, picture.channel): picture.file for picture in pictures}
    for layer in plan.layers:
        places = _places(layer)
        right = max(x + width for x, _, width, _ in places.values())
        bottom = max(y + height for _, y, _, height in places.values())
        sheet = Image.new("RGB", (right, bottom), "white")
        for channel, (x, y, *cell) in places.items():
            if file := files.get((layer.layer, channel)):
                with Image.open(out / file) as picture:
                    drawn = picture.convert("RGB").resize(cell, Image.Resampling.LANCZOS)
                sheet.paste(drawn, (x, y))
        with into_file(out / _sprite_file(layer)) as target:
            sheet.save(target, "PNG")


def write_directions(out: Path, basis: Basis) -> None:
    """Write what is drawn, for workers and for whoever reads the pictures."""
    with into_file(out / DIRECTIONS) as file:
        np.savez(file, directions=basis.directions, names=np.array(basis.names, str))


def read_directions(out: Path) -> np.ndarray:
    """The directions, float32 `[K, C]`.

    Raises
    ------
    CorruptFileError : they are missing or damaged.
    """
    try:
        with np.load(out / DIRECTIONS, allow_pickle=False) as arrays:
            return arrays["directions"]
    except Exception as error:  # damaged files raise nearly anything
        raise CorruptFileError(f"{out / DIRECTIONS} cannot be read: {error}") from error


def write_index(
    out: Path, plan: Plan, pictures: Iterable[Picture], names: Mapping[tuple[str, int], str]
) -> None:
    """Write the index of pictures; `names` as from `plan.names`."""
    sprites = {layer.layer: (_sprite_file(layer), _places(layer)) for layer in plan.layers}
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for picture in pictures:
        file, places = sprites[picture.layer]
        row = picture._replace(dead=int(picture.dead))
        name = names[picture.layer, picture.channel]
        table.writerow((*row, name, file, *places[picture.channel]))
    write_text(out / INDEX, text.getvalue())


def _sprite_file(layer: LayerPlan) -> str:
    return f"{SPRITES}/{layer.directory}.png"


def _places(layer: LayerPlan) -> dict[int, Box]:
    """Where the channels of a layer are in its sprite, which is about square."""
    cell = min(SPRITE_CELL, _SPRITE // math.ceil(math.sqrt(len(layer.channels))))
    scale = min(1, cell / max(layer.width, layer.height))
    width, height = (max(1, round(side * scale)) for side in (layer.width, layer.height))
    columns = math.ceil(math.sqrt(len(layer.channels) * height / width))
    return {
        channel: (n % columns * width, n // columns * height, width, height)
        for n, channel in enumerate(layer.channels)
    }
