"""Notebooks under compat: magics of their day, shell lines, and cells in Python 2."""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from lucidx.compat import python2, python2_cells, scripts, sources
from lucidx.compat.installing import Installing
from lucidx.compat.old_meanings import OldMeanings
from lucidx.compat.porting.cells import with_spaces
from lucidx.compat.porting.python2 import to_python3, to_python3_syntax
from lucidx.errors import InvalidValueError, MissingExtraError


@contextlib.contextmanager
def prepared(shell: Any) -> Iterator[None]:
    """Let cells written for Lucid run in IPython's `shell`."""
    cells = _Cells(shell)
    with (
        _added(shell.input_transformers_cleanup, _without_tabs),
        _added(shell.input_transformers_post, cells.to_python3),
        _added(shell.ast_transformers, cells),
        # Colab's; there is one TensorFlow.
        _magic(shell.magics_manager.magics["line"], "tensorflow_version", lambda line: None),
        _magic(shell.magics_manager.magics["cell"], "python2", python2_cells.run),
        scripts.run_as_by_command(shell, cells),
    ):
        yield
    for name, listing in python2.LISTING.items():
        if shell.user_ns.get(name) is listing:
            del shell.user_ns[name]


@contextlib.contextmanager
def _added(transformers: list[Any], transformer: Any) -> Iterator[None]:
    transformers.append(transformer)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # IPython drops those that fail
            transformers.remove(transformer)


def _without_tabs(lines: list[str]) -> list[str]:
    """Lines of a cell that mixes tabs and spaces, which Python 2 could read, and IPython cannot."""
    begin = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip()]
    mixed = any("\t" in space for space in begin) and any(" " in space for space in begin)
    return with_spaces(lines) if mixed and not lines[0].startswith("%%") else lines


class _Cells:
    """Translates cells.

    The kernel does not know for which Python a notebook was written: from the first cell on that
    only Python 2 can read, it is taken for Python 2.

    Attributes
    ----------
    python2 : whether it is.
    """

    def __init__(self, shell: Any):
        self.shell = shell
        self.python2 = False
        self.meanings = OldMeanings()
        self.division = python2.IntegerDivision()
        self.imported: dict[str, None] = {}  # statements, as cells have them

    def to_python3(self, lines: list[str]) -> list[str]:
        """Lines of a cell, its magics already being Python."""
        source = "".join(lines)
        old = self.python2 or sources.is_python2(source, self.shell.user_ns)
        translated = self._translated(source) if old else None
        self._remember_imports(source)
        if translated is None:
            return lines
        self.python2 = True
        return translated.splitlines(keepends=True)

    def _translated(self, source: str) -> str | None:
        try:
            return to_python3(source, "\n".join(self.imported), self._names_of_the_user()).text
        except InvalidValueError:
            return None  # Python says best what is wrong with Python 3
        except MissingExtraError as error:
            print(f"If this cell is Python 2: {error}", file=sys.stderr)
            return None

    def _names_of_the_user(self) -> set[str]:
        """Names that cells have bound, be they those of builtins."""
        given = self.shell.user_ns_hidden | python2.NAMES
        namespace = self.shell.user_ns.items()
        return {name for name, value in namespace if value is not given.get(name, self)}

    def _remember_imports(self, source: str) -> None:
        with contextlib.suppress(InvalidValueError, MissingExtraError):
            tree = ast.parse(to_python3_syntax(source).text)
            nodes = (
                node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)
            )
            self.imported |= dict.fromkeys(map(ast.unparse, nodes))

    def visit(self, tree: ast.AST) -> ast.AST:
        """Syntax tree of a cell, as IPython hands it to its transformers."""
        tree = Installing().visit(self.meanings.visit(tree))
        if self.python2:
            python2.add_names(self.shell.user_ns)
            tree = self.division.visit(tree)
        else:
            self.division.look_for_true_division(tree)
        return ast.fix_missing_locations(tree)


@contextlib.contextmanager
def _magic(magics: dict[str, Any], name: str, function: Callable[..., None]) -> Iterator[None]:
    """A magic of that name, for as long as this lasts."""
    before = magics.get(name)
    magics[name] = function
    try:
        yield
    finally:
        if before is None:
            del magics[name]
        else:
            magics[name] = before
