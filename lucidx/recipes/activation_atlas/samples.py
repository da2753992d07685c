"""Activations that an atlas is made of, and where they are from."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from lucidx.arguments import whole
from lucidx.errors import (
    CorruptFileError,
    DiagnosisWarning,
    InvalidValueError,
    LucidxError,
    MissingExtraError,
)
from lucidx.modelzoo.activation_files import read_about
from lucidx.recipes.activation_atlas.layout import checked_rows

_ROWS = 256  # read at once
_BORDER = 1 / 8  # of a layer, on each side, where padding shows


@dataclass(frozen=True, eq=False, repr=False)
class Samples:
    """Activations of single positions; an immutable value.

    Attributes
    ----------
    activations : floats `[N, C]`, finite.
    names : of the pictures.
    pictures : of each activation, which picture it is of, int `[N]`; by default one after another.
    evidence : what each did for each class, `[N, K]`, finite; None if that is not known.
    labels : names of the K classes.
    origin : how they were made, what JSON can express.

    Raises
    ------
    InvalidValueError, InvalidTypeError : not finite, or of other shapes.
    """

    activations: np.ndarray
    names: tuple[str, ...] = ()
    pictures: np.ndarray | None = None
    evidence: np.ndarray | None = None
    labels: tuple[str, ...] = ()
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        activations = checked_rows(self.activations, "Activations")
        number = len(activations)
        pictures = np.arange(number) if self.pictures is None else np.asarray(self.pictures)
        names = tuple(self.names) or tuple(map(str, range(number)))
        if pictures.shape != (number,) or not (pictures < len(names)).all():
            raise InvalidValueError(
                f"There are {number} activations, and names for {len(names)} pictures."
            )
        labels = tuple(map(str, self.labels))
        if self.evidence is not None:
            evidence = checked_rows(self.evidence, "What activations argue for")
            labels = labels or tuple(f"class {k}" for k in range(evidence.shape[1]))
            if evidence.shape != (number, len(labels)):
                raise InvalidValueError(
                    f"What {number} activations argue for, of {len(labels)} classes, is "
                    f"[{number}, {len(labels)}]; it is {list(evidence.shape)}."
                )
        checked = {
            "activations": activations,
            "pictures": pictures,
            "names": names,
            "labels": labels,
            "origin": MappingProxyType(dict(self.origin)),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.activations)

    def __repr__(self) -> str:
        number, depth = self.activations.shape
        what = "" if self.evidence is None else f", for {len(self.labels)} classes"
        return f"<Samples: {number} activations of {depth} channels{what}>"

    def picture_of(self, n: int) -> str:
        """Name of the picture that an activation is of."""
        return self.names[self.pictures[n]]

    def take(self, members: np.ndarray) -> Samples:
        """Some of them: by number, or by truth values."""
        evidence = None if self.evidence is None else self.evidence[members]
        return replace(
            self,
            activations=self.activations[members],
            pictures=self.pictures[members],
            evidence=evidence,
        )

    def arguing_for(self, classes: Sequence[int], rank: int = 10) -> Samples:
        """Those that argue for a class: it is among the `rank` classes that they do most for.

        What an atlas of one class, or of two, is made of ("Activation Atlas", Distill 2019).

        Raises
        ------
        InvalidValueError : it is not known what they argue for, or none does for these.
        """
        if self.evidence is None:
            raise InvalidValueError("It is not known what these activations argue for.")
        rank = min(whole("rank", rank), len(self.labels))
        chosen = np.zeros(len(self), bool)
        for start in range(0, len(self), 2**14):
            rows = self.evidence[start : start + 2**14]
            least = np.partition(rows, -rank, axis=1)[:, -rank, np.newaxis]
            own = rows[:, list(classes)]
            chosen[start : start + 2**14] = ((own >= least) & (own > 0)).any(1)
        if not chosen.any():
            names = " or ".join(repr(self.labels[k]) for k in classes)
            raise InvalidValueError(f"None of the {len(self)} activations argues for {names}.")
        return self.take(chosen)

    def some(self, number: int, seed: int = 0) -> Samples:
        """A random part, in the same order; all of them if there are no more than `number`."""
        if whole("number", number) >= len(self):
            return self
        chosen = np.random.default_rng(whole("seed", seed, 0)).choice(len(self), number, False)
        origin = {**self.origin, "taken_at_random": number, "of": len(self)}
        return replace(self.take(np.sort(chosen)), origin=origin)

    def digest(self) -> str:
        """Sha256, in hex, of the activations."""
        digest = hashlib.sha256(repr(self.activations.shape).encode())
        digest.update(np.ascontiguousarray(self.activations).astype("<f4", copy=False).data)
        return digest.hexdigest()


def positions(name: str, seed: int, grid: Sequence[int], number: int) -> np.ndarray:
    """Random positions of a picture in a layer, away from the border.

    They depend on the picture's name, the seed and the grid only: not on what other pictures there
    are. Near the border a layer sees the padding rather than the picture, so an eighth of the grid
    on each side is left out, one position at least where there are three.

    Parameters
    ----------
    name : of the picture.
    seed : of the run.
    grid : height and width of the layer.
    number : how many.

    Returns
    -------
    Rows and columns, int64 `[number, 2]`, all different.

    Raises
    ------
    InvalidValueError : there are not as many.
    """
    borders = [max(1, round(_BORDER * side)) if side >= 3 else 0 for side in grid]
    inner = [side - 2 * border for side, border in zip(grid, borders, strict=True)]
    if number > inner[0] * inner[1]:
        raise InvalidValueError(
            f"The layer has {grid[0]}x{grid[1]} positions, {inner[0] * inner[1]} of them away from "
            f"the border; {number} of each picture are asked for."
        )
    words = np.frombuffer(hashlib.sha256(os.fsencode(name)).digest(), np.uint32)
    rng = np.random.default_rng([seed, *words.tolist()])
    chosen = rng.choice(inner[0] * inner[1], number, replace=False)
    return np.stack([chosen // inner[1] + borders[0], chosen % inner[1] + borders[1]], 1)


def read_samples(
    path: str | os.PathLike,
    *,
    scores: str | os.PathLike | None = None,
    labels: str | os.PathLike | Sequence[str] = (),
    per_image: int = 1,
    seed: int = 0,
) -> Samples:
    """Activations from a file, such as `lucidx activations` writes.

    Those that are not finite, or whose scores are not, are left out, with a warning.

    Parameters
    ----------
    path : `.npy`; `.npz` or `.zarr` with the array `activations`, and maybe `files`, the names of
        the pictures. `[N, C]`; or `[N, H, W, C]`, of which some positions are taken.
    scores : `.npy`, or `.npz` with one array or one called `scores`: what each row of `[N, C]`
        argues for, `[N, K]`.
    labels : names of the K classes, or a text file with one in each line.
    per_image : positions to take of each picture of `[N, H, W, C]`; of `[N, C]` there is one.
    seed : decides which, with the pictures' names, as for `collect`.

    Raises
    ------
    CorruptFileError : a file cannot be read.
    InvalidValueError, InvalidTypeError : of another shape or extension, or nothing is finite.
    MissingExtraError : a `.zarr` is given, and zarr is not installed.
    """
    path = Path(path)
    whole("per_image", per_image)
    with _opened(path) as (array, files):
        if getattr(array, "ndim", 0) not in (2, 4):
            raise InvalidValueError(
                f"{str(path)!r} does not have activations [N, C] or [N, H, W, C]; the shape is "
                f"{list(getattr(array, 'shape', ()))}."
            )
        number = array.shape[0]  # arrays of zarr have no len()
        if files is not None and len(files) != number:
            raise InvalidValueError(
                f"{str(path)!r} has activations of {number} pictures, and {len(files)} names."
            )
        names, shape = tuple(map(str, range(number) if files is None else files)), array.shape
        if array.ndim == 2 and per_image != 1:
            raise InvalidValueError(
                f"{str(path)!r} has one activation of each picture, [N, C]; {per_image} of each "
                "(per_image) can be taken of [N, H, W, C]."
            )
        if array.ndim == 2:
            activations, pictures = _plain(array[:]), np.arange(number)
        else:
            activations = _some_positions(array, names, seed, per_image)
            pictures = np.arange(number).repeat(per_image)
    evidence = None
    if scores is not None:
        with _opened(Path(scores), "scores") as (array, _):
            evidence = _plain(array[:])
    if isinstance(labels, str | os.PathLike):
        labels = _lines(Path(labels))
    origin = {
        "activations": path.name,
        "per_image": per_image if len(shape) == 4 else None,
        **_source_of(path),
    }
    fine = _finite(activations, evidence)
    left_out = int((~fine).sum())
    if 0 < left_out < len(fine):  # if all are, they are refused
        origin["not_finite_left_out"] = left_out
        warnings.warn(
            f"{left_out} of {len(fine)} activations in {str(path)!r} are left out: they, or their "
            "scores, are not finite. Where that is not meant, `lucidx models check` may tell why.",
            DiagnosisWarning,
            stacklevel=2,
        )
        activations, pictures = activations[fine], pictures[fine]
        evidence = None if evidence is None else evidence[fine]
    return Samples(activations, names, pictures, evidence, tuple(labels), origin)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise CorruptFileError(f"{str(path)!r} is not text in UTF-8: {error}.") from error


def _source_of(path: Path) -> dict[str, str]:
    """The model and layer that activations are of, if the file says it."""
    try:
        about = read_about(path)
        return {key: str(about[key]) for key in ("model", "layer")}
    except Exception:  # others' files say nothing, in nearly any way
        return {}


def _finite(activations: np.ndarray, evidence: np.ndarray | None) -> np.ndarray:
    """Which rows are finite; what does not have numbers for each row is refused elsewhere."""
    fine = np.ones(len(activations), bool)
    for array in (activations, evidence):
        if array is not None and array.dtype.kind == "f" and array.shape[:-1] == fine.shape:
            fine &= np.isfinite(array).all(1)
    return fine


def _plain(array: Any) -> np.ndarray:
    return np.array(array)  # of a file that will be closed


def _some_positions(array: Any, names: Sequence[str], seed: int, per_image: int) -> np.ndarray:
    found = []
    for start in range(0, len(names), _ROWS):
        rows = np.asarray(array[start : start + _ROWS])
        for row, name in zip(rows, names[start:], strict=False):
            y, x = positions(name, seed, row.shape[:2], per_image).T
            found.append(row[y, x])
    return np.concatenate(found)


@contextlib.contextmanager
def _opened(path: Path, name: str = "activations") -> Iterator[tuple[Any, Any]]:
    """An array in a file, and the names of pictures, if there are.

    What goes wrong while they are read, in parts as it may be, is the file's fault too.
    """
    suffix = path.suffix.lower()
    if suffix not in (".npy", ".npz", ".zarr"):
        raise InvalidValueError(f"{str(path)!r} does not end in one of .npy, .npz, .zarr.")
    if not (path.is_file() or (suffix == ".zarr" and path.is_dir())):
        raise InvalidValueError(f"There is no file {str(path)!r}.")
    with contextlib.ExitStack() as stack:
        try:
            opened = _open_zarr(path) if suffix == ".zarr" else np.load(path, mmap_mode="r")
            if suffix == ".npy":
                found = opened, None
            else:
                if suffix == ".npz":
                    stack.enter_context(opened)
                arrays = list(opened)
                chosen = name if name in arrays or len(arrays) != 1 else arrays[0]
                files = np.asarray(opened["files"]) if "files" in arrays else None
                found = opened[chosen], files
            yield found
        except (LucidxError, MemoryError):
            raise
        except Exception as error:  # damaged files raise nearly anything
            raise CorruptFileError(f"{str(path)!r} cannot be read: {error}") from error


def _open_zarr(path: Path) -> Any:
    try:
        import zarr
    except ImportError as error:
        raise MissingExtraError("zarr", "zarr", "Reading .zarr") from error
    return zarr.open_group(str(path), mode="r")
