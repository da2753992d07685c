"""Which modules and names TensorFlow has inside, told from its files: nothing is imported."""

from __future__ import annotations

import ast
import functools
import importlib.util
from pathlib import Path


@functools.cache
def is_gone(dotted: str) -> bool:
    """Whether TensorFlow has no longer what programs took from its insides.

    Parameters
    ----------
    dotted : name in `tensorflow.python`, such as "python.ops.rnn_cell", perhaps with attributes.
    """
    spec = importlib.util.find_spec("tensorflow")
    first, *parts = dotted.split(".")
    if first != "python" or spec is None or spec.origin is None:
        return False
    folder, names = Path(spec.origin).parent / first, frozenset()
    for part in parts:
        file, inner = folder / f"{part}.py", folder / part
        if inner.is_dir():
            folder, names = inner, _names(inner / "__init__.py")
        elif file.is_file():
            folder, names = file.with_suffix(""), _names(file)
        elif any(folder.glob(f"{part}.*")):  # compiled
            return False
        else:
            return names is not None and part not in names
    return False


@functools.cache
def _names(file: Path) -> frozenset[str] | None:
    """Names that a module binds; None if one cannot know."""
    if not file.is_file():
        return frozenset()
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.FunctionDef(name="__getattr__") | ast.alias(name="*"):
                return None
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.alias(name=name, asname=asname):
                found.add(asname or name.partition(".")[0])
    return frozenset(found)
