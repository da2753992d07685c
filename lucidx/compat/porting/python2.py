"""Python 2 to Python 3: what the syntax tells."""

from __future__ import annotations

import ast
import functools
import itertools
import re
import warnings
from collections.abc import Container
from typing import Any, NamedTuple

from lucidx.compat.porting.cells import with_spaces
from lucidx.compat.porting.lines import ENDS, line_numbers, split_lines, through
from lucidx.compat.porting.report import Report
from lucidx.errors import InvalidValueError, MissingExtraError

# What Python 3 cannot parse. What it parses and means otherwise is left to `semantics`.
_OF_FISSIX = ("exec", "ne", "paren", "repr", "throw")
_OWN = ("except", "lambda_tuples", "numliterals", "print", "raise", "rawunicode", "tuple_params")
_FIXERS = [f"fissix.fixes.fix_{name}" for name in _OF_FISSIX]
_FIXERS += [f"lucidx.compat.porting.fixes.fix_{name}" for name in _OWN]
# Of so many signs that follow on each other Python says no, and fissix nothing for seconds.
_DEEPEST = 1000
_SIGNS = re.compile(r"[-+~(\[{ ]+")
_PRINT_FUNCTION = re.compile(
    r"^[ \t]*from +__future__ +import\b(?:[^#\n]*|\s*\([^)]*)\bprint_function\b", re.MULTILINE
)
_TOO_DEEP = "it is nested too deeply"


class Translation(NamedTuple):
    """Source in Python 3.

    Attributes
    ----------
    text : the source.
    lines : the line, from 1, of the source before that each line comes from.
    """

    text: str
    lines: list[int]


class UnreadableError(InvalidValueError):
    """Source is neither Python 3 nor Python 2 that can be translated.

    Attributes
    ----------
    line : the line, from 1, that is not understood.
    reason : why.
    """

    def __init__(self, line: int, reason: str):
        super().__init__(
            f"Line {line} is neither Python 3 nor Python 2 that can be translated: {reason}. "
            "Correct it, or translate it by hand."
        )
        self.line = line
        self.reason = reason


def to_python3(source: str, imported: str = "", known: Container[str] = ()) -> Translation:
    """Python 3 for a program, or a cell of a notebook, that was written for Python 2.

    Statements become functions (print, exec), removed syntax its successor, modules and functions
    what took their place, and what Python 2 meant is written out where it can be told (see
    `lucidx.compat.porting.semantics`). Comments and formatting stay. IPython's magics and shell
    lines are no Python: replace them first.

    Parameters
    ----------
    source : Python 2, or Python 3, which changes only where it can have been meant as Python 2.
    imported : import statements that have been executed before, as they were in Python 2.
    known : names that have been defined before.

    Raises
    ------
    InvalidValueError : it is neither; the message names the line.
    MissingExtraError : fissix or libcst is not installed.
    """
    translated = to_python3_syntax(source, print_function=imports_print_function(imported))
    try:
        from lucidx.compat.porting.meaning import PASSES
        from lucidx.compat.porting.program import EARLIER, Program, stem_of
    except ImportError as error:
        raise MissingExtraError("libcst", "port", "Translating Python 2") from error
    cells = [imported, translated.text]
    program = Program.of(cells, [EARLIER, None], stem_of(cells), Report())
    program.python2 = program.under_compat = True
    program.known = known
    try:
        program.apply(*PASSES)
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(f"This cannot be translated from Python 2: {error}.") from error
    _, cell = program.cells()
    return Translation(program.with_comments(cell.text), through(cell.lines, translated.lines))


def imports_print_function(source: str) -> bool:
    """Whether Python 2 takes print for a function in this source, and in cells that follow."""
    return _PRINT_FUNCTION.search(source) is not None


