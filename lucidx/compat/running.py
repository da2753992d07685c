"""Scripts, and modules that are run as such, under compat."""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from lucidx import compat
from lucidx.compat import sources
from lucidx.compat.porting.python2 import UnreadableError
from lucidx.errors import InvalidValueError


def compiled(path: str | os.PathLike[str]) -> sources.Compiled:
    """The code of a script, in Python 3 or Python 2.

    Raises
    ------
    InvalidValueError : there is no such file, or it is neither; the message names the line.
    MissingExtraError : it is Python 2, and what translates it is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise InvalidValueError(f"There is no file {str(path)!r}.")
    if path.suffix == ".ipynb":
        raise InvalidValueError(
            f"{path} is a notebook: open it, make `%load_ext lucidx.compat` its first cell, and "
            "run it. `lucidx port` rewrites it for good."
        )
    try:
        return sources.compiled(path.read_bytes(), str(path))
    except UnreadableError as error:
        raise InvalidValueError(f"{path}: {error}") from error


def found(module: str) -> ModuleSpec:
    """The module that `python -m module` would run, with `lucidx.compat` installed.

    Of a package, that is its `__main__`.

    Raises
    ------
    InvalidValueError : there is none whose source can be read.
    """
    compat.install()
    try:
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{module}.__main__")
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        spec = None
    if spec is None or not spec.has_location or Path(spec.origin).suffix != ".py":
        raise InvalidValueError(
            f"There is no module {module!r} to be run, with sys.path beginning with "
            f"{sys.path[0]!r}. A package needs a __main__.py."
        )
    return spec


def run(
    script: sources.Compiled, path: str | os.PathLike[str], spec: ModuleSpec | None = None
) -> dict[str, Any]:
    """Run a script as `__main__`, with `lucidx.compat` installed.

    Parameters
    ----------
    spec : of the module that it is, for imports relative to its package.

    Returns
    -------
    Its globals.
    """
    compat.install()
    main = types.ModuleType("__main__")
    main.__file__ = os.path.abspath(path)
    if spec is not None:
        main.__spec__, main.__package__ = spec, spec.parent
    before = sys.modules["__main__"]
    sys.modules["__main__"] = main
    try:
        script.run(vars(main))
    finally:
        sys.modules["__main__"] = before
    return vars(main)
