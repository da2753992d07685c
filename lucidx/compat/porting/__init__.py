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

from lucidx.compat.porting.notebook import (
    MOST_CHARACTERS,
    cell_porting,
    code_cells,
    port_notebook,
    read_notebook,
)
from lucidx.compat.porting.python2_names import SHEBANG
from lucidx.compat.porting.report import Place, Report
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
    mark = BOM if before.startswith(BOM) else b""
    encoding = "utf-8" if path.suffix == NOTEBOOK else _encoding(before)
    try:
        text = before[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        advice = "" if path.suffix == NOTEBOOK else " Name its encoding: # -*- coding: latin-1 -*-."
        raise CorruptFileError(f"{path} is not {encoding} text: {error}.{advice}") from None
    ported = (port_notebook if path.suffix == NOTEBOOK else port_script)(text, report)
    diff = _diff(path, text, ported)
    if ported == text:
        return Ported(path, before, before, report, diff)
    return Ported(path, before, mark + ported.encode(encoding, "surrogatepass"), report, diff)


def port_script(text: str, report: Report) -> str:
    """Port a script.

    Parameters
    ----------
    text : Python, 2 or 3; it may have magics and shell lines, as scripts from notebooks have.
    report : is told what is done and not done.

    Returns
    -------
    What it becomes; `text` itself if nothing is to be changed.

    Raises
    ------
    InvalidValueError : it is not Python 2 or 3.
    MissingExtraError : a package that porting takes is not installed.
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidValueError(
            f"A script of {len(text)} characters: at most {MOST_CHARACTERS} are ported. Split it."
        )
    old = SHEBANG.match(text) is not None
    ported = cell_porting()({None: text}, report, python2=old)[None]
    unread = [each for each in report.remarks if each.what.endswith("kept as it is")]
    if unread:
        (remark, *_) = unread
        what = remark.what.removesuffix(", kept as it is")
        raise InvalidValueError(f"Line {remark.place.line}: {what}. Correct it by hand.")
    if old:
        report.changed(Place(None, 1), "Python 2 -> Python 3")
    return SHEBANG.sub(r"\g<1>3", ported)


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
        old = read_notebook(before)
        old = {n: source for n, _, source in code_cells(old)} if "cells" in old else {}
        new = code_cells(read_notebook(after))
        pairs = [(f"{path}, cell {n}", old.get(n, ""), source) for n, _, source in new]
    return "".join(
        line if line.endswith("\n") else f"{line}\n"
        for name, a, b in pairs
        for line in difflib.unified_diff(
            a.splitlines(keepends=True), b.splitlines(keepends=True), name, name
        )
    )
