"""Which modules and names lucidx has, told from its files: nothing is imported."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
# What went away with TensorFlow 1, and the module that has what Lucid's users took of it.
GONE = {"contrib": "lucidx.compat.contrib", "layers": "lucidx.compat.layers"}


def has_module(dotted: str) -> bool:
    """Whether lucidx has a module, such as "lucidx.optvis.render"."""
    return _file(dotted) is not None or ROOT.joinpath(*dotted.split(".")).is_dir()


def has_name(module: str, name: str) -> bool:
    """Whether a module of lucidx has a name, a submodule's too."""
    return has_module(f"{module}.{name}") or name in _names(module)


def may_have(module: str, name: str) -> bool:
    """Whether a module of lucidx has a name, or a function that may give it."""
    return has_name(module, name) or has_name(module, "__getattr__")


@functools.cache
def star_names(module: str) -> frozenset[str]:
    """Names that `from module import *` brings, for a module of Lucid or lucidx."""
    names = _names(re.sub(r"^lucidx?\b", "lucidx", module))
    return frozenset(name for name in names if not name.startswith("_"))


@functools.cache
def replacement(dotted: str) -> str | None:
    """What stands for a name that is gone from TensorFlow, such as "contrib.slim.conv2d"."""
    first, *rest = dotted.split(".")
    module = GONE[first]
    for at, part in enumerate(rest):
        if not has_module(f"{module}.{part}"):
            return ".".join([module, *rest[at:]]) if has_name(module, part) else None
        module = f"{module}.{part}"
    return module


@functools.cache
def _names(module: str) -> frozenset[str]:
    file = _file(module)
    if file is None:
        return frozenset()
    tree = ast.parse(file.read_text("utf-8"))
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.alias(name=name, asname=asname):
                found.add(asname or name)
    return frozenset(found)


def _file(dotted: str) -> Path | None:
    path = ROOT.joinpath(*dotted.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None
