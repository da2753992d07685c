"""The user's source code under compat: Python 3, or Python 2 translated in memory.

Line numbers stay, so tracebacks show the lines of the file.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import types
import warnings
from collections.abc import Container, Mapping
from typing import Any, NamedTuple

from lucidx.compat import python2
from lucidx.compat.porting.python2 import syntax_problem, to_python3
from lucidx.errors import InvalidValueError, MissingExtraError

# Names that no program of Python 3 uses without having defined them.
_ONLY_PYTHON2 = {"basestring", "raw_input", "unichr", "unicode", "xrange"}
_NUMPYS_FORMER = {"bool", "complex", "float", "int", "object", "str"}


def is_python2(source: str, known: Container[str] = ()) -> bool:
    """Whether Python 3 cannot parse the source, or lacks builtins that it uses.

    Parameters
    ----------
    known : names that are defined before the source is run.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    used, defined = set(), set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.arg(arg=name):
                defined.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                defined.add(name)
            case ast.alias(name=name, asname=given):
                defined.add(given or name)
    return any(name not in known for name in _ONLY_PYTHON2 & used - defined)


class Compiled(NamedTuple):
    """A module's code, and what its namespace needs beforehand."""

    code: types.CodeType
    names: Mapping[str, Any]

    def run(self, namespace: dict[str, Any]) -> None:
        """Run the module with these globals."""
        namespace.update(self.names)
        exec(self.code, namespace)


def compiled(data: bytes, filename: str) -> Compiled:
    """The code of a module.

    Parameters
    ----------
    data : Python 3 or Python 2, as it is in the file.
    filename : for tracebacks.

    Raises
    ------
    InvalidValueError : it is neither; the message names the line.
    MissingExtraError : it is Python 2, and what translates it is not installed.
    """
    source = _decoded(data, filename)
    old = is_python2(source)
    tree = _python2_tree(source, filename) if old else ast.parse(source, filename)
    tree = OldMeanings().visit(tree)
    code = compile(ast.fix_missing_locations(tree), filename, "exec", dont_inherit=True)
    return Compiled(code, python2.NAMES if old else {})


def _python2_tree(source: str, filename: str) -> ast.Module:
    try:
        translated = to_python3(source)
    except MissingExtraError as error:
        line, reason = syntax_problem(source) or (1, "it uses names that only Python 2 has")
        purpose = f"Line {line} of {filename} is not Python 3: {reason}. Translating Python 2"
        raise MissingExtraError("fissix and libcst", "port", purpose) from error
    tree = ast.parse(translated, filename)
    _number_lines(tree, source.split("\n"), translated.split("\n"))
    return python2.IntegerDivision().visit(tree)


def _number_lines(tree: ast.Module, before: list[str], after: list[str]) -> None:
    """Give the nodes of translated source the numbers that their lines had before."""
    if len(before) == len(after):
        return
    numbers = {}
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for _, first, end, start, stop in blocks:
        for i in range(start, stop):
            numbers[i + 1] = max(1, min(first + i - start + 1, end))
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            node.lineno, node.end_lineno = numbers[node.lineno], numbers[node.end_lineno]
            if node.lineno == node.end_lineno:  # lines that have become one
                node.end_col_offset = max(node.col_offset, node.end_col_offset)


def _decoded(data: bytes, filename: str) -> str:
    try:
        return importlib.util.decode_source(data)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise InvalidValueError(
            f"{filename} is not text in UTF-8 ({error}). If it is in another encoding, say so in "
            "its first line, for instance: # -*- coding: latin-1 -*-"
        ) from error


class OldMeanings(ast.NodeTransformer):
    """What meant something in programs of Lucid's day, and is an error today.

    `range(3) + [1]` means `[*range(3)] + [1]`, as it did when ranges were lists; `np.float` is
    `float`, as it was until numpy 1.24.
    """

    def visit_BinOp(self, node: ast.BinOp) -> ast.BinOp:
        """Make operands of + and * that are calls of `range` into lists."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Mult):
            node.left, node.right = _as_list(node.left), _as_list(node.right)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Replace numpy's former names for types of Python."""
        self.generic_visit(node)
        match node:
            case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name, ctx=ast.Load()):
                if name in _NUMPYS_FORMER:
                    return ast.copy_location(ast.Name(name, ast.Load()), node)
        return node


def _as_list(node: ast.expr) -> ast.expr:
    match node:
        case ast.Call(func=ast.Name(id="range")):
            return ast.copy_location(ast.List([ast.Starred(node, ast.Load())], ast.Load()), node)
    return node
