"""Cells that have a program of their own in them: `%%writefile x.py`, `%%python3`."""

from __future__ import annotations

from lucidx.compat.porting.cells import cell_magic
from lucidx.compat.porting.report import Place, Report
from lucidx.compat.porting.script import port_program

WRITING = {"writefile", "file"}
RUNNING = {"python", "python2", "python3"}
PYTHON2 = "%%python2"


def port_body(number: int, source: str, report: Report, *, python2: bool) -> str | None:
    """Port the program that a cell writes, or runs apart from the notebook.

    Parameters
    ----------
    number : of the cell.
    python2 : whether the notebook was written for Python 2.

    Returns
    -------
    What the cell becomes; None if it has no such program.
    """
    magic = cell_magic(source)
    if magic not in WRITING | RUNNING:
        return None
    rows = source.splitlines(keepends=True)
    start = next(i for i, row in enumerate(rows, 1) if row.strip())
    head, body = "".join(rows[:start]), "".join(rows[start:])
    file = head.split()[-1].strip("\"'") if magic in WRITING else None
    if file and not file.endswith(".py"):
        return None
    of_body = Report()
    old = magic == "python2" or (python2 and magic != "python3")
    ported = port_program(body, of_body, python2=old)
    report.take(of_body.within(number, start))
    if any(remark.is_kept for remark in of_body.remarks):
        return source
    place = Place(number, start)
    if file and ported != body:
        report.changed(place, f"the program that is written as {file} -> ported")
    if magic == "python2":
        head = head.replace(PYTHON2, "%%python3", 1)
        report.changed(place, f"{PYTHON2} -> %%python3")
    return head + ported
