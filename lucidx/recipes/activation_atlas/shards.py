"""One shard of a collection of activations: what workers do, and how it is known to be done."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lucidx.errors import ChangedFileError, LucidxError
from lucidx.misc.io.writing import into_file
from lucidx.modelzoo.cache import sha256_of
from lucidx.modelzoo.pictures import read_image
from lucidx.modelzoo.vision_base import Model
from lucidx.recipes.activation_atlas.evidence import Sampler, sampler
from lucidx.recipes.activation_atlas.samples import positions

SHARDS = "shards"
_BATCH = 32  # pictures evaluated at once
_READERS = 2  # threads that decode pictures
_LARGEST = float(np.finfo(np.float16).max)


class Picture(NamedTuple):
    """A file, and what it is called: its path in the directory that was given, wherever that is."""

    path: str
    name: str


class ModelFile(NamedTuple):
    """A model as tasks carry it to other processes."""

    path: str
    sha256: str
    allow_unsafe_ops: bool


class Shard(NamedTuple):
    """A task: some pictures, and what to do with them. The model is itself, or a `ModelFile`."""

    number: int
    pictures: tuple[Picture, ...]
    directory: str
    model: Any
    plan: dict[str, Any]


class Done(NamedTuple):
    """What is known of a shard that is done."""

    count: int
    skipped: list[tuple[str, str]]


def read_picture(picture: Picture, plan: dict[str, Any]) -> np.ndarray | str:
    """A picture as the model takes it; or why it cannot be had."""
    try:
        return read_image(picture.path, tuple(plan["image_shape"]))
    except LucidxError as error:
        return str(error)


def digest_of(names: Iterable[str]) -> str:
    """Sha256, in hex, of names in their order."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(hashlib.sha256(os.fsencode(name)).digest())
    return digest.hexdigest()


def path_of(directory: str | Path, number: int) -> Path:
    """The file of a shard's arrays; beside it, as .json, is what is known of them."""
    return Path(directory) / SHARDS / f"{number:06d}.npz"


def done_of(shard: Shard) -> Done | None:
    """What is known of a shard; None if it is not done, damaged, or of other pictures."""
    path = path_of(shard.directory, shard.number)
    try:
        about = json.loads(path.with_suffix(".json").read_bytes())
        if about["seen"] != _seen(shard.pictures) or about["sha256"] != sha256_of(path):
            return None
        return Done(about["count"], [(name, why) for name, why in about["skipped"]])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _seen(pictures: Iterable[Picture]) -> str:
    """What changes when a picture does: digest of names, sizes and times."""

    def identity(picture: Picture) -> str:
        try:
            status = os.stat(picture.path)
        except OSError:
            return f"{picture.name} is not there"
        return f"{picture.name} {status.st_size} {status.st_mtime_ns}"

    return digest_of(map(identity, pictures))


def collect_shard(shard: Shard) -> tuple[int, Done]:
    """Write a shard; returns its number, and what is known of it."""
    began, plan = time.monotonic(), shard.plan
    model = _loaded(shard.model) if isinstance(shard.model, ModelFile) else shard.model
    sample = sampler(model, plan["layer"], plan["scores"])
    seen, names, skipped = _seen(shard.pictures), [], []
    found = [_arrays(np.empty((0, plan["per_image"], 2)), [], plan)]
    for batch in _read_ahead(shard.pictures, plan):
        skipped += [(p.name, image) for p, image in batch if isinstance(image, str)]
        read = [(p.name, image) for p, image in batch if not isinstance(image, str)]
        if not read:
            continue
        arrays, finite = _sampled(read, sample, plan)
        arrays["pictures"] += len(names)
        found.append(arrays)
        for (name, _), fine in zip(read, finite.tolist(), strict=True):
            if fine:
                names.append(name)
            else:
                skipped.append((name, "Its activations are not finite."))
    joined = {key: np.concatenate([arrays[key] for arrays in found]) for key in found[0]}
    path = path_of(shard.directory, shard.number)
    with into_file(path) as file:
        np.savez(file, **joined)
    done = Done(len(joined["activations"]), skipped)
    about = {
        **done._asdict(),
        "pictures": names,
        "sha256": sha256_of(path),
        "seen": seen,
        "seconds": round(time.monotonic() - began, 3),
    }
    write_json(path.with_suffix(".json"), about)
    return shard.number, done


# By what is in the file: workers of a standing cluster meet several models under one name.
@functools.lru_cache(1)
def _loaded(file: ModelFile) -> Model:
    if sha256_of(Path(file.path)) != file.sha256:
        raise ChangedFileError(
            f"{file.path!r} is not the model that activations are collected of. Is it on a disk "
            "that all workers see? What is done stays, the same call goes on there."
        )
    return Model.load(file.path, allow_unsafe_ops=file.allow_unsafe_ops)


def _read_ahead(
    pictures: Sequence[Picture], plan: dict[str, Any]
) -> Iterator[list[tuple[Picture, np.ndarray | str]]]:
    """Batches of pictures, each being read while the one before is used."""
    with ThreadPoolExecutor(_READERS) as pool:
        ahead: deque[list[tuple[Picture, Future[np.ndarray | str]]]] = deque()
        for start in range(0, len(pictures) + _BATCH, _BATCH):
            batch = pictures[start : start + _BATCH]
            ahead.append([(picture, pool.submit(read_picture, picture, plan)) for picture in batch])
            if len(ahead) > 1:
                yield [(picture, read.result()) for picture, read in ahead.popleft()]


def _sampled(
    read: Sequence[tuple[str, np.ndarray]], sample: Sampler, plan: dict[str, Any]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Arrays of a batch of pictures, and which of them are in it: those that are finite."""
    images = np.stack([image for _, image in read])
    places = np.stack(
        [positions(name, plan["seed"], plan["grid"], plan["per_image"]) for name, _ in read]
    )
    found = [sample(images, places[:, k]) for k in range(plan["per_image"])]
    values = [np.stack([one[k] for one in found], 1) for k in range(1 + bool(plan["scores"]))]
    kept = np.all([np.isfinite(value).all((1, 2)) for value in values], 0)
    # Half precision ends there; no score of a class does.
    values[1:] = [value.clip(-_LARGEST, _LARGEST) for value in values[1:]]
    return _arrays(places[kept], [value[kept] for value in values], plan), kept


def _arrays(
    places: np.ndarray, values: Sequence[np.ndarray], plan: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Arrays of a shard for N pictures.

    Parameters
    ----------
    places : `[N, per_image, 2]`.
    values : activations `[N, per_image, C]`, and evidence `[N, per_image, K]`; nothing for N = 0.
    """
    number, each = places.shape[:2]
    kinds = [("activations", plan["channels"], np.float32)]
    if plan["scores"]:
        kinds.append(("evidence", plan["classes"], np.float16))
    return {
        "pictures": np.arange(number, dtype=np.int32).repeat(each),
        "places": places.reshape(number * each, 2).astype(np.int16),
        **{
            name: value.reshape(number * each, depth).astype(dtype)
            for (name, depth, dtype), value in zip(
                kinds, values or [np.empty(0)] * len(kinds), strict=True
            )
        },
    }


def write_json(path: Path, content: Any) -> None:
    """Write a file, which appears complete or not at all."""
    with into_file(path) as file:
        file.write(json.dumps(content).encode())
