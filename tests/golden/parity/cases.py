"""Golden folders: an index.json that describes calls, npz files with what went in and came out."""

from __future__ import annotations

import functools
import importlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

FORMAT = "lucid-golden-1"


class Outcome(NamedTuple):
    """What lucidx gave in one setting: arrays by output name, JSON values by `expected` name."""

    setting: str
    arrays: Mapping[str, Any]
    values: Mapping[str, Any] = {}


class FakeLayer:
    """Stands for a model's layer where only its recorded activations matter."""

    def __init__(self, activations: np.ndarray):
        self.activations = activations


@functools.cache
def _archive(path: Path) -> np.lib.npyio.NpzFile:
    return np.load(path)


@dataclass(frozen=True)
class Case:
    """One recorded call; `case["steps"]` reads a field of its description."""

    folder: Path
    fields: Mapping[str, Any] = field(repr=False)
    reference_model: Mapping[str, Any] = field(repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.fields.get(name, default)

    @property
    def id(self) -> str:
        return self["id"]

    @property
    def expected(self) -> Mapping[str, Any]:
        return self.get("expected", {})

    def input(self, name: str) -> np.ndarray:
        return self._read(self["inputs"][name])

    def output(self, name: str) -> np.ndarray:
        return self._read(self["outputs"][name])

    @property
    def image(self) -> np.ndarray:
        """The input image as floats: recorded as bytes where it came from a photo."""
        image = self.input(self.get("image", "image"))
        return np.divide(image, 255, dtype=np.float32) if image.dtype == np.uint8 else image

    @property
    def function(self) -> Any:
        return lookup(self["function"])

    def call(self, function: Any, tensors: Mapping[str, tf.Tensor] | None = None) -> Any:
        """Call with the recorded arguments; those named in `tensors` are replaced."""
        args = self.decode(self["args"], tensors)
        return function(*args, **self.decode(self["kwargs"], tensors))

    def decode(self, value: Any, tensors: Mapping[str, tf.Tensor] | None = None) -> Any:
        """Python object that a JSON value of the index stands for."""
        tensors = tensors or {}
        if isinstance(value, list):
            return [self.decode(item, tensors) for item in value]
        if not isinstance(value, dict):
            return value
        tag, *others = value or [""]
        if others or not tag.startswith("$"):
            return {key: self.decode(item, tensors) for key, item in value.items()}
        content = value[tag]
        if tag == "$array":
            return tensors[content] if content in tensors else self.input(content)
        if tag == "$layer":
            return FakeLayer(self.input(self["layers"][content]))
        if tag == "$dict":
            return {self.decode(k, tensors): self.decode(v, tensors) for k, v in content}
        if tag in ("$tuple", "$iter"):
            return {"$tuple": tuple, "$iter": iter}[tag](self.decode(content, tensors))
        return {"$func": lookup, "$text": io.StringIO, "$lambda": evaluate}[tag](content)

    def _read(self, key: str) -> np.ndarray:
        return _archive(self.folder / self["npz"])[key]


def lookup(path: str) -> Any:
    """Find in lucidx what the original offers under the dotted path `path`."""
    parts = ["lucidx", *path.split(".")[1:]]
    # Longest module first: a package may hide a submodule behind a function (param.cppn does).
    for cut in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:cut])
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
        else:
            return functools.reduce(getattr, parts[cut:], module)
    raise ModuleNotFoundError("No module named 'lucidx'")


def evaluate(expression: str, **names: Any) -> Any:
    """Value of a Python expression of the index, which may use numpy, TensorFlow and `names`."""
    return eval(expression, {"np": np, "tf": tf, **names})


def load_folder(folder: Path) -> list[Case]:
    """Load all cases of one golden folder."""
    index = json.loads((folder / "index.json").read_text())
    if index["format"] != FORMAT:
        raise ValueError(f"{folder} has format {index['format']!r}, this suite reads {FORMAT!r}")
    return [Case(folder, fields, index["reference"]["model"]) for fields in index["cases"]]


def load_folders(folders: Iterable[Path]) -> Iterator[Case]:
    """Load the cases of several folders; of cases with the same id only the first."""
    seen = set()
    for folder in folders:
        for case in load_folder(folder):
            if case.id not in seen:
                seen.add(case.id)
                yield case
