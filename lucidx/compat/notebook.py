"""Notebooks under compat: magics of their day, shell lines, and cells in Python 2."""

from __future__ import annotations

import ast
import builtins
import contextlib
import re
import shlex
import sys
from collections.abc import Iterator
from typing import Any

from lucidx.compat import python2, sources
from lucidx.compat.old_meanings import OldMeanings
from lucidx.compat.porting.cells import with_spaces
from lucidx.compat.porting.python2 import to_python3, to_python3_syntax
from lucidx.errors import InvalidValueError, MissingExtraError

_MAGIC = "tensorflow_version"
_THE_PAST = {"lucid", "svelte-cli", "tensorflow", "tensorflow-gpu"}
_NAME = re.compile(r"[\w.-]*")  # that a requirement, such as lucid>=0.2.3, begins with


@contextlib.contextmanager
def prepared(shell: Any) -> Iterator[None]:
    """Let cells written for Lucid run in IPython's `shell`."""
    cells = _Cells(shell.user_ns)
    with (
        _added(shell.input_transformers_cleanup, _without_tabs),
        _added(shell.input_transformers_post, cells.to_python3),
        _added(shell.ast_transformers, cells),
        _magic(shell.magics_manager.magics["line"]),
        _without_installing(shell),
    ):
        yield
    for name in python2.LISTING:
        if shell.user_ns.get(name) is python2.NAMES[name]:
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
    """

    def __init__(self, namespace: dict[str, Any]):
        self.namespace = namespace
        self.meanings = OldMeanings()
        self.division: python2.IntegerDivision | None = None
        self.imported: dict[str, None] = {}  # statements, as cells have them

    def to_python3(self, lines: list[str]) -> list[str]:
        """Lines of a cell, its magics already being Python."""
        source = "".join(lines)
        old = self.division is not None or sources.is_python2(source, self.namespace)
        translated = self._translated(source) if old else None
        self._remember_imports(source)
        if translated is None:
            return lines
        self.division = self.division or python2.IntegerDivision()
        return translated.splitlines(keepends=True)

    def _translated(self, source: str) -> str | None:
        names = self.namespace.keys() - python2.NAMES.keys() - vars(builtins).keys()
        try:
            return to_python3(source, "\n".join(self.imported), names).text
        except InvalidValueError:
            return None  # Python says best what is wrong with Python 3
        except MissingExtraError as error:
            print(f"If this cell is Python 2: {error}", file=sys.stderr)
            return None

    def _remember_imports(self, source: str) -> None:
        with contextlib.suppress(InvalidValueError, MissingExtraError):
            tree = ast.parse(to_python3_syntax(source).text)
            nodes = (
                node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)
            )
            self.imported |= dict.fromkeys(map(ast.unparse, nodes))

    def visit(self, tree: ast.Module) -> ast.Module:
        """Syntax tree of a cell, as IPython hands it to its transformers."""
        tree = self.meanings.visit(tree)
        if self.division is not None:
            self.namespace.update(python2.NAMES)
            tree = self.division.visit(tree)
        return ast.fix_missing_locations(tree)


@contextlib.contextmanager
def _magic(magics: dict[str, Any]) -> Iterator[None]:
    """`%tensorflow_version`, of Colab, does nothing: there is one TensorFlow."""
    before = magics.get(_MAGIC)
    magics[_MAGIC] = lambda line: None
    try:
        yield
    finally:
        if before is None:
            del magics[_MAGIC]
        else:
            magics[_MAGIC] = before


@contextlib.contextmanager
def _without_installing(shell: Any) -> Iterator[None]:
    """Leave out shell commands that would install what lucidx stands in for."""
    run, own = shell.system, vars(shell).get("system")

    def system(command: str) -> Any:
        if _installs_the_past(command):
            print(f"lucidx.compat: not needed, so not run: {command}")
            return None
        return run(command)

    shell.system = system
    try:
        yield
    finally:
        del shell.system
        if own is not None:
            shell.system = own


def _installs_the_past(command: str) -> bool:
    """Whether it installs Lucid, TensorFlow, or the compiler that Lucid's widgets needed."""
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    named = {_NAME.match(word)[0] for word in words} & _THE_PAST
    return "install" in words and (bool(named) or "tensorflow/lucid" in command)