def to_python3_syntax(source: str, *, print_function: bool = False) -> Translation:
    """Source that Python 3 can parse, and that prints what it printed; see `to_python3`.

    Parameters
    ----------
    print_function : whether an earlier cell has imported that from __future__.

    Raises
    ------
    UnreadableError : there is none.
    MissingExtraError : fissix is not installed.
    """
    lines = split_lines(source)
    problem = syntax_problem(source)
    if problem is None and (print_function or not _prints_by_statement(source)):
        return Translation(source, list(range(1, len(lines) + 1)))
    if problem is not None and (deep := _deep_line(lines, problem)):
        raise UnreadableError(deep, _TOO_DEEP)
    texts = ["\n".join(lines)]
    if "\t" in source:
        texts.append("\n".join(with_spaces(lines)))
    problems = []
    statement_first = (False, True) if print_function else (True, False)
    for text, has_print_statement in itertools.product(texts, statement_first):
        found = _refactored(text, has_print_statement)
        if isinstance(found, int):
            problems.append((found, "invalid syntax, in Python 2 too"))
        elif (left := syntax_problem(found.text)) is None:
            return _with_endings(found, source)
        else:
            problems.append((found.lines[left[0] - 1], left[1]))
    # Whoever understood most, knows best what is wrong; Python 3 knows least of Python 2.
    problems.append(problem or (1, "a print statement is not understood"))
    raise UnreadableError(*max(problems, key=lambda each: each[0]))


def _deep_line(lines: list[str], problem: tuple[int, str]) -> int | None:
    """Line that is nested too deeply for Python, if that is what is wrong."""
    for number, line in enumerate(lines, 1):
        if len(line) > _DEEPEST and _is_deep(line):
            return number
    return 1 if problem[1] == _TOO_DEEP else None


def _is_deep(line: str) -> bool:
    runs = _SIGNS.finditer(re.split("[#\"']", line, maxsplit=1)[0])
    longest = max((len(run[0].replace(" ", "")) for run in runs), default=0)
    return longest > _DEEPEST or syntax_problem(line.strip()) == (1, _TOO_DEEP)


def _with_endings(found: Translation, source: str) -> Translation:
    """Lines with the ends of those that they come from."""
    ends = ENDS.findall(source) or ["\n"]
    if set(ends) == {"\n"}:
        return found
    *lines, last = found.text.split("\n")
    ended = [
        line + ends[min(n, len(ends)) - 1] for line, n in zip(lines, found.lines, strict=False)
    ]
    return Translation("".join([*ended, last]), found.lines)


def syntax_problem(source: str) -> tuple[int, str] | None:
    """First line, counted from 1, that Python 3 cannot parse, and why; None if there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except SyntaxError as error:
        return min(error.lineno or 1, len(split_lines(source))), error.msg
    except (ValueError, UnicodeError) as error:
        return 1, str(error)
    except (RecursionError, MemoryError):
        return 1, _TOO_DEEP
    return None


def _prints_by_statement(source: str) -> bool:
    """Whether Python 3 would parse, and not mean, a print statement: `print`, `print >>f, x`."""
    if "print" not in source:
        return False
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


def _refactored(text: str, has_print_statement: bool) -> Translation | int:
    """Text after fissix's fixers; the line that is not understood, if there is one."""
    tool = _tool(has_print_statement)
    from fissix.pgen2.parse import ParseError

    try:
        tree = tool.refactor_string(text if text.endswith("\n") else f"{text}\n", "source")
        translated = str(tree)
    except ParseError as error:
        _, (line, _) = error.context
        return min(line, text.count("\n") + 1)
    except Exception:  # fissix's own mistakes, of any kind, on sources that are odd enough
        return 1
    if not text.endswith("\n"):
        translated = translated.removesuffix("\n")
    return Translation(translated, _lines_of(tree, translated.count("\n") + 1))


def _lines_of(tree: Any, count: int) -> list[int]:
    """Line that each of `count` lines of fissix's tree comes from, as its leaves tell."""
    known: dict[int, int] = {}
    line = 1
    for leaf in tree.leaves():
        line += leaf.prefix.count("\n")
        if leaf.lineno and leaf.value.strip():
            known.setdefault(line, leaf.lineno)
        line += leaf.value.count("\n")
    return line_numbers(known, count)


@functools.cache
def _tool(has_print_statement: bool) -> Any:
    try:
        from fissix import refactor
    except ImportError as error:
        raise MissingExtraError("fissix", "port", "Translating Python 2") from error
    return refactor.RefactoringTool(_FIXERS, {"print_function": not has_print_statement})
