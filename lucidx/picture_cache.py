"""Pictures that took long to make: kept in the cache directory, and used again.

One file each, named by a digest of all that the picture depends on. Processes can share them: a
file appears whole or not at all, and whoever comes second writes the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from lucidx.errors import CacheWarning
from lucidx.misc.io.writing import into_file
from lucidx.modelzoo import model_io
from lucidx.modelzoo.cache import cache_directory

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model

LARGEST = 2**30  # bytes that are kept; the pictures not used for longest go first


def model_digest(model: Model) -> str:
    """Sha256, in hex, of a model's graph and of how it is fed; computed once per process."""

    def compute() -> str:
        parts = model_io.skeleton(model)
        digest = hashlib.sha256(json.dumps(parts.feeding).encode())
        for message in (parts.graph_def, *parts.added):
            digest.update(message.SerializeToString(deterministic=True))
        return digest.hexdigest()

    return model_io.skeleton(model).function("digest", compute)


def key(settings: Mapping[str, Any], drawn: np.ndarray) -> str:
    """The name of a picture.

    Parameters
    ----------
    settings : all that the picture depends on, but for what is drawn; JSON-able.
    drawn : floats, what is drawn.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(np.asarray(drawn).astype("<f4").tobytes())
    return digest.hexdigest()


def load(key: str, height: int, width: int) -> np.ndarray | None:
    """A picture that was kept, uint8 `[height, width, 3]`; None if it is missing or damaged."""
    path = _path(key)
    try:
        content = path.read_bytes()
        Image.open(io.BytesIO(content), formats=["PNG"]).verify()
        picture = np.asarray(Image.open(io.BytesIO(content), formats=["PNG"]))
    except Exception:  # Pillow raises many kinds for damaged files
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # it was used
    sound = picture.shape == (height, width, 3) and picture.dtype == np.uint8
    return picture if sound else None


def save(key: str, picture: np.ndarray) -> bool:
    """Keep a picture, uint8 `[height, width, 3]`. False, after a warning, if that fails."""
    try:
        with into_file(_path(key)) as file:
            Image.fromarray(picture).save(file, "PNG")
    except OSError as error:
        warnings.warn(
            # Not the whole error, which names a file that is another each time.
            f"Icons cannot be kept in {_directory()} ({error.strerror or error}): they are drawn "
            "anew each time. The environment variable LUCIDX_CACHE names another directory.",
            CacheWarning,
            stacklevel=3,
        )
        return False
    return True


def make_room() -> None:
    """Delete the pictures that were not used for longest, until few enough are kept."""
    kept = _kept()
    excess = sum(size for _, size in kept) - LARGEST
    for path, size in kept:
        if excess <= 0:
            break
        excess -= size
        with contextlib.suppress(OSError):
            path.unlink()


def clear() -> int:
    """Delete all pictures that are kept; how many that were."""
    files = _kept()
    for path, _ in files:
        path.unlink(missing_ok=True)
    return len(files)


def _directory() -> Path:
    return cache_directory() / "icons"


def _path(key: str) -> Path:
    return _directory() / key[:2] / f"{key}.png"


def _kept() -> list[tuple[Path, int]]:
    """All files with their sizes in bytes, those not used for longest first."""
    found = []
    for path in _directory().glob("*/*"):
        with contextlib.suppress(OSError):  # another process may have deleted it
            found.append((path.stat().st_mtime, path, path.stat().st_size))
    return [(path, size) for _, path, size in sorted(found)]
