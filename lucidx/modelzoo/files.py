"""The files that a model names, wherever they are: its graph, its labels.

Importing this module does not import TensorFlow.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo import downloads, manifests, weights

if TYPE_CHECKING:
    from lucidx.modelzoo.graphs import GraphDef
    from lucidx.modelzoo.vision_base import Model

LUCID_LABELS = "gs://modelzoo/labels/"  # where Lucid keeps the files of the catalogue's `labels/`

KERAS_FILES = (".keras", ".h5", ".hdf5")
# How the names of files end that have a network in them.
MODEL_FILES = (".pb", ".json", *KERAS_FILES, ".pbtxt", ".onnx", ".pt", ".pth", ".tflite")


def is_model_file(name: str) -> bool:
    """Whether this names a file, there or not, and not a model of the catalogue."""
    if name in manifests.names():
        return False
    from lucidx.misc.io import scope_url

    name = scope_url(name)
    ends_so = name.lower().endswith(MODEL_FILES)
    return ends_so or downloads.is_remote(name) or os.path.exists(name)


def local(url: str | os.PathLike) -> Path:
    """The file at a path; or at an address (https, http, gs), fetched if it is not in the cache.

    Parameters
    ----------
    url : within the current `io_scope` if it is relative.

    Returns
    -------
    Absolute path.

    Raises
    ------
    InvalidTypeError : `url` is neither.
    DownloadError, WeightsNotFoundError : it cannot be fetched.
    """
    if not isinstance(url, str | os.PathLike):
        raise InvalidTypeError(f"A file is named by its path or address, not by {url!r}.")
    from lucidx.misc.io import scope_url  # with numpy and Pillow, so only where needed

    name = scope_url(url)
    path = downloads.cached(name) if downloads.is_remote(name) else Path(name)
    return path.absolute()


def lines_of(model: Model, what: str) -> list[str]:
    """The lines of a model's `labels_path`, or `synsets_path`.

    The catalogue's own file comes first: what Lucid names for a model is not always aligned with
    its outputs.

    Parameters
    ----------
    what : "labels" or "synsets".

    Raises
    ------
    InvalidValueError : the model has none.
    FileNotFoundError, CorruptFileError, DownloadError
    """
    path = getattr(model, f"{what}_path")
    entry = model.catalogue_entry
    if entry.get(what) and path == entry.get(f"{what}_path"):
        return list(manifests.lines(entry[what]))
    if path is None:
        raise InvalidValueError(f"{model.name} has no {what}; set {what}_path to a text file.")
    known = str(path).removeprefix(LUCID_LABELS)
    if known != str(path) and known in manifests.label_files():
        return list(manifests.lines(known))
    from lucidx.misc.io import load

    return load(local(path), split=True)


def has_lines(model: Model, what: str) -> bool:
    """Whether a model names a file for `lines_of`."""
    return getattr(model, f"{what}_path") is not None or bool(model.catalogue_entry.get(what))


def graph_of(model: Model) -> GraphDef:
    """The frozen graph of a model that names a file, or is of the catalogue.

    Raises
    ------
    WeightsNotFoundError, CorruptFileError, UnsafeFileError, DownloadError
    """
    found = weights.get(model)
    from lucidx.modelzoo import graphs

    if isinstance(found, Path):
        graph_def = graphs.read_graphdef(found)
        graphs.prepare(graph_def, str(found), model._allow_unsafe_ops)
        return graph_def
    from lucidx.modelzoo import efficientnet_lite

    return efficientnet_lite.load(sha256=found["sha256"])
