"""Notebooks: their cells are ported, the rest of the file stays as it is."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from lucidx.compat.porting import magics
from lucidx.compat.porting.bodies import port_body
from lucidx.compat.porting.comments import as_comment
from lucidx.compat.porting.components import ADVICE, component_of
from lucidx.compat.porting.report import KEPT, Place, Report
from lucidx.compat.porting.script import MOST_CHARACTERS, cell_porting
from lucidx.errors import CorruptFileError, InvalidValueError, MissingExtraError

# The last format whose cells need no ids, which would be made up.
WITHOUT_IDS = 4


class Style(NamedTuple):
    """How a JSON file is written."""

    indent: int | str | None
    separators: tuple[str, str]
    ascii: bool

    def write(self, thing: Any) -> str:
        """JSON text."""
        return json.dumps(
            thing, indent=self.indent, separators=self.separators, ensure_ascii=self.ascii
        )


def port_notebook(text: str, report: Report) -> str:
    """Port a notebook.

    Parameters
    ----------
    text : of the file: JSON, in nbformat 4, or an older one, which becomes 4.
    report : is told what is done and not done.

    Returns
    -------
    Text of the ported file; `text` itself if nothing is to be changed.

    Raises
    ------
    CorruptFileError : it is no notebook.
    InvalidValueError : it is one of another language.
    MissingExtraError : a package that porting takes is not installed.
    """
    notebook = read_notebook(text)
    style = _style(text, notebook)
    if notebook["nbformat"] < 4:
        notebook = _upgraded(text, report)
    check_language(notebook)
    port_cells = cell_porting()
    sources = {
        number: source
        for number, cell, source in code_cells(notebook)
        if not _is_too_long(number, source, report)
    }
    found = filter(None, map(component_of, sources.values()))
    components = {each.name: each.obstacle for each in found}
    python2 = _is_python2(notebook)
    special = {
        number: _special(number, source, report, python2) for number, source in sources.items()
    }
    python = {number: source for number, source in sources.items() if special[number] is None}
    cells = port_cells(python, report, python2=python2, components=components)
    for number, cell, _ in code_cells(notebook):
        if number in sources:
            put_source(cell, cells[number] if special[number] is None else special[number])
    _to_python3_kernel(notebook, report)
    if not report.changes:
        return text
    ported = style.write(notebook)
    _remark_invalid(ported, report)
    return ported + text[len(text.rstrip()) :]


def read_notebook(text: str) -> dict[str, Any]:
    """The JSON of a notebook, looked over; see `port_notebook`."""
    try:
        notebook = json.loads(text)
    except RecursionError:
        raise CorruptFileError("This is no notebook: its JSON is nested too deeply.") from None
    except ValueError as error:
        raise CorruptFileError(f"This is no notebook: it is not JSON ({error}).") from None
    if not isinstance(notebook, dict) or type(notebook.get("nbformat")) is not int:
        raise CorruptFileError('This is no notebook: it is JSON, but has no number "nbformat".')
    if not 2 <= notebook["nbformat"] <= 4:
        raise CorruptFileError(
            f"This notebook is of nbformat {notebook['nbformat']}; 2, 3 and 4 are known. "
            "Save it in nbformat 4 with the Jupyter that made it."
        )
    if notebook["nbformat"] == 4:
        _check_cells(notebook)
    return notebook


def code_cells(notebook: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Cells of code: number, from 1, among all cells; cell; source. In nbformat 4, or older."""
    if notebook["nbformat"] == 4:
        cells, key, between = notebook["cells"], "source", ""
    else:
        cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
        key, between = "input", "\n" if notebook["nbformat"] == 2 else ""
    for number, cell in enumerate(cells, 1):
        if cell.get("cell_type") == "code":
            source = cell.get(key, "")
            yield number, cell, source if isinstance(source, str) else between.join(source)


def put_source(cell: dict[str, Any], source: str) -> None:
    """Give a cell another source, as one string or as lines, whichever it had."""
    if isinstance(cell["source"], str):
        cell["source"] = source
    elif source != "".join(cell["source"]):
        cell["source"] = [line + "\n" for line in source.split("\n")]
        cell["source"][-1] = cell["source"][-1][:-1]
        if not cell["source"][-1]:
            del cell["source"][-1]


def check_language(notebook: dict[str, Any]) -> None:
    """Raise if a notebook is not for Python; see `port_notebook`."""
    metadata = _metadata(notebook)
    language = _text(metadata, "language_info", "name") or _text(metadata, "kernelspec", "language")
    if language and not language.lower().startswith(("python", "ipython")):
        raise InvalidValueError(
            f"This notebook is written in {language!r}; only notebooks in Python can be ported."
        )


