"""Activations for an atlas from many pictures, in shards: on one core or on a cluster.

A collection is a directory:

- `collection.json`: how it is made: the model, its graph's sha256, the layer, the settings, the
  labels of the classes, and how many pictures there are.
- `shards/000000.npz` and so on: `activations`, float32 `[n, C]`; `evidence`, float16 `[n, K]`, what
  each did for each class, if the model has classes; `pictures`, int32 `[n]`, of which picture each
  is; `places`, int16 `[n, 2]`, the row and column in the layer.
- `shards/000000.json`: the shard's `pictures`, by name, those `skipped`, with the reasons, and the
  .npz's `sha256`. It is written when the .npz is whole: a shard is done if this file is there.

Nothing of it needs lucidx to be read. Shards are .npz, and neither a table of columns nor one large
array: rows are read whole, all of them; numpy, which is there anyway, reads it; and a file for each
shard appears whole, from whichever worker, and is checked and made again by itself.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import numpy as np

import lucidx
from lucidx import engines, picture_cache
from lucidx.arguments import whole
from lucidx.attribution.feeding import channels_last
from lucidx.attribution.scores import class_labels
from lucidx.basis import layer_name
from lucidx.errors import CorruptFileError, InvalidValueError
from lucidx.interfaces.photos import USUAL_SIDE
from lucidx.modelzoo.cache import sha256_of
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.pictures import find_images
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.recipes.activation_atlas.building import LAYOUT
from lucidx.recipes.activation_atlas.evidence import sampler, scores_for
from lucidx.recipes.activation_atlas.layout import checked_seed
from lucidx.recipes.activation_atlas.samples import Samples, positions
from lucidx.recipes.activation_atlas.shards import (
    SHARDS,
    Done,
    ModelFile,
    Picture,
    Shard,
    collect_shard,
    digest_of,
    done_of,
    path_of,
    read_picture,
    write_json,
)

PLAN, MODEL = "collection.json", "model.pb"
ALGORITHM = 1  # to be raised when activations come out different
SHARD = 256  # pictures
_TRIED = 4  # pictures, before all


class Collected(NamedTuple):
    """What `collect` made.

    Attributes
    ----------
    directory : see `lucidx.recipes.activation_atlas.collecting`; `read_collection` reads it.
    count : activations in it.
    skipped : pictures that are not in it: their names, and why.
    without_evidence : why it is not known what activations argue for; empty if it is.
    """

    directory: Path
    count: int
    skipped: tuple[tuple[str, str], ...]
    without_evidence: str


def collect(
    model: Model,
    layer: str | Layer,
    images: Iterable[str | os.PathLike],
    directory: str | os.PathLike,
    *,
    per_image: int = 1,
    size: tuple[int, int] | None = None,
    seed: int = 0,
    engine: str = "sequential",
    workers: int | None = None,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Collected:
    """Collect activations of random positions of many pictures, and what they argue for.

    One activation of each picture, away from the border, makes an atlas that no single picture
    dominates ("Activation Atlas", Distill 2019). A run that was stopped or killed goes on when it
    is called with the same arguments again; at most the shards in work are lost. It takes no more
    memory for many pictures than for few.

    Parameters
    ----------
    model, layer : what to evaluate; the layer or its name.
    images : files and directories, see `lucidx.modelzoo.pictures.find_images`; of any size: they
        are cropped about their centre and resized to what the model takes. Those that cannot be
        read are skipped.
    directory : the result, and what there is so far. It is made, or it is one of the same model,
        layer, settings and pictures.
    per_image : positions of each picture.
    size : `(height, width)` of what the model sees; by default that of `model.image_shape`.
    seed : decides the positions, with the pictures' names: not their order, nor the shards.
    engine, workers, address : what it runs on, see `lucidx.engines.run`; on several machines, the
        directory and the pictures are on a disk that all see.
    progress : called with the number of pictures that are done, and the number there are.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError : no pictures, or none that can be read; no place on the disk; the directory
        is of something else, or another process is writing to it; not as many positions.
    ChangedFileError : a worker found another model where this one was put.
    OSError : a file cannot be written; what is done stays.
    """
    check_model(model)
    layer, directory = layer_name(layer), Path(directory)
    shape = _image_shape(model, size)
    pictures = _find(images, shape[-1])
    scores, reason = _scores(model, layer)
    plan = {
        "model": model.name,
        "graph_sha256": picture_cache.model_digest(model),
        "layer": layer,
        "image_shape": list(shape),
        "per_image": whole("per_image", per_image),
        "seed": checked_seed(seed),
        "scores": scores,
        "pictures": len(pictures),
        "pictures_sha256": digest_of(picture.name for picture in pictures),
        "algorithm": ALGORITHM,
    }
    with _alone(directory):
        made = _plan_of(directory)
        if made is None:
            made = plan | _look(model, plan, pictures) | _labels(model, scores)
            _check_space(directory, made)
            write_json(directory / PLAN, made | {"lucidx": lucidx.__version__})
        _check_same(directory, made, plan)
        # Tasks go through the scheduler, so they are small.
        told = {k: v for k, v in made.items() if k != "labels"} | {"classes": len(made["labels"])}
        with _model_for(engine, model, directory) as passed:
            shards = [
                Shard(start // SHARD, tuple(pictures[start : start + SHARD]), *rest)
                for rest in [(str(directory.resolve()), passed, told)]
                for start in range(0, len(pictures), SHARD)
            ]
            done = _run_all(shards, engine, workers, address, progress or (lambda *_: None))
    skipped = tuple(skip for number in sorted(done) for skip in done[number].skipped)
    count = sum(shard.count for shard in done.values())
    if not count:
        raise InvalidValueError(
            f"None of the {len(pictures)} pictures gives activations: {skipped[0][1]}"
        )
    return Collected(directory, count, skipped, reason)


def read_collection(directory: str | os.PathLike) -> Samples:
    """What `collect` made.

    Raises
    ------
    InvalidValueError : it is no such directory, or `collect` is not done yet.
    CorruptFileError : it is damaged.
    """
    directory = Path(directory)
    plan = _plan_of(directory)
    if plan is None:
        raise InvalidValueError(f"{str(directory)!r} is not a collection of activations.")
    reading = directory / PLAN
    try:
        abouts = []
        for n in range(-(-plan["pictures"] // SHARD)):
            reading = path_of(directory, n).with_suffix(".json")
            abouts.append(json.loads(reading.read_bytes()))
        count = sum(about["count"] for about in abouts)
        activations = np.empty((count, plan["channels"]), np.float32)
        pictures = np.empty(count, np.int32)
        evidence = np.empty((count, len(plan["labels"])), np.float16) if plan["scores"] else None
        names: list[str] = []
        start = 0
        for n, about in enumerate(abouts):
            reading = path_of(directory, n)
            with np.load(reading) as arrays:
                rows = slice(start, start + about["count"])
                activations[rows] = arrays["activations"]
                pictures[rows] = arrays["pictures"] + len(names)
                if evidence is not None:
                    evidence[rows] = arrays["evidence"]
            names += about["pictures"]
            start = rows.stop
    except FileNotFoundError as error:
        raise InvalidValueError(
            f"{str(directory)!r} is not whole. The same `collect` goes on with it."
        ) from error
    except Exception as error:  # damaged files raise nearly anything
        raise CorruptFileError(
            f"{str(reading)!r} is damaged: {error}. Collecting again, with the same arguments, "
            "makes it anew and keeps the others."
        ) from error
    about = {k: v for k, v in plan.items() if k != "labels"}
    return Samples(activations, tuple(names), pictures, evidence, tuple(plan["labels"]), about)


def _image_shape(model: Model, size: tuple[int, int] | None) -> tuple[int, int, int]:
    *usual, channels = model.image_shape
    height, width = (side or USUAL_SIDE for side in usual) if size is None else size
    return whole("height", height), whole("width", width), channels or 3


def _find(images: Iterable[str | os.PathLike], channels: int) -> list[Picture]:
    found: dict[str, Picture] = {}
    for given in images:
        start = os.fsdecode(given)
        for path in find_images([start], channels):
            name = os.path.relpath(path, start) if os.path.isdir(start) else os.path.basename(path)
            found.setdefault(os.path.abspath(path), Picture(os.path.abspath(path), name))
    if not found:
        find_images([], channels)  # says that there are none
    return list(found.values())


def _scores(model: Model, layer: str) -> tuple[str | None, str]:
    """The scores that a layer argues for; or why there are none."""
    scores = scores_for(model, layer)
    if scores is None:
        return None, f"{model.name} has no scores of classes that depend on {layer!r}"
    try:
        sampler(model, layer, scores)
    except InvalidValueError as error:
        return None, str(error)
    return scores, ""


def _labels(model: Model, scores: str | None) -> dict[str, Any]:
    return {"labels": class_labels(model) if scores else []}


def _look(model: Model, plan: dict[str, Any], pictures: Sequence[Picture]) -> dict[str, Any]:
    """What is known of a layer after a few pictures: mistakes are found here, not after an hour.

    Its grid, height and width (1 and 1 for dense layers), and its number of channels.
    """
    read = (read_picture(picture, plan) for picture in pictures)
    images = list(itertools.islice((i for i in read if not isinstance(i, str)), _TRIED))
    if not images:
        raise InvalidValueError(
            f"None of the {len(pictures)} pictures can be read: {read_picture(pictures[0], plan)}"
        )
    layer = plan["layer"]
    found = channels_last(model, layer, model.activations(np.stack(images), layer))
    if found.ndim not in (2, 4):
        raise InvalidValueError(
            f"An atlas is of a layer [N, H, W, C] or [N, C]; {layer!r} is {list(found.shape)}."
        )
    if not np.isfinite(found.reshape(len(found), -1)).all(1).any():
        raise InvalidValueError(
            f"Activations of {layer!r} of {model.name} are not finite. `lucidx models check` looks "
            "for the cause."
        )
    grid = list(found.shape[1:3]) if found.ndim == 4 else [1, 1]
    positions("", plan["seed"], grid, plan["per_image"])  # there are as many
    return {"grid": grid, "channels": found.shape[-1]}


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Make a directory, or use one of a collection, which no other process uses."""
    if directory.exists() and not directory.is_dir():
        raise InvalidValueError(f"{str(directory)!r} is a file; a directory is needed.")
    others = [p for p in directory.glob("[!.]*") if p.name not in (PLAN, SHARDS, LAYOUT)]
    if others and not (directory / PLAN).exists():
        raise InvalidValueError(
            f"{str(directory)!r} is not empty, and not a collection of activations. Name another "
            "directory."
        )
    (directory / SHARDS).mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(directory / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise InvalidValueError(f"Another process is writing to {str(directory)!r}.") from error
    try:
        for pattern in (f".{PLAN}.*.part*", f".{MODEL}.*.part*", f"{SHARDS}/.*.part*"):
            for draft in directory.glob(pattern):
                draft.unlink(missing_ok=True)  # of a process that was killed
        yield
    finally:
        lock.release()


def _plan_of(directory: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads((directory / PLAN).read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise CorruptFileError(
            f"{str(directory / PLAN)!r} is damaged. Remove the directory to start anew."
        ) from error


def _check_same(directory: Path, made: dict[str, Any], plan: dict[str, Any]) -> None:
    for key, value in plan.items():
        if made.get(key) != value:
            raise InvalidValueError(
                f"{str(directory)!r} holds activations collected with {key} {made.get(key)!r}; it "
                f"is {value!r} now. Name another directory, or remove this one."
            )


def _check_space(directory: Path, plan: dict[str, Any]) -> None:
    each = 4 * plan["channels"] + 2 * len(plan["labels"])
    needed = each * plan["per_image"] * plan["pictures"]
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise InvalidValueError(
            f"The activations take {needed / 1e9:.2f} GB, and on the disk of {str(directory)!r} "
            f"{free / 1e9:.2f} GB are free."
        )


@contextlib.contextmanager
def _model_for(engine: str, model: Model, directory: Path) -> Iterator[Any]:
    """A model as tasks carry it: to other processes, as a file that each reads once."""
    if engine == "sequential":
        yield model
        return
    path = directory.resolve() / MODEL
    model.export(path)
    try:
        yield ModelFile(str(path), sha256_of(path), model._allow_unsafe_ops)
    finally:
        path.unlink(missing_ok=True)


def _run_all(
    shards: Sequence[Shard],
    engine: str,
    workers: int | None,
    address: str | None,
    progress: Callable[[int, int], None],
) -> dict[int, Done]:
    """Collect the shards that are not done yet."""
    done = {shard.number: found for shard in shards if (found := done_of(shard)) is not None}
    total = sum(len(shard.pictures) for shard in shards)
    finished = sum(len(shards[n].pictures) for n in done)
    progress(finished, total)
    missing = [shard for shard in shards if shard.number not in done]
    if not missing:
        return done
    try:
        for number, found in engines.run(
            collect_shard, missing, engine=engine, workers=workers, address=address
        ):
            done[number] = found
            finished += len(shards[number].pictures)
            progress(finished, total)
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror or error}; {len(done)} of {len(shards)} shards are done and stay, "
            "the same call goes on there",
            shards[0].directory,
        ) from error
    return done
