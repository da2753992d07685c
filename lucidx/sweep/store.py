"""The files of a sweep, which need no lucidx to be read.

    sweep.json                       the plan: model, settings, layers, batches
    images/<layer>/<channel>.png     a picture each
    index.csv                        a row for each picture, see `COLUMNS`
    sprites/<layer>.png              all pictures of a layer in one, in rows
    index.html                       a page to look at them
    done/<batch>.json                a batch that is done: its pictures, its seconds, its warnings
    failed/<batch>.json              a batch that failed the last time, and why
    model.pb                         the model, if it is not in a file elsewhere

`<layer>` is the layer's name with `-` for what names of files had better not contain; `index.csv`
has the names as they are. The index is CSV, since everything can read that; it and all pictures
depend on the plan only. What differs from run to run, such as seconds, is in `done`.

Each file appears whole or not at all, and that of a batch in `done` when its pictures are there. It
has their sha256: what is missing or was changed is drawn again.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import numpy as np
from PIL import Image

from lucidx.errors import InvalidValueError
from lucidx.icons import sprite
from lucidx.misc.io.writing import into_file
from lucidx.sweep.plan import Batch, Plan, from_json

PLAN, INDEX, PAGE, MODEL = "sweep.json", "index.csv", "index.html", "model.pb"
IMAGES, SPRITES, DONE, FAILED = "images", "sprites", "done", "failed"
_LOCK = ".lock"


class Picture(NamedTuple):
    """A row of the index, but for where it is in its layer's sprite.

    Attributes
    ----------
    layer, channel : what it is of.
    file : relative to the sweep's directory.
    objective : the channel's mean activation for the picture as it is in the file.
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


COLUMNS = (*Picture._fields, "sprite", "x", "y")


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
        target.write(content.getvalue())
    return hashlib.sha256(content.getvalue()).hexdigest()


def write_done(out: Path, batch: Batch, record: Record) -> None:
    """Tell that a batch is done."""
    pictures = [picture._asdict() for picture in record.pictures]
    content = {**record._asdict(), "pictures": pictures}
    write_text(out / DONE / f"{batch.name}.json", f"{json.dumps(content, indent=1)}\n")
    (out / FAILED / f"{batch.name}.json").unlink(missing_ok=True)


def write_failed(out: Path, batch: Batch, reason: str) -> None:
    """Tell that a batch failed."""
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


def write_sprites(
    out: Path, plan: Plan, pictures: Iterable[Picture]
) -> dict[tuple[str, int], tuple[str, int, int]]:
    """Write an image of each layer; cells of pictures that are not there stay white.

    Returns
    -------
    Of each layer and channel, its layer's image, and where it is in there: x and y in pixels.
    """
    files = {(picture.layer, picture.channel): picture.file for picture in pictures}
    places = {}
    for layer in plan.layers:
        cells = np.full([len(layer.channels), layer.height, layer.width, 3], 255, np.uint8)
        for cell, channel in zip(cells, layer.channels, strict=True):
            if file := files.get((layer.layer, channel)):
                with Image.open(out / file) as picture:
                    cell[:] = np.asarray(picture.convert("RGB"))
        sheet, boxes = sprite(cells)
        sheet_file = f"{SPRITES}/{layer.directory}.png"
        write_picture(out, sheet_file, sheet)
        for channel, (x, y, *_) in zip(layer.channels, boxes, strict=True):
            places[layer.layer, channel] = (sheet_file, x, y)
    return places


def write_index(
    out: Path,
    pictures: Iterable[Picture],
    places: Mapping[tuple[str, int], tuple[str, int, int]],
) -> None:
    """Write the index of pictures, which are at these places in their layers' images."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows((*p._replace(dead=int(p.dead)), *places[p.layer, p.channel]) for p in pictures)
    write_text(out / INDEX, text.getvalue())
