"""Cells of Python, ported together: names and scopes go through a whole notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import libcst as cst

from lucidx.compat.porting import magics
from lucidx.compat.porting.cells import Masked, mask, unmask
from lucidx.compat.porting.colab import Colab
from lucidx.compat.porting.comments import with_comment
from lucidx.compat.porting.evidence import WrittenForPython2
from lucidx.compat.porting.exported import Exported
from lucidx.compat.porting.graphs import Builds, Graphs
from lucidx.compat.porting.imports import Additions, Imports
from lucidx.compat.porting.library import LibraryImports
from lucidx.compat.porting.lines import ENDS, line_of, split_lines, through
from lucidx.compat.porting.meaning import MEANINGS
from lucidx.compat.porting.names import Names, WrittenForTensorFlow1
from lucidx.compat.porting.passes import Pass, together
from lucidx.compat.porting.program import Cell, Program, stem_of
from lucidx.compat.porting.python2 import (
    Translation,
    UnreadableError,
    imports_print_function,
    syntax_problem,
    to_python3_syntax,
)
from lucidx.compat.porting.reads import Reads
from lucidx.compat.porting.report import KEPT, Place, Report
from lucidx.compat.porting.siblings import Siblings
from lucidx.compat.porting.sizes import Sizes
from lucidx.compat.porting.surroundings import Package
from lucidx.compat.porting.widgets import Widgets

# Uses of names are told by their imports, so imports come after them.
PASSES: tuple[type[Pass], ...] = (
    *(Exported, WrittenForPython2, WrittenForTensorFlow1, Siblings, together(Sizes, *MEANINGS)),
    *(LibraryImports, together(Reads, Widgets, Names, Builds), Imports, Colab, Graphs, Additions),
)


def port_cells(
    sources: Mapping[int | None, str],
    report: Report,
    *,
    python2: bool = False,
    components: Mapping[str, str | None] | None = None,
    package: Package | None = None,
) -> dict[int | None, str]:
    """Port the cells of a notebook, or a script.

    Parameters
    ----------
    sources : Python, perhaps with magics and shell lines, by number of the cell; by None, a script.
    report : is told what is done and not done.
    python2 : whether Python 2 is known to be meant; else that is told from the sources.
    components : svelte components that other cells define: why each cannot run, None if it can.
    package : that a script is in.

    Returns
    -------
    What they become, by number. Those that cannot be ported are as they were, and reported.
    """
    stem = stem_of(sources.values())
    masked = {}
    for number, source in sources.items():
        hidden = _masked(source, f"{stem}{number or 0}_")
        if hidden.python is not None:
            masked[number] = hidden
    python, print_function = {}, False
    for number, cell in masked.items():
        translated = _python3(number, cell.python or "", report, print_function)
        print_function |= imports_print_function(cell.python or "")
        if translated is not None:
            python2 |= translated.text != cell.python
            python[number] = translated
    python = _without_the_unreadable(python, stem, report)
    old = any(
        hidden.startswith("%tensorflow_version 1")
        for cell in masked.values()
        for hidden in cell.hidden.values()
    )
    known = Known(stem, python2, old, components or {}, package)
    ported = _rewritten(python, known, report)
    result = dict(sources)
    for number, cell in ported.items():
        result[number] = _finished(number, cell, masked[number], sources[number], report)
    return result


def _masked(source: str, stem: str) -> Masked:
    """A cell without its magics; arguments of these are hidden too if that makes it Python."""
    masked, plain = (mask(source, stem, arguments=arguments) for arguments in (True, False))
    if masked.python != plain.python:
        try:
            to_python3_syntax(masked.python or "")
        except UnreadableError:
            return plain
    return masked


def _python3(
    number: int | None, source: str, report: Report, print_function: bool
) -> Translation | None:
    """Source that Python 3 parses; None, and a remark, if there is none."""
    try:
        translated = to_python3_syntax(source, print_function=print_function)
    except UnreadableError as error:
        what = f"neither Python 3 nor Python 2 that can be translated ({error.reason}), {KEPT}"
        report.left(Place(number, error.line), what, "correct it by hand")
        return None
    if translated.text == source:
        return translated
    lines = split_lines(source)
    for after, line in zip(split_lines(translated.text), translated.lines, strict=True):
        before = lines[line - 1]
        if before != after:
            prints = before.lstrip().startswith("print") and not print_function
            what = "print statement -> function" if prints else "Python 2 syntax -> Python 3"
            report.changed(Place(number, line), what)
    return translated


def _without_the_unreadable(
    python: dict[int | None, Translation], stem: str, report: Report
) -> dict[int | None, Translation]:
    """Cells that the syntax tree keeps as they are, to the last character."""
    if _is_kept([cell.text for cell in python.values()], stem):
        return python
    readable = {}
    for number, cell in python.items():
        if _is_kept([cell.text], stem):
            readable[number] = cell
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


class Known(NamedTuple):
    """What is known of all cells, see `Program`."""

    stem: str
    python2: bool
    tensorflow1: bool
    components: Mapping[str, str | None]
    package: Package | None


def _rewritten(
    python: dict[int | None, Translation], known: Known, report: Report
) -> dict[int | None, Cell]:
    """Cells after all passes, with magics still hidden; lines are those of the sources."""
    if not python:
        return {}
    found = Report()
    texts = [cell.text for cell in python.values()]
    program = Program.of(texts, list(python), known.stem, found)
    program.python2, program.tensorflow1 = known.python2, known.tensorflow1
    program.components, program.package = known.components, known.package
    try:
        program.apply(*PASSES)
    except Exception as error:  # whatever it is, it must not cost the other cells
        if len(python) > 1:
            apart: dict[int | None, Cell] = {}
            for number, cell in python.items():
                apart |= _rewritten({number: cell}, known, report)
            return apart
        ((number, cell),) = python.items()
        what = f"could not be ported ({type(error).__name__}), {KEPT}"
        report.left(Place(number, 1), what, "port it by hand")
        return {number: Cell(cell.text, cell.lines)}
    report.take(found.moved({number: cell.lines for number, cell in python.items()}))
    return {
        number: Cell(program.with_comments(cell.text), through(cell.lines, before.lines))
        for (number, before), cell in zip(python.items(), program.cells(), strict=True)
    }


def _finished(number: int | None, cell: Cell, masked: Masked, source: str, report: Report) -> str:
    """The cell with its magics; as it was if something of it would be lost."""
    text, python = cell.text, masked.python or ""
    lost = [name for name in masked.hidden if text.count(name) != 1]
    problem = syntax_problem(text)
    if lost or problem:
        line, reason = problem or (1, "a magic or shell line would be lost")
        what = f"could not be ported ({reason}), {KEPT}"
        report.left(Place(number, line), what, "port it by hand")
        return source
    hidden = {}
    for name, line in masked.hidden.items():
        at = python.index(name)
        assigned = python[:at].rpartition("\n")[2].rstrip().endswith("=")
        is_magic = line[0] in "!%"
        ported = magics.port_line(line, assigned=assigned) if is_magic else magics.Ported(line)
        if ported.change:
            report.changed(Place(number, line_of(python, at)), ported.change)
        if ported.is_comment:
            text = with_comment(text, name, ported.text)
        else:
            hidden[name] = ported.text
    return _with_ends_of(source, unmask(text, hidden))


def _with_ends_of(source: str, ported: str) -> str:
    """The ported cell with the ends of lines that the source has, if these are all the same."""
    if set(ENDS.findall(source)) == {"\r\n"}:
        return ENDS.sub("\r\n", ported)
    return ported
