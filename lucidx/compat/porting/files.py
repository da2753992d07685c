"""Files that belong together: all programs of a directory, and what a program uses beside it."""

from __future__ import annotations

import ast
import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lucidx.compat.porting import NOTEBOOK, SCRIPT, Ported, port_file, sources_of
from lucidx.compat.porting.cells import mask
from lucidx.compat.porting.lines import line_of
from lucidx.compat.porting.python2 import UnreadableError, to_python3_syntax
from lucidx.compat.porting.report import Place
from lucidx.errors import CorruptFileError, InvalidValueError

# Other people's programs.
LEFT_OUT = {"__pycache__", "node_modules", "site-packages"}
ENVIRONMENT = "pyvenv.cfg"
STEM = "_lucidx_files_"
RUNS_FILES = re.compile(r"%run\b|!+\s*(?:\S*python[\d.]*|\{sys\.executable\})\s")
FILE = re.compile(r"[^\s'\"]+\.(?:py|ipynb)\b")


class Refused(NamedTuple):
    """A file that cannot be ported, and why."""

    path: Path
    reason: str


class Use(NamedTuple):
    """A file beside a program that it imports or runs, and where it does."""

    file: Path
    place: Place


def programs_in(directory: Path, but: Path | None = None) -> list[Path]:
    """All scripts and notebooks under a directory; not those of environments and hidden ones.

    Parameters
    ----------
    but : a directory that is left out.
    """
    found = []
    for folder, folders, names in os.walk(directory):
        here = Path(folder)
        folders[:] = [name for name in folders if _is_own(here / name, but)]
        found += [
            here / name
            for name in names
            if name.endswith((SCRIPT, NOTEBOOK)) and not name.startswith(".")
        ]
    return sorted(path for path in found if path.is_file())


def port_files(paths: Sequence[Path]) -> Iterator[Ported | Refused]:
    """Port files that belong together; writes nothing.

    Reports say which other files a program uses that are to be ported, too.

    Yields
    ------
    For each path, in their order, what it becomes; or why it cannot be ported.

    Raises
    ------
    MissingExtraError : a package that porting takes is not installed.
    """
    known = {path.resolve(): False for path in paths}  # whether each is to be ported still
    for path in paths:
        ported = _ported(path)
        if isinstance(ported, Ported):
            for file, place in _uses(ported):
                if file not in known:
                    other = _ported(file)
                    known[file] = isinstance(other, Refused) or other.after != other.before
                if known[file]:
                    what = f"{os.path.relpath(file, path.parent.resolve())}, which it uses"
                    ported.report.left(place, what, "port it, too: lucidx port takes directories")
        yield ported


def _ported(path: Path) -> Ported | Refused:
    try:
        return port_file(path)
    except (InvalidValueError, CorruptFileError, OSError) as error:
        return Refused(path, str(error))


def _is_own(folder: Path, but: Path | None) -> bool:
    if folder.name.startswith(".") or folder.name in LEFT_OUT or (folder / ENVIRONMENT).exists():
        return False
    return but is None or folder.resolve() != but.resolve()


def _uses(ported: Ported) -> list[Use]:
    folder = ported.path.parent.resolve()
    modules = {path.stem for path in folder.glob(f"*{SCRIPT}")}
    modules |= {path.parent.name for path in folder.glob("*/__init__.py")}
    found = []
    for number, source in sources_of(ported.path, ported.before).items():
        if any(name in source for name in modules - {ported.path.stem}) or FILE.search(source):
            with contextlib.suppress(UnreadableError):
                found += _uses_of(number, source, folder)
    this = ported.path.resolve()
    return [use for use in found if use.file != this and use.file.is_file()]


def _uses_of(number: int | None, source: str, folder: Path) -> Iterator[Use]:
    masked = mask(source, STEM, arguments=False)
    if masked.python is None:
        return
    for name, line in masked.hidden.items():
        place = Place(number, line_of(masked.python, masked.python.index(name)))
        if RUNS_FILES.match(line):
            yield from (Use((folder / file).resolve(), place) for file in FILE.findall(line))
    translated = to_python3_syntax(masked.python)
    for node in ast.walk(ast.parse(translated.text)):
        for module in _imported(node):
            place = Place(number, translated.lines[node.lineno - 1])
            path = folder.joinpath(*module.split("."))
            yield Use(path.with_name(path.name + SCRIPT), place)
            yield Use(path / "__init__.py", place)


def _imported(node: ast.AST) -> list[str]:
    """Modules that a node may import, by dotted names that begin where the program is."""
    match node:
        case ast.Import(names=aliases):
            return [alias.name for alias in aliases]
        case ast.ImportFrom(module=module, names=aliases, level=0 | 1):
            inside = f"{module}." if module else ""
            names = [f"{inside}{alias.name}" for alias in aliases if alias.name != "*"]
            return [*filter(None, [module]), *names]
    return []
