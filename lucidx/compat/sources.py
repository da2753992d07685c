"""The user's source code under compat: Python 3, or Python 2 translated in memory.

Line numbers stay, so tracebacks show the lines of the file.
"""

from __future__ import annotations

import ast
import importlib.util
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lucidx.compat import python2
from lucidx.compat.installing import Installing
from lucidx.compat.old_meanings import OldMeanings
from lucidx.compat.porting import python2_names as names
from lucidx.compat.porting.python2 import UnreadableError, syntax_problem, to_python3
from lucidx.compat.porting.surroundings import package_of
from lucidx.errors import InvalidValueError, MissingExtraError


def is_python2(source: str, known: Mapping[str, Any] = types.MappingProxyType({})) -> bool:
    """Whether Python 3 cannot parse the source, or lacks builtins and modules that it uses.

    What it does only where it has found that it runs in Python 2 says nothing.

    Parameters
    ----------
    known : what is defined before the source is run, by name.
    """
    if names.SHEBANG.match(source):
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    nodes = list(ast.walk(tree))
    defined = {name for node in nodes for name in _defined(node)}
    # What is imported by * may have names that are not telling.
    telling = names.TELLING_BUILTINS if "*" in defined else names.PYTHON2_BUILTINS
    modules = _modules(nodes, known)
    unguarded = list(_unguarded(tree))
    used = {node.id for node in unguarded if isinstance(node, ast.Name)}
    asked_of = {name for node in unguarded for name in _of_lists_and_dicts(node)}
    asked = {name for node in unguarded for name in _of_modules(node, modules)}
    gone = (used & telling | asked_of) - defined - known.keys()
    return bool(gone or asked & names.MODULES.keys() or asked & names.PYTHON2_MOVED.keys())


def _modules(nodes: Sequence[ast.AST], known: Mapping[str, Any]) -> dict[str, str]:
    """Names of modules by what they are called."""
    there = {k: v.__name__ for k, v in known.items() if isinstance(v, types.ModuleType)}
    aliases = [each for node in nodes if isinstance(node, ast.Import) for each in node.names]
    return there | {alias.asname: alias.name for alias in aliases if alias.asname}


def _defined(node: ast.AST) -> list[str]:
    """Names that a node defines; "*" if one cannot know."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return [name]
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.alias(name=name, asname=given):
            return [given or name.partition(".")[0]]
    return []


def _of_lists_and_dicts(node: ast.AST) -> list[str]:
    """What is asked for an item and was a list, and what is asked of dicts."""
    match node:
        case ast.Subscript(value=ast.Call(func=ast.Name(id="filter" | "map" | "zip" as name))):
            return [name]
        case ast.Call(func=ast.Attribute(attr="has_key" as name), args=[_]):
            return [name]
    return []


def _of_modules(node: ast.AST, modules: Mapping[str, str]) -> list[str]:
    """Dotted names of modules, and of what is in them, that a node asks for."""
    match node:
        case ast.Import(names=aliases):
            return [alias.name for alias in aliases]
        case ast.ImportFrom(module=str(module), names=aliases, level=0):
            return [module, *(f"{module}.{alias.name}" for alias in aliases)]
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return [f"{modules.get(module, module)}.{name}"]
    return []


def _unguarded(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes that are there for every Python."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if not _guards(node):
            yield node
            waiting += ast.iter_child_nodes(node)


def _guards(node: ast.AST) -> bool:
    match node:
        case ast.Try(handlers=handlers):
            caught = " ".join(ast.unparse(each.type) for each in handlers if each.type)
            return any(name in caught for name in names.ABSENCES)
        case ast.If(test=test) | ast.IfExp(test=test):
            return names.VERSIONS.search(ast.unparse(test)) is not None
    return False


class Compiled(NamedTuple):
    """A module's code, and whether it was Python 2, so that its namespace needs `python2.NAMES`."""

    code: types.CodeType
    python2: bool

    def run(self, namespace: dict[str, Any]) -> None:
        """Run the module with these globals."""
        if self.python2:
            python2.add_names(namespace)
        exec(self.code, namespace)


def compiled(data: bytes, filename: str) -> Compiled:
    """The code of a module; it is Python 2 if another in its package is.

    Parameters
    ----------
    data : Python 3 or Python 2, as it is in the file.
    filename : for tracebacks, and to find the package.

    Raises
    ------
    InvalidValueError : it is neither; the message names the line.
    MissingExtraError : it is Python 2, and what translates it is not installed.
    """
    source = _decoded(data, filename)
    package = package_of(Path(filename))
    old = is_python2(source) or (package is not None and package.python2)
    tree = _python2_tree(source, filename) if old else ast.parse(source, filename)
    tree = Installing().visit(OldMeanings().visit(tree))
    try:
        code = compile(ast.fix_missing_locations(tree), filename, "exec", dont_inherit=True)
    except SyntaxError as error:  # such as a return that is in no function
        raise UnreadableError(error.lineno or 1, error.msg) from None
    return Compiled(code, old)


def _python2_tree(source: str, filename: str) -> ast.Module:
    try:
        translated = to_python3(source)
    except MissingExtraError as error:
        line, reason = syntax_problem(source) or (1, "it uses names that only Python 2 has")
        purpose = f"Line {line} of {filename} is not Python 3: {reason}. Translating Python 2"
        raise MissingExtraError("fissix and libcst", "port", purpose) from error
    tree = ast.parse(translated.text, filename)
    _number_lines(tree, translated.lines)
    return python2.IntegerDivision().visit(tree)


def _number_lines(tree: ast.Module, numbers: Sequence[int]) -> None:
    """Give the nodes of translated source the numbers that their lines had before."""
    if numbers == list(range(1, len(numbers) + 1)):
        return
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            node.lineno, node.end_lineno = (
                numbers[min(line, len(numbers)) - 1] for line in (node.lineno, node.end_lineno)
            )
            node.end_lineno = max(node.lineno, node.end_lineno)
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
