"""Cells of Python, ported together: names and scopes go through a whole notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import libcst as cst

from lucidx.compat.porting import magics
from lucidx.compat.porting.cells import Masked, mask, unmask
from lucidx.compat.porting.division import Division
from lucidx.compat.porting.graphs import Graphs, Sizes
from lucidx.compat.porting.imports import Additions, Imports
from lucidx.compat.porting.names import Names, WrittenForTensorFlow1
from lucidx.compat.porting.passes import Pass, Program, stem_of
from lucidx.compat.porting.python2 import syntax_problem, translated_syntax
from lucidx.compat.porting.reads import Reads
from lucidx.compat.porting.report import Place, Report
from lucidx.compat.porting.semantics import Semantics, WrittenForPython2
from lucidx.compat.porting.widgets import Widgets

# Uses of names are told by their imports, so imports come after them.
PASSES: tuple[type[Pass], ...] = (
    *(WrittenForPython2, WrittenForTensorFlow1, Semantics, Division, Reads, Widgets),
    *(Names, Sizes, Imports, Graphs, Additions),
)
KEPT = "kept as it is"


def port_cells(
    sources: Mapping[int | None, str], report: Report, *, python2: bool = False
) -> dict[int | None, str]:
    """Port the cells of a notebook, or a script.

    Parameters
    ----------
    sources : Python, perhaps with magics and shell lines, by number of the cell; by None, a script.
    report : is told what is done and not done.
    python2 : whether Python 2 is known to be meant; else that is told from the sources.

    Returns
    -------
    What they become, by number. Those that cannot be ported are as they were, and reported.
    """
    stem = stem_of(sources.values())
    masked = {}
    for number, source in sources.items():
        hidden = mask(source, f"{stem}{number or 0}_")
        if hidden.python is not None:
            masked[number] = hidden
    python = {}
    for number, cell in masked.items():
        translated = _python3(number, cell.python or "", report)
        if translated is not None:
            python2 |= translated != cell.python
            python[number] = translated
    python = _without_the_unreadable(python, stem, report)
    old = any(
        hidden.startswith("%tensorflow_version 1")
        for cell in masked.values()
        for hidden in cell.hidden.values()
    )
    ported = _rewritten(python, stem, report, python2, old)
    result = dict(sources)
    for number, (text, comments) in ported.items():
        result[number] = _finished(number, text, comments, masked[number], sources[number], report)
    return result


def _python3(number: int | None, source: str, report: Report) -> str | None:
    """Source that Python 3 parses; None, and a remark, if there is none."""
    translated, (line, reason) = translated_syntax(source)
    if translated is None:
        what = f"neither Python 3 nor Python 2 that can be translated ({reason}), {KEPT}"
        report.left(Place(number, line), what, "correct it by hand")
        return None
    rows = zip(source.split("\n"), translated.split("\n"), strict=False)
    for line, (before, after) in enumerate(rows, 1):
        if before != after:
            prints = before.lstrip().startswith("print")
            what = "print statement -> function" if prints else "Python 2 syntax -> Python 3"
            report.changed(Place(number, line), what)
    return translated


def _without_the_unreadable(
    python: dict[int | None, str], stem: str, report: Report
) -> dict[int | None, str]:
    """Cells that the syntax tree keeps as they are, to the last character."""
    if _is_kept(list(python.values()), stem):
        return python
    readable = {}
    for number, source in python.items():
        if _is_kept([source], stem):
            readable[number] = source
        else:
            what = f"its syntax tree loses characters or is too deep, {KEPT}"
            report.left(Place(number, 1), what, "port it by hand")
    return readable


def _is_kept(sources: Sequence[str], stem: str) -> bool:
    program = Program.of(sources, [None] * len(sources), stem, Report())
    try:
        return cst.parse_module(program.text).code == program.text
    except (cst.ParserSyntaxError, RecursionError, UnicodeError):
        return False


def _rewritten(
    python: dict[int | None, str], stem: str, report: Report, python2: bool, tensorflow1: bool
) -> dict[int | None, tuple[str, dict[str, str]]]:
    """Cells after all passes, with the comments that names in them stand for."""
    if not python:
        return {}
    found = Report()
    program = Program.of(list(python.values()), list(python), stem, found)
    program.python2, program.tensorflow1 = python2, tensorflow1
    try:
        program.apply(*PASSES)
    except Exception as error:  # whatever it is, it must not cost the other cells
        if len(python) > 1:
            apart: dict[int | None, tuple[str, dict[str, str]]] = {}
            for number, source in python.items():
                apart |= _rewritten({number: source}, stem, report, python2, tensorflow1)
            return apart
        (number,) = python
        what = f"could not be ported ({type(error).__name__}), {KEPT}"
        report.left(Place(number, 1), what, "port it by hand")
        return {number: (python[number], {})}
    report.take(found)
    return dict(zip(python, ((cell, program.comments) for cell in program.cells()), strict=True))


def _finished(
    number: int | None,
    text: str,
    comments: dict[str, str],
    masked: Masked,
    source: str,
    report: Report,
) -> str:
    """The cell with its magics and comments; as it was if something of it would be lost."""
    lost = [name for name in masked.hidden if text.count(name) != 1]
    problem = syntax_problem(text)
    if lost or problem:
        line, reason = problem or (1, "a magic or shell line would be lost")
        report.left(
            Place(number, line), f"could not be ported ({reason}), {KEPT}", "port it by hand"
        )
        return source
    for name, code in comments.items():
        text = _with_comment(text, name, code)
    hidden = {}
    for name, line in masked.hidden.items():
        ported = magics.port_line(line) if line[0] in "!%" else magics.Ported(line)
        if ported.change:
            row = text[: text.index(name)].count("\n") + 1
            report.changed(Place(number, row), ported.change)
        if ported.is_comment:
            text = _with_comment(text, name, ported.text)
        else:
            hidden[name] = ported.text
    return unmask(text, hidden)


def _with_comment(text: str, name: str, code: str) -> str:
    """Text with a comment in place of a name that stands for it."""
    before, found, after = text.partition(name)
    if not found:
        return text
    row = before[before.rfind("\n") + 1 :]
    rest = after.split("\n", 1)[0].strip()
    if rest and not rest.startswith("#"):
        return f"{before}pass{after}"
    indentation = row[: len(row) - len(row.lstrip())]
    return before + magics.as_comment(code, indentation, in_block=bool(row)) + after
