"""Scripts under compat."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import Any

from lucidx import compat
from lucidx.compat import sources
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
    return sources.compiled(path.read_bytes(), str(path))


def run(script: sources.Compiled, path: str | os.PathLike[str]) -> dict[str, Any]:
    """Run a script as `__main__`, with `lucidx.compat` installed.

    Returns
    -------
    Its globals.
    """
    compat.install()
    main = types.ModuleType("__main__")
    main.__file__ = os.fspath(path)
    before = sys.modules["__main__"]
    sys.modules["__main__"] = main
    try:
        script.run(vars(main))
    finally:
        sys.modules["__main__"] = before
    return vars(main)
