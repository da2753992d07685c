"""Python 2 to Python 3: what the syntax tells."""

from __future__ import annotations

import ast
import functools
import warnings
from typing import Any

from lucidx.compat.porting.report import Report
from lucidx.errors import InvalidValueError, MissingExtraError

# What Python 3 cannot parse. What it parses and means otherwise is left to `semantics`.
_SYNTAX = ("except", "exec", "ne", "numliterals", "paren", "raise", "repr", "throw")
_SYNTAX += ("tuple_params",)
# Takes the u of every string away, so only where ur'...' needs it.
_STRINGS = (*_SYNTAX, "unicode")


def to_python3(source: str) -> str:
    """Python 3 for a program, or a cell of a notebook, that was written for Python 2.

    Statements become functions (print, exec), removed syntax its successor, and what Python 2 meant
    is written out where it can be told (see `lucidx.compat.porting.semantics`). Comments and
    formatting stay. IPython's magics and shell lines are no Python: replace them first.

    Parameters
    ----------
    source : Python 2, or Python 3, which changes only where it can have been meant as Python 2.

    Raises
    ------
    InvalidValueError : it is neither; the message names the line.
    MissingExtraError : fissix or libcst is not installed.
    """
    translated = to_python3_syntax(source)
    try:
        from lucidx.compat.porting.division import Division
        from lucidx.compat.porting.imports import Additions
        from lucidx.compat.porting.passes import Program, stem_of
        from lucidx.compat.porting.semantics import Semantics
    except ImportError as error:
        raise MissingExtraError("libcst", "port", "Translating Python 2") from error
    program = Program.of([translated], [None], stem_of([source]), Report())
    program.python2 = True
    try:
        program.apply(Semantics, Division, Additions)
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(f"This cannot be translated from Python 2: {error}.") from error
    return program.cells()[0]


def to_python3_syntax(source: str) -> str:
    """Source that Python 3 can parse, and that prints what it printed; see `to_python3`."""
    translated, problem = translated_syntax(source)
    if translated is None:
        line, reason = problem
        raise InvalidValueError(
            f"Line {line} is neither Python 3 nor Python 2 that can be translated: {reason}. "
            "Correct it, or translate it by hand."
        )
    return translated


def translated_syntax(source: str) -> tuple[str | None, tuple[int, str]]:
    """As `to_python3_syntax`; None where that raises, with the line, from 1, and the reason."""
    problem = syntax_problem(source)
    if problem is None and not _prints_by_statement(source):
        return source, (0, "")
    text = source.replace("\r\n", "\n")
    problems = [problem or (1, "a print statement is not understood")]
    for fixers, has_print_statement in ((_SYNTAX, True), (_SYNTAX, False), (_STRINGS, True)):
        translated, stopped_at = _refactored(text, fixers, has_print_statement)
        if translated is None:
            problems.append((stopped_at, "invalid syntax, in Python 2 too"))
        elif (left := syntax_problem(translated)) is None:
            return _with_endings(translated, source), (0, "")
        else:
            problems.append(left)
    # Whoever understood most, knows best what is wrong.
    return None, max(problems, key=lambda each: each[0])


def _with_endings(text: str, source: str) -> str:
    """Text with the line endings of what it was translated from."""
    lines, old = text.split("\n"), source.split("\n")
    usual = "\r" if old[0].endswith("\r") else ""
    ends = ["\r" if line.endswith("\r") else "" for line in old]
    if len(lines) != len(ends):  # a statement became several
        ends = [usual] * (len(lines) - 1) + [""]
    return "\n".join(line + end for line, end in zip(lines, ends, strict=True))


def syntax_problem(source: str) -> tuple[int, str] | None:
    """First line, counted from 1, that Python 3 cannot parse, and why; None if there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except SyntaxError as error:
        return error.lineno or 1, error.msg
    except (ValueError, UnicodeError) as error:
        return 1, str(error)
    except (RecursionError, MemoryError):
        return 1, "it is nested too deeply"
    return None


def _prints_by_statement(source: str) -> bool:
    """Whether Python 3 would parse, and not mean, a print statement: `print`, `print >>f, x`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    statements = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return any(_is_print(_leftmost(value), value) for value in statements)


def _leftmost(expression: ast.expr) -> ast.expr:
    while True:
        match expression:
            case ast.BinOp(left=first) | ast.Compare(left=first):
                expression = first
            case ast.BoolOp(values=[first, *_]) | ast.Tuple(elts=[first, *_]):
                expression = first
            case _:
                return expression


def _is_print(first: ast.expr, whole: ast.expr) -> bool:
    match first:
        case ast.Name(id="print"):
            return True
        case ast.Call(func=ast.Name(id="print")):
            return first is not whole
    return False


def _refactored(
    source: str, fixers: tuple[str, ...], has_print_statement: bool
) -> tuple[str | None, int]:
    """Source after some fixers; None, and the line that is not understood, if there is one."""
    tool = _tool(fixers, has_print_statement)
    from fissix.pgen2.parse import ParseError

    text = source if source.endswith("\n") else source + "\n"
    try:
        translated = str(tool.refactor_string(text, "source"))
    except ParseError as error:
        _, (line, _) = error.context
        return None, line
    except Exception:  # fissix's own mistakes, of any kind, on sources that are odd enough
        return None, 1
    return translated if source.endswith("\n") else translated.removesuffix("\n"), 0


@functools.cache
def _tool(fixers: tuple[str, ...], has_print_statement: bool) -> Any:
    try:
        from fissix import refactor
    except ImportError as error:
        raise MissingExtraError("fissix", "port", "Translating Python 2") from error
    names = [f"fissix.fixes.fix_{name}" for name in fixers]
    names.append("lucidx.compat.porting.fix_print")
    return refactor.RefactoringTool(names, {"print_function": not has_print_statement})
