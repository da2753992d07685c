"""Scripts, and other programs that are one text."""

from __future__ import annotations

from collections.abc import Callable

from lucidx.compat.porting import magics
from lucidx.compat.porting.cells import mask
from lucidx.compat.porting.lines import line_of
from lucidx.compat.porting.python2_names import SHEBANG
from lucidx.compat.porting.report import Place, Report
from lucidx.compat.porting.surroundings import Package
from lucidx.errors import InvalidValueError, MissingExtraError

NOWHERE = "\0"  # in no source
MOST_CHARACTERS = 1_000_000  # of a script, or a cell


def port_script(text: str, report: Report, *, package: Package | None = None) -> str:
    """Port a script.

    Parameters
    ----------
    text : Python, 2 or 3; it may have magics and shell lines, as scripts from notebooks have.
    report : is told what is done and not done.
    package : that it is in.

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
    ported = port_program(text, report, package=package)
    for remark in report.remarks:
        if remark.is_kept:
            what = remark.what.removesuffix(", kept as it is")
            raise InvalidValueError(f"Line {remark.place.line}: {what}. Correct it by hand.")
    _remark_magics(text, report)
    return ported


def _remark_magics(text: str, report: Report) -> None:
    """Report lines of IPython's that stay."""
    masked = mask(text, NOWHERE, arguments=False)
    for name, line in masked.hidden.items():
        if not magics.port_line(line).is_comment:
            python = masked.python or ""
            place = Place(None, line_of(python, python.index(name)))
            advice = "run the script with ipython, as an .ipy, or take it out"
            report.left(place, "a magic or shell line, which is no Python", advice)


def port_program(
    text: str, report: Report, *, python2: bool = False, package: Package | None = None
) -> str:
    """Port a program; what cannot be read stays as it is, and is reported.

    Parameters
    ----------
    python2 : whether Python 2 is known to be meant; else that is told from the text.
    package : that it is in.
    """
    named = SHEBANG.match(text) is not None
    python2 |= named or (package is not None and package.python2)
    ported = cell_porting()({None: text}, report, python2=python2, package=package)[None]
    if named:
        report.changed(Place(None, 1), "Python 2 -> Python 3")
    return SHEBANG.sub(r"\g<1>3", ported)


def cell_porting() -> Callable[..., dict[int | None, str]]:
    """The function that ports Python, which takes libcst.

    Raises
    ------
    MissingExtraError : that is not installed.
    """
    try:
        import libcst  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("libcst", "port", "Porting") from error
    from lucidx.compat.porting.python_cells import port_cells

    return port_cells