def _check_cells(notebook: dict[str, Any]) -> None:
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise CorruptFileError('This is no notebook: it has no list "cells".')
    for number, cell in enumerate(cells, 1):
        source = cell.get("source") if isinstance(cell, dict) else None
        lines = [source] if isinstance(source, str) else source
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise CorruptFileError(
                f"Cell {number} of this notebook is damaged: its source is no text."
            )


def _is_too_long(number: int, source: str, report: Report) -> bool:
    if len(source) <= MOST_CHARACTERS:
        return False
    what = f"a cell of more than {MOST_CHARACTERS} characters, {KEPT}"
    report.left(Place(number, 1), what, "split it")
    return True


def _special(number: int, source: str, report: Report, python2: bool) -> str | None:
    """What a cell becomes that is not the notebook's own Python; None for that."""
    start = source.lstrip("\n")
    component = component_of(source)
    if component and component.obstacle:
        report.changed(Place(number, 1), "svelte component -> comment")
        what = f"the svelte component {component.name}, now a comment: {component.obstacle}"
        report.left(Place(number, 1), what, ADVICE)
        return as_comment(f"{component.obstacle.capitalize()}, so this does not run.\n{source}")
    if start.startswith(magics.SHELL_CELLS):
        ported, changes = magics.port_shell_cell(source)
        for line, what in changes:
            report.changed(Place(number, line), what)
        return ported
    return port_body(number, source, report, python2=python2)


def _is_python2(notebook: dict[str, Any]) -> bool:
    metadata = _metadata(notebook)
    return (
        _text(metadata, "kernelspec", "name") == "python2"
        or _text(metadata, "kernelspec", "display_name") == "Python 2"
        or _text(metadata, "language_info", "version").startswith("2.")
    )


def _to_python3_kernel(notebook: dict[str, Any], report: Report) -> None:
    if not _is_python2(notebook):
        return
    metadata = notebook["metadata"]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    if isinstance(metadata.get("kernelspec"), dict):
        metadata["kernelspec"] |= {k: v for k, v in kernel.items() if k in metadata["kernelspec"]}
    if _text(metadata, "language_info", "version").startswith("2."):
        # What the kernel that runs it next says of itself.
        metadata["language_info"] = {"name": "python"}
    report.changed(Place(None, 0), "kernel of Python 2 -> 3")


def _metadata(notebook: dict[str, Any]) -> dict[str, Any]:
    found = notebook.get("metadata")
    return found if isinstance(found, dict) else {}


def _text(metadata: dict[str, Any], *path: str) -> str:
    found: Any = metadata
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def _upgraded(text: str, report: Report) -> dict[str, Any]:
    """A notebook of an old format in the present one."""
    nbformat = _nbformat()
    try:
        upgraded = nbformat.reads(text, as_version=4)
        upgraded["nbformat_minor"] = WITHOUT_IDS
        for cell in upgraded["cells"]:
            cell.pop("id", None)
        notebook = json.loads(nbformat.writes(upgraded))
        _check_cells(notebook)
    except Exception as error:  # it says what is wrong with a notebook by any exception
        raise CorruptFileError(
            f"This notebook is of an old nbformat, and damaged: {error!r}."
        ) from None
    report.changed(Place(None, 0), "old nbformat -> 4")
    return notebook


def _remark_invalid(text: str, report: Report) -> None:
    """Report what Jupyter may not open; it was so before."""
    nbformat = _nbformat()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nbformat.validate(json.loads(text))
    except Exception as error:  # of any kind, on JSON that is odd enough
        # The text of a validator's error goes on with the schema, and the whole notebook.
        said = getattr(error, "message", None) or f"{type(error).__name__} {error}"
        reason = " ".join(said.split())[:200]
        report.left(
            Place(None, 0), f"not quite a notebook, as it was: {reason}", "open it in Jupyter"
        )


def _nbformat() -> Any:
    try:
        import nbformat
    except ImportError as error:
        raise MissingExtraError("nbformat", "port", "Porting a notebook") from error
    return nbformat


def _style(text: str, notebook: Any) -> Style:
    """How to write JSON so that what does not change stays, character by character."""
    lines = text.lstrip("\ufeff").split("\n", 2)
    indent: int | str | None = None
    if len(lines) > 1:
        space = lines[1][: len(lines[1]) - len(lines[1].lstrip())]
        indent = "\t" if space.startswith("\t") else len(space)
    pairs = [(",", ": ")] if indent is not None else [(", ", ": "), (",", ":")]
    candidates = [Style(indent, pair, ascii) for pair in pairs for ascii in (False, True)]
    exact = [each for each in candidates if each.write(notebook) == text.strip()]
    likely = Style(indent, pairs[0], text.isascii())
    return (exact or [likely])[0]
