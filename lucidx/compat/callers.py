"""Whose code is asking: the user's, which sees TensorFlow 1, or a library's."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lucidx

_INSTALLED = {"site-packages", "dist-packages"}
_LIBRARIES = tuple(
    os.path.join(os.path.realpath(folder), "")
    for folder in (
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("platstdlib"),
        os.path.dirname(lucidx.__file__),
    )
)


def is_user(namespace: Mapping[str, Any]) -> bool:
    """Whether code with these globals is the user's: a script, a notebook, a module of theirs."""
    return _is_user(namespace.get("__name__"), namespace.get("__file__"))


@functools.cache
def _is_user(name: str | None, file: str | None) -> bool:
    if file is not None:
        return is_user_file(file)
    # No file: a cell, a prompt, code given to exec; or a module that is part of Python itself.
    return (name or "").partition(".")[0] not in sys.stdlib_module_names


@functools.cache
def is_user_file(file: str) -> bool:
    """Whether a Python file is neither part of an installed package, nor Python's, nor lucidx's."""
    if file.startswith("<"):
        return False
    path = os.path.realpath(file)
    return _INSTALLED.isdisjoint(Path(path).parts) and not path.startswith(_LIBRARIES)
