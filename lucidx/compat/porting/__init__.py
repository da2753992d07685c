"""Porting for good: programs and notebooks written for Lucid, rewritten for lucidx.

`port_file` reads one and says what it becomes; `lucidx port` is the command. Needs
`pip install 'lucidx[port]'`; does not import TensorFlow.
"""

from __future__ import annotations

import difflib
import io
import os
import tokenize
from pathlib import Path
from typing import NamedTuple

from lucidx.compat.porting.notebook import code_cells, port_notebook, read_notebook
from lucidx.compat.porting.report import Report
from lucidx.compat.porting.script import port_script
from lucidx.compat.porting.surroundings import package_of
from lucidx.errors import CorruptFileError, InvalidValueError

__all__ = ["Ported", "Report", "port_file", "port_notebook", "port_script"]

NOTEBOOK, SCRIPT = ".ipynb", ".py"
BOM = b"\xef\xbb\xbf"


class Ported(NamedTuple):
    """A file and what it becomes.

    Attributes
    ----------
    path : of the file.
    before, after : its content.
    report : what was changed, and what could not be.
    diff : unified diff of its sources.
    """

    path: Path
    before: bytes
    after: bytes
    report: Report
    diff: str


def port_file(path: str | os.PathLike) -> Ported:
    """Port a notebook (.ipynb) or a script (.py) from Lucid to lucidx; writes nothing.

    Raises
    ------
    InvalidValueError : its name has another ending; or it is a script that is no Python, 2 or 3.
    CorruptFileError : it is not the notebook or the text that its name says.
    MissingExtraError : a package that porting takes is not installed.
    OSError : it cannot be read.
    """
    path = Path(path)
    if path.suffix not in (NOTEBOOK, SCRIPT):
        raise InvalidValueError(f"{path} is not a notebook (.ipynb) or a script (.py).")
    before = path.read_bytes()
    report = Report()
    text, encoding, mark = _decoded(path, before)
    if path.suffix == NOTEBOOK:
        ported = port_notebook(text, report)
    else:
        ported = port_script(text, report, package=package_of(path))
    diff = _diff(path, text, ported)
    if ported == text:
        return Ported(path, before, before, report, diff)
    return Ported(path, before, mark + ported.encode(encoding, "surrogatepass"), report, diff)


def sources_of(path: Path, content: bytes) -> dict[int | None, str]:
    """Sources in a notebook, by cell, or of a script, by None; raises as `port_file` does."""
    text, *_ = _decoded(path, content)
    if path.suffix == SCRIPT:
        return {None: text}
    return {number: source for number, _, source in code_cells(read_notebook(text))}


def _decoded(path: Path, content: bytes) -> tuple[str, str, bytes]:
    """Text of a file, its encoding, and the mark of that at its beginning."""
    mark = BOM if content.startswith(BOM) else b""
    encoding = "utf-8" if path.suffix == NOTEBOOK else _encoding(content)
    try:
        return content[len(mark) :].decode(encoding), encoding, mark
    except UnicodeDecodeError as error:
        advice = "" if path.suffix == NOTEBOOK else " Name its encoding: # -*- coding: latin-1 -*-."
        raise CorruptFileError(f"{path} is not {encoding} text: {error}.{advice}") from None


def _encoding(content: bytes) -> str:
    try:
        return tokenize.detect_encoding(io.BytesIO(content.removeprefix(BOM)).readline)[0]
    except (SyntaxError, UnicodeError) as error:
        raise CorruptFileError(
            f"The script is not text in the encoding it names, or in UTF-8: {error}. Name its "
            "encoding in its first line: # -*- coding: latin-1 -*-."
        ) from None


def _diff(path: Path, before: str, after: str) -> str:
    """Unified diff of scripts, or of the cells of notebooks, one after the other."""
    if before == after:
        return ""
    if path.suffix == SCRIPT:
        pairs = [(str(path), before, after)]
    else:
        old = {n: source for n, _, source in code_cells(read_notebook(before))}
        new = code_cells(read_notebook(after))
        pairs = [(f"{path}, cell {n}", old.get(n, ""), source) for n, _, source in new]
    return "".join(
        line if line.endswith("\n") else f"{line}\n"
        for name, a, b in pairs
        for line in difflib.unified_diff(
            a.splitlines(keepends=True), b.splitlines(keepends=True), name, name
        )
    )
