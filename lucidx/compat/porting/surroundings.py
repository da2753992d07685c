"""The package that a script is in."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import NamedTuple

from lucidx.compat.porting.python2 import UnreadableError, syntax_problem, to_python3_syntax
from lucidx.errors import MissingExtraError

INIT = "__init__"


class Package(NamedTuple):
    """What is in the directory of a module that is in a package.

    Attributes
    ----------
    modules : names of the modules, and of the packages, beside it.
    is_init : whether the module is the package's own.
    python2 : whether Python 3 cannot read one of the others: all of a package is run by one Python.
    """

    modules: frozenset[str]
    is_init: bool
    python2: bool


def package_of(path: Path) -> Package | None:
    """The package that a script is in; None if it is in none."""
    folder = path.parent
    if not (folder / f"{INIT}.py").is_file():
        return None
    others = [each for each in folder.glob("*.py") if each.name != path.name and each.is_file()]
    modules = {each.stem for each in others}
    modules |= {each.parent.name for each in folder.glob(f"*/{INIT}.py")}
    python2 = any(_is_python2(each, each.stat().st_mtime_ns) for each in others)
    return Package(frozenset(modules - {INIT, path.stem}), path.stem == INIT, python2)


@functools.cache
def _is_python2(path: Path, changed: int) -> bool:
    """Whether it is text, as it was changed last, that only Python 2 can read."""
    try:
        text = importlib.util.decode_source(path.read_bytes())
    except (OSError, SyntaxError, UnicodeError):
        return False
    if syntax_problem(text) is None:
        return False
    try:
        to_python3_syntax(text)
    except (UnreadableError, MissingExtraError):
        return False
    return True
