"""What Python 2 meant and syntax does not tell: `7 / 2 == 3`, and lists from range, map and zip."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from typing import Any

import numpy as np
import tensorflow as tf


def _is_whole(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return np.issubdtype(value.dtype, np.integer)
    if tf.is_tensor(value):
        return value.dtype.is_integer
    return isinstance(value, Integral | tf.compat.v1.Dimension)


def divide(a: Any, b: Any) -> Any:
    """`a / b` in Python 2: whole numbers, and arrays and tensors of them, give whole numbers."""
    return a // b if _is_whole(a) and _is_whole(b) else a / b


def divide_in_place(a: Any, b: Any) -> Any:
    """What `a` is after `a /= b` in Python 2."""
    whole = _is_whole(a) and _is_whole(b)
    return (operator.ifloordiv if whole else operator.itruediv)(a, b)


def divide_item(container: Any, key: Any, b: Any) -> None:
    """`container[key] /= b` in Python 2."""
    container[key] = divide_in_place(container[key], b)


def divide_attribute(thing: Any, name: str, b: Any) -> None:
    """`thing.name /= b` in Python 2."""
    setattr(thing, name, divide_in_place(getattr(thing, name), b))


class _Key:
    def __getitem__(self, key: Any) -> Any:
        return key


def _listing(function: Callable[..., Iterable[Any]]) -> Callable[..., list[Any]]:
    return lambda *args: list(function(*args))


_PREFIX = "_python2_"

# Builtins that gave lists.
LISTING = {f.__name__: _listing(f) for f in (range, map, zip, filter)}

# Put into the namespace of Python 2 code.
NAMES: dict[str, Any] = {
    **LISTING,
    **{_PREFIX + f.__name__: f for f in (divide, divide_in_place, divide_item, divide_attribute)},
    _PREFIX + "key": _Key(),
}


def add_names(namespace: dict[str, Any]) -> None:
    """Give a namespace `NAMES`, except where it has such a name of its own."""
    for name, value in NAMES.items():
        namespace.setdefault(name, value)


def has_names(namespace: Mapping[str, Any]) -> bool:
    """Whether a namespace is that of Python 2 code, to which `add_names` gave `NAMES`."""
    return _PREFIX + "key" in namespace


class IntegerDivision(ast.NodeTransformer):
    """Makes divisions calls of `divide` and its like, until `from __future__ import division`."""

    true_division = False

    def look_for_true_division(self, tree: ast.AST) -> None:
        """Look for `from __future__ import division` in code in Python 3, for what follows it."""
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                self.visit_ImportFrom(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        """Look for `from __future__ import division`."""
        names = {alias.name for alias in node.names}
        self.true_division |= node.module == "__future__" and "division" in names
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """`a / b`."""
        self.generic_visit(node)
        if self.true_division or not isinstance(node.op, ast.Div):
            return node
        return ast.copy_location(_call("divide", node.left, node.right), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        """`a /= b`; what stands left is evaluated once."""
        self.generic_visit(node)
        if self.true_division or not isinstance(node.op, ast.Div):
            return node
        match node.target:
            case ast.Name(id=name):
                value = _call("divide_in_place", ast.Name(name, ast.Load()), node.value)
                statement: ast.stmt = ast.Assign([node.target], value)
            case ast.Subscript(value=container, slice=key):
                key = ast.Subscript(_name("key"), key, ast.Load())
                statement = ast.Expr(_call("divide_item", container, key, node.value))
            case ast.Attribute(value=thing, attr=name):
                called = _call("divide_attribute", thing, ast.Constant(name), node.value)
                statement = ast.Expr(called)
        return ast.copy_location(statement, node)


def _name(name: str) -> ast.Name:
    return ast.Name(_PREFIX + name, ast.Load())


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(_name(name), list(arguments), [])
