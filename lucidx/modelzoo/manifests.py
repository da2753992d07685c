"""The catalogue: one JSON manifest per model, and the label files they name.

The files live in `modelzoo/` at the top of the source tree and are installed inside the package, as
`lucidx/modelzoo/catalogue`. Adding a model is adding a file.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
from typing import TYPE_CHECKING, Any

from lucidx.errors import UnknownModelError, did_you_mean

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def _catalogue() -> Traversable:
    installed = importlib.resources.files("lucidx.modelzoo") / "catalogue"
    if installed.is_dir():
        return installed
    # An editable install runs from the source tree.
    return importlib.resources.files("lucidx") / ".." / "modelzoo"


@functools.cache
def names() -> tuple[str, ...]:
    """Names of all models in the catalogue, sorted."""
    files = (entry.name for entry in _catalogue().iterdir())
    return tuple(sorted(f.removesuffix(".json") for f in files if f.endswith(".json")))


def manifest(name: str) -> dict[str, Any]:
    """The manifest of one model; its fields are described in modelzoo/README.md.

    Each call makes a new dictionary, so changing it changes nothing else.

    Raises
    ------
    UnknownModelError : no such name; the closest ones are offered.
    """
    if name not in names():
        raise UnknownModelError(f"No model is called {name!r}. {did_you_mean(str(name), names())}")
    return json.loads(_text(name))


@functools.cache
def _text(name: str) -> str:
    return (_catalogue() / f"{name}.json").read_text("utf-8")


@functools.cache
def label_files() -> tuple[str, ...]:
    """Names of the label and synset files of the catalogue, sorted."""
    return tuple(sorted(entry.name for entry in (_catalogue() / "labels").iterdir()))


@functools.cache
def lines(file_name: str) -> tuple[str, ...]:
    """The lines of a label or synset file of the catalogue, such as `"ImageNet_standard.txt"`."""
    return tuple((_catalogue() / "labels" / file_name).read_text("utf-8").splitlines())
