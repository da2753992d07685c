"""Activations of a layer for a folder of pictures, in one file.

`collect` reads pictures, evaluates them in batches, and writes `.npz` or `.zarr`. It needs no more
memory for many pictures than for few, goes on where a stopped run left off, and shows its result
only when it is whole.

While it runs, what there is so far is in a directory beside the result, `<result>.partial`: the
activations one after another, and `progress.json`, which says how many of them can be relied on.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import math
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import filelock
import numpy as np

import lucidx
from lucidx.errors import CorruptFileError, InvalidValueError, LucidxError
from lucidx.misc.io.writing import into_file
from lucidx.modelzoo import activation_files, model_io
from lucidx.modelzoo.activation_files import DTYPE, Content
from lucidx.modelzoo.get_activations import centers
from lucidx.modelzoo.pictures import find_images, read_image
from lucidx.modelzoo.vision_base import Layer, Model

CHECKPOINT_SECONDS = 2.0  # how much work a killed run can lose
READERS = 2  # threads that decode pictures
_RAW, _PROGRESS, _RESULT = "activations.raw", "progress.json", "result"


class Collected(NamedTuple):
    """What `collect` made.

    Attributes
    ----------
    path : the file, or for `.zarr` the directory.
    shape : of the activations, `(N, ...)`.
    skipped : pictures that could not be read, and are not among the N.
    """

    path: Path
    shape: tuple[int, ...]
    skipped: tuple[str, ...]


def collect(
    model: Model,
    layer: Layer | str,
    images: Iterable[str | os.PathLike],
    path: str | os.PathLike,
    *,
    batch_size: int = 32,
    size: tuple[int, int] | None = None,
    center: bool = False,
    skip_unreadable: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Collected:
    """Write the activations of a layer for many pictures to a file.

    A run that was stopped or killed goes on when `collect` is called with the same arguments again;
    `batch_size` and `skip_unreadable` may differ. If the file is already there, made in the same
    way from the same pictures, nothing is done.

    Parameters
    ----------
    model, layer : what to evaluate.
    images : files and directories, see `lucidx.modelzoo.pictures.find_images`; cropped about their
        centre and resized to what the model takes, see `read_image` there.
    path : the result, an `.npz` or `.zarr` (format 2; needs the extra `zarr`). It holds

        - `activations`: float32 `[N, ...]`;
        - `files`: the names of the N pictures;
        - what it was made from: the model's name, how it is fed, the sha256 of its graph, the
          layer, the settings, the version of lucidx, and the pictures skipped. In an `.npz` this is
          JSON in the array `about`, in a `.zarr` the attributes.

        `numpy.load(path)["activations"]` reads it; so does
        `zarr.open_group(path)["activations"]`, in parts, where it does not fit into memory. Until
        it is whole, twice its size is taken up on the disk.
    batch_size : pictures evaluated at once.
    size : `(height, width)` of what the model sees; by default that of `model.image_shape`.
    center : keep only the activations at the centre, `[N, C]`.
    skip_unreadable : leave out pictures that cannot be read, instead of stopping at the first.
    progress : called with the number of pictures that are done, and the number there are.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    CorruptFileError : a picture cannot be read.
    InvalidValueError : no pictures, or none that can be read; no size; an unknown extension; no
        space; what is at `path`, or is left of a stopped run, was made in another way; another
        process is writing to `path`.
    MissingExtraError : a `.zarr` is wanted, and zarr is not installed.
    """
    path = Path(path)
    write = activation_files.writer(path)
    if batch_size < 1:
        raise InvalidValueError(f"batch_size is at least 1, not {batch_size}.")
    shape = _image_shape(model, size)
    files = find_images(images, shape[-1])
    name = getattr(layer, "name", layer)
    evaluate = model_io.evaluator(model, [name])
    data_format = model_io.skeleton(model).layer(name).data_format
    about = _about(model, name, shape, center, files)

    def activations(pictures: Sequence[np.ndarray]) -> np.ndarray:
        (acts,) = evaluate(np.stack(pictures))
        return centers(acts, data_format, name) if center else acts

    with _alone(path) as directory:
        if path.exists():
            state = _finished(path, about)
            _check_same(state, about, files, f"{path} is already there, and was made")
            (directory / _PROGRESS).unlink(missing_ok=True)
            return state.collected(path)
        state = _resume(directory, about, files)
        with open(directory / _RAW, "ab") as raw, contextlib.ExitStack() as stack:
            raw.truncate(state.size)
            keep = stack.enter_context(_checkpoints(directory, raw))
            batches = _read_ahead(files[state.done :], shape, batch_size)
            stack.enter_context(contextlib.closing(batches))
            # An empty batch first: it reports what there is already.
            for batch in itertools.chain([{}], batches):
                state = _append(state, batch, raw, activations, skip_unreadable)
                _check_space(directory, state)
                keep(state)
                if progress:
                    progress(state.done, len(files))
        if not state.rows:
            (directory / _PROGRESS).unlink()
            raise InvalidValueError(f"None of the {len(files)} pictures can be read.")
        write(state.content(directory, files), directory / _RESULT)
        os.replace(directory / _RESULT, path)
        (directory / _PROGRESS).unlink()
    return state.collected(path)


@dataclass(frozen=True)
class _State:
    """How far a run is.

    Attributes
    ----------
    about : what it was started with.
    done : number of pictures dealt with.
    skipped : those of them that could not be read.
    shape : of the activations of one picture; () before the first.
    seen : digest of the names, sizes and times of the pictures dealt with.
    """

    about: dict[str, Any]
    done: int = 0
    skipped: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    seen: str = ""

    @property
    def rows(self) -> int:
        return self.done - len(self.skipped)

    @property
    def size(self) -> int:
        """Bytes of the activations so far."""
        return self.rows * math.prod(self.shape) * DTYPE.itemsize

    def collected(self, path: Path) -> Collected:
        return Collected(path, (self.rows, *self.shape), self.skipped)

    def content(self, directory: Path, files: Sequence[str]) -> Content:
        """What the result holds."""
        skipped = set(self.skipped)
        kept = np.array([file for file in files if file not in skipped])
        shape = (self.rows, *self.shape)
        made = {"skipped": self.skipped, "shape": shape, "seen": self.seen}
        return Content(directory / _RAW, shape, kept, {**self.about, **made})


def _image_shape(model: Model, size: tuple[int, int] | None) -> tuple[int, int, int]:
    *usual, channels = model.image_shape
    height, width = usual if size is None else size
    if None in (height, width):
        raise InvalidValueError(f"{model.name} takes images of any size: say which, as `size`.")
    if min(height, width) < 1:
        raise InvalidValueError(f"A size is (height, width), both at least 1; it is {size!r}.")
    return int(height), int(width), channels or 3


def _about(
    model: Model, layer: str, shape: tuple[int, ...], center: bool, files: Sequence[str]
) -> dict[str, Any]:
    graph = model.graph_def.SerializeToString(deterministic=True)
    return {
        "model": model.name,
        "graph_sha256": hashlib.sha256(graph).hexdigest(),
        "input_name": model.input_name,
        "image_value_range": [np.asarray(bound).tolist() for bound in model.image_value_range],
        "is_BGR": bool(model.is_BGR),
        "layer": layer,
        "image_shape": list(shape),
        "center": center,
        "pictures": len(files),
        "pictures_sha256": _digest("", map(os.fsencode, files)),
        "lucidx": lucidx.__version__,
    }


def _digest(start: str, parts: Iterable[bytes]) -> str:
    """Digest of parts that come after those of which `start` is the digest."""
    for part in parts:
        start = hashlib.sha256(start.encode() + b" " + part).hexdigest()
    return start


def _identity(file: str) -> bytes:
    """What changes when a file does."""
    try:
        status = os.stat(file)
    except OSError:
        return os.fsencode(f"{file} is not there")
    return os.fsencode(f"{file} {status.st_size} {status.st_mtime_ns}")


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[Path]:
    """The directory for what there is so far, which no other process uses.

    It is removed afterwards unless it has progress to go on from.
    """
    directory = path.with_name(f"{path.name}.partial")
    directory.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(directory / "lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise InvalidValueError(f"Another process is writing {path}.") from error
    try:
        yield directory
    finally:
        if not (directory / _PROGRESS).exists():
            shutil.rmtree(directory, ignore_errors=True)
        lock.release()


def _resume(directory: Path, about: dict[str, Any], files: Sequence[str]) -> _State:
    """Where a run stopped; the beginning, if there was none."""
    try:
        fields = json.loads((directory / _PROGRESS).read_bytes())
        state = _State(
            dict(fields["about"]),
            int(fields["done"]),
            tuple(fields["skipped"]),
            tuple(fields["shape"]),
            fields["seen"],
        )
        whole = (directory / _RAW).stat().st_size >= state.size
    except FileNotFoundError:
        return _State(about)
    except (ValueError, TypeError, LookupError) as error:
        raise _damaged(directory) from error
    if not whole:
        raise _damaged(directory)
    _check_same(state, about, files, f"{directory} is of a run that was stopped, and was started")
    return state


def _damaged(directory: Path) -> CorruptFileError:
    return CorruptFileError(f"{directory} is damaged. Remove it to start anew.")


def _check_same(state: _State, about: dict[str, Any], files: Sequence[str], what: str) -> None:
    """Refuse to go on with what was made in another way."""
    instead = "Remove it, or write to another file."
    for key, value in about.items():
        if state.about.get(key) != value:
            raise InvalidValueError(
                f"{what} with {key} {state.about.get(key)!r}; it is {value!r} now. {instead}"
            )
    if state.seen != _digest("", map(_identity, files[: state.done])):
        raise InvalidValueError(f"{what} before some of the pictures changed. {instead}")


@contextlib.contextmanager
def _checkpoints(directory: Path, raw: BinaryIO) -> Iterator[Callable[[_State], None]]:
    """Function that notes how far a run is: now and then, and when the block is left."""
    last, noted = None, time.monotonic()

    def note() -> None:
        if last is None or not last.done:
            return
        raw.flush()
        os.fsync(raw.fileno())
        with into_file(directory / _PROGRESS) as file:
            file.write(json.dumps(asdict(last)).encode())

    def keep(state: _State) -> None:
        nonlocal last, noted
        last = state
        if time.monotonic() - noted >= CHECKPOINT_SECONDS:
            note()
            noted = time.monotonic()

    try:
        yield keep
    finally:
        note()


def _read_ahead(
    files: Sequence[str], shape: tuple[int, int, int], batch_size: int
) -> Iterator[dict[str, Future[np.ndarray]]]:
    """Batches of pictures, each being read while the one before is used."""
    pool = ThreadPoolExecutor(READERS)
    ahead: deque[dict[str, Future[np.ndarray]]] = deque()
    try:
        for start in range(0, len(files), batch_size):
            batch = files[start : start + batch_size]
            ahead.append({file: pool.submit(read_image, file, shape) for file in batch})
            if len(ahead) > 1:
                yield ahead.popleft()
        yield from ahead
    finally:
        pool.shutdown(cancel_futures=True)


def _append(
    state: _State,
    batch: Mapping[str, Future[np.ndarray]],
    raw: BinaryIO,
    activations: Callable[[Sequence[np.ndarray]], np.ndarray],
    skip_unreadable: bool,
) -> _State:
    """State after a batch, its activations written."""
    pictures, skipped = [], []
    for file, picture in batch.items():
        try:
            pictures.append(picture.result())
        except LucidxError:
            if not skip_unreadable:
                raise
            skipped.append(file)
    shape = state.shape
    if pictures:
        acts = np.ascontiguousarray(activations(pictures), DTYPE)
        raw.write(acts.data)
        shape = acts.shape[1:]
    return replace(
        state,
        done=state.done + len(batch),
        skipped=(*state.skipped, *skipped),
        shape=shape,
        seen=_digest(state.seen, map(_identity, batch)),
    )


def _check_space(directory: Path, state: _State) -> None:
    each = math.prod(state.shape) * DTYPE.itemsize if state.shape else 0
    # What is there so far, and then the result beside it.
    needed = (2 * state.about["pictures"] - state.rows) * each
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise InvalidValueError(
            f"The activations take {needed / 1e9:.1f} GB while they are written, and on the disk "
            f"of {directory} {free / 1e9:.1f} GB are free."
        )


def _finished(path: Path, about: Iterable[str]) -> _State:
    """State of the run that made a result."""
    try:
        found = activation_files.read_about(path)
        rows, *shape = found["shape"]
        skipped = tuple(found["skipped"])
        started = {key: found[key] for key in about}
        return _State(started, rows + len(skipped), skipped, tuple(shape), found["seen"])
    except Exception as error:  # it can be anything
        raise InvalidValueError(
            f"{path} is already there, and is not a result of this. Remove it, or write to another "
            "file."
        ) from error
