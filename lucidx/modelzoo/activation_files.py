"""The files that `activation_store` writes: `.npz` and `.zarr`, one part after another."""

from __future__ import annotations

import json
import math
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from lucidx.errors import InvalidValueError, MissingExtraError

DTYPE = np.dtype("<f4")
CHUNK_BYTES = 2**22


class Content(NamedTuple):
    """What goes into a file.

    Attributes
    ----------
    raw : file with the bytes of the activations.
    shape : theirs, `(N, ...)`.
    files : names of the N pictures.
    about : what they were made from; can be written as JSON.
    """

    raw: Path
    shape: tuple[int, ...]
    files: np.ndarray
    about: dict[str, Any]


def writer(path: Path) -> Callable[[Content, Path], None]:
    """Function that writes a file, or a directory, of the format that `path` says.

    Raises
    ------
    InvalidValueError : an unknown extension.
    MissingExtraError : zarr is needed, and not installed.
    """
    writers = {".npz": _write_npz, ".zarr": _write_zarr}
    suffix = path.suffix.lower()
    if suffix not in writers:
        raise InvalidValueError(f"{str(path)!r} does not end in one of {', '.join(writers)}.")
    if suffix == ".zarr":
        _zarr()
    return writers[suffix]


def _write_npz(content: Content, path: Path) -> None:
    header = {
        "descr": np.lib.format.dtype_to_descr(DTYPE),
        "fortran_order": False,
        "shape": content.shape,
    }
    with open(path, "wb") as target:
        with zipfile.ZipFile(target, "w") as archive:
            with _entry(archive, "activations") as entry, open(content.raw, "rb") as raw:
                np.lib.format.write_array_header_1_0(entry, header)
                shutil.copyfileobj(raw, entry, CHUNK_BYTES)
            for name, array in (("files", content.files), ("about", json.dumps(content.about))):
                with _entry(archive, name) as entry:
                    np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)
        target.flush()
        os.fsync(target.fileno())


def _entry(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    return archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True)


def _write_zarr(content: Content, path: Path) -> None:
    group = _zarr().open_group(str(path), mode="w", **_zarr_format(2))
    # zarr 2 has no create_array, and zarr 3 would rather not have create_dataset.
    create = getattr(group, "create_array", None) or group.create_dataset
    count, *one = content.shape
    each = math.prod(one)
    rows = min(count, max(1, CHUNK_BYTES // (each * DTYPE.itemsize)))
    acts = create("activations", shape=content.shape, chunks=(rows, *one), dtype=DTYPE)
    with open(content.raw, "rb") as raw:
        for start in range(0, count, rows):
            part = np.fromfile(raw, DTYPE, min(rows, count - start) * each)
            acts[start : start + rows] = part.reshape(-1, *one)
    names = create("files", shape=content.files.shape, chunks=(2**16,), dtype=content.files.dtype)
    names[:] = content.files
    group.attrs.update({**json.loads(json.dumps(content.about)), "complete": True})


def _zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise MissingExtraError("zarr", "zarr", "Writing .zarr") from error
    return zarr


def _zarr_format(number: int) -> dict[str, int]:
    """The format that all versions of zarr read, in the words of the one that is installed."""
    major = int(_zarr().__version__.partition(".")[0])
    return {"zarr_version" if major < 3 else "zarr_format": number}


def read_about(path: Path) -> dict[str, Any]:
    """What a file says it was made from; raises nearly anything if it is no such file."""
    if path.suffix.lower() == ".zarr":
        return dict(_zarr().open_group(str(path), mode="r").attrs)
    with np.load(path, allow_pickle=False) as archive:
        return json.loads(str(archive["about"]))
