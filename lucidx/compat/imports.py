"""Imports under compat: `lucid` means lucidx, and `tensorflow`, for the user's code, version 1."""

from __future__ import annotations
import __future__

import builtins
import contextlib
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import graph_util

from lucidx.compat import callers, python2, sources, tensorflow1
from lucidx.compat.porting.python2 import UnreadableError
from lucidx.errors import InvalidValueError, MissingFromTensorFlow1Error


class UnreadableModuleError(InvalidValueError, SyntaxError):
    """A module of the user's is neither Python 3 nor Python 2; has its `filename` and `lineno`."""


@contextlib.contextmanager
def redirected() -> Iterator[None]:
    """Redirect imports; at the end, everything is as it was."""
    with _lucid_is_lucidx(), _imports_of_the_user(), _freezing_where_it_was():
        yield


@contextlib.contextmanager
def _lucid_is_lucidx() -> Iterator[None]:
    real = _take_lucid()  # Lucid itself, if it has been imported
    finders = [_LucidFinder(), _UserModuleFinder()]
    sys.meta_path.insert(0, finders[0])
    sys.meta_path.insert(sys.meta_path.index(importlib.machinery.PathFinder), finders[1])
    try:
        yield
    finally:
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in finders]
        _take_lucid()
        sys.modules.update(real)


def _take_lucid() -> dict[str, types.ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == "lucid"]
    return {name: sys.modules.pop(name) for name in names}


class _LucidFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Puts lucidx's own modules under Lucid's names, so that both are one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] != "lucid" or not importlib.util.find_spec(_ours(fullname)):
            return None
        if fullname == "lucid":
            _warn_of_another(importlib.machinery.PathFinder.find_spec(fullname, path))
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        # A module may put another in its place while it is executed; the import gives that.
        sys.modules[module.__name__] = importlib.import_module(_ours(module.__name__))


def _warn_of_another(spec: importlib.machinery.ModuleSpec | None) -> None:
    """Say that a copy of Lucid in the user's own code is passed over."""
    places = [spec.origin] if spec and spec.origin else []
    places += (spec.submodule_search_locations or []) if spec else []
    if places and callers.is_user_file(places[0]):
        message = (
            f"{places[0]} is passed over: under lucidx.compat, lucid means lucidx. If you need "
            "what was changed there, give the package another name."
        )
        warnings.warn_explicit(message, UserWarning, places[0], 1)


def _ours(name: str) -> str:
    return name.replace("lucid", "lucidx", 1)


class _UserModuleFinder(importlib.abc.MetaPathFinder):
    """Finds what `sys.path` leads to; the user's own modules may be Python 2."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        plain = spec and type(spec.loader) is importlib.machinery.SourceFileLoader
        if plain and callers.is_user_file(spec.origin):
            spec.loader = _UserModuleLoader(fullname, spec.origin)
        return spec


class _UserModuleLoader(importlib.machinery.SourceFileLoader):
    """Compiles modules as compat does, past the cache of compiled ones."""

    def exec_module(self, module: types.ModuleType) -> None:
        self.compiled().run(vars(module))

    def compiled(self) -> sources.Compiled:
        """The module's code.

        Raises
        ------
        UnreadableModuleError : it is neither Python 3 nor Python 2.
        """
        try:
            return sources.compiled(self.get_data(self.path), self.path)
        except UnreadableError as error:
            unreadable = UnreadableModuleError(f"{self.path}: {error}")
            unreadable.msg = str(error)
            unreadable.filename, unreadable.lineno = self.path, error.line
            raise unreadable from None


@contextlib.contextmanager
def _imports_of_the_user() -> Iterator[None]:
    """Show users TensorFlow 1, and Python 2 the modules beside it by their bare names."""
    ordinary, by_name = builtins.__import__, importlib.import_module
    view = tensorflow1.view()

    def import_for_caller(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        asking = sys._getframe(1).f_globals if globals is None else globals
        if level == 0 and _is_tensorflow(name) and callers.is_user(asking):
            return _import_tensorflow1(view, name, fromlist)
        if level == 0 and _looks_beside(asking) and not _is_of(name, "lucid"):
            try:
                return ordinary(name, asking, locals, fromlist, level=1)
            except ModuleNotFoundError as error:
                if error.name != f"{asking['__package__']}.{name.partition('.')[0]}":
                    raise
        return ordinary(name, globals, locals, fromlist, level)

    @functools.wraps(by_name)
    def import_by_name(name: str, package: str | None = None) -> types.ModuleType:
        if _is_tensorflow(name) and callers.is_user(sys._getframe(1).f_globals):
            return _tensorflow1_module(view, name)
        return by_name(name, package)

    builtins.__import__, importlib.import_module = import_for_caller, import_by_name
    try:
        yield
    finally:
        builtins.__import__, importlib.import_module = ordinary, by_name


def _is_tensorflow(name: str) -> bool:
    return _is_of(name, "tensorflow")


def _is_of(name: str, package: str) -> bool:
    return name.partition(".")[0] == package


def _looks_beside(namespace: Mapping[str, Any]) -> bool:
    """Whether imports look in their own package first, as in Python 2 until it was told not to."""
    told = namespace.get("absolute_import") is __future__.absolute_import
    return bool(namespace.get("__package__")) and python2.has_names(namespace) and not told


def _import_tensorflow1(
    view: types.ModuleType, name: str, fromlist: Sequence[str] | None
) -> types.ModuleType:
    """What an import statement gets: the last of the modules in a dotted name, or the first."""
    module = _tensorflow1_module(view, name)
    if not fromlist:
        return view
    for member in fromlist:
        if member != "*" and not hasattr(module, member):
            _import_member(module, member)
    return module


def _import_member(module: types.ModuleType, name: str) -> None:
    """Import a module inside another, if it is one, or say what there is in its place."""
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module(f"{module.__name__}.{name}")
    try:
        getattr(module, name)
    except MissingFromTensorFlow1Error as error:
        raise ImportError(str(error), name=module.__name__) from None
    except AttributeError:
        pass  # which the import statement explains


def _tensorflow1_module(view: types.ModuleType, name: str) -> types.ModuleType:
    try:
        return functools.reduce(getattr, name.split(".")[1:], view)
    except AttributeError as error:
        # TensorFlow's insides, such as tensorflow.python.framework, may not have been imported.
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            raise ModuleNotFoundError(str(error), name=name) from None


@contextlib.contextmanager
def _freezing_where_it_was() -> Iterator[None]:
    """Give back what programs took from `tensorflow.python.framework.graph_util`."""
    before = dict(vars(graph_util))
    for name, function in vars(tf.compat.v1.graph_util).items():
        if not name.startswith("_"):
            vars(graph_util).setdefault(name, function)
    try:
        yield
    finally:
        for name in vars(graph_util).keys() - before.keys():
            delattr(graph_util, name)
