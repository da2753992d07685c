"""Whose method a call asks for: that of a class of the program, or of a dictionary."""

from __future__ import annotations

from typing import Literal

import libcst as cst

from lucidx.compat.porting.bindings import DEEPEST, bindings
from lucidx.compat.porting.classes import defined
from lucidx.compat.porting.passes import Pass

Owner = Literal["own", "dict", ""]  # "" is not known

DICTS = {f"collections.{name}" for name in ("Counter", "OrderedDict", "defaultdict")}


def owner_of(each: Pass, node: cst.BaseExpression, method: str, depth: int = 0) -> Owner:
    """Whose method a name is, asked of a node; "dict" if none but dictionaries can have it."""
    if depth > DEEPEST:
        return ""
    match node:
        case cst.Dict() | cst.DictComp():
            return "dict"
        case cst.Attribute(attr=cst.Name(value="__dict__")):
            return "dict"
        case cst.Call(func=func):
            return _of_instance(each, func, method, depth)
        case cst.Attribute(attr=cst.Name(value=name)):
            return _common(each, each.tree.assigned.get(name, []), method, depth)
        case cst.Name():
            if owner := _class_of_self(each, node):
                return _of_class(each, owner, method, depth)
            found = [bound and not bound.is_item and bound.node for bound in bindings(each, node)]
            return _common(each, [value or None for value in found], method, depth)
    return ""


def _common(each: Pass, values: list[cst.BaseExpression | None], method: str, depth: int) -> Owner:
    owners = {owner_of(each, value, method, depth + 1) if value else "" for value in values}
    return owners.pop() if len(owners) == 1 else ""


def _of_instance(each: Pass, func: cst.BaseExpression, method: str, depth: int) -> Owner:
    """Whose it is, asked of what a class gives when it is called."""
    if _is_dict(each, func):
        return "dict"
    found = _class(each, func)
    return _of_class(each, found, method, depth) if found else ""


def _of_class(each: Pass, node: cst.ClassDef, method: str, depth: int) -> Owner:
    if method in defined(node):
        return "own"
    for base in node.bases:
        found = _of_instance(each, base.value, method, depth + 1) if depth < DEEPEST else ""
        if found or not (isinstance(base.value, cst.Name) and base.value.value == "object"):
            return found
    return ""


def _is_dict(each: Pass, node: cst.BaseExpression) -> bool:
    if isinstance(node, cst.Name) and node.value in ("dict", "globals", "locals", "vars"):
        return each.unbound(node)
    return each.imported(node) in DICTS


def _class(each: Pass, node: cst.BaseExpression) -> cst.ClassDef | None:
    """The class of the program that a name is of."""
    scope = each.scope(node) if isinstance(node, cst.Name) else None
    found = [getattr(bound, "node", None) for bound in scope[node.value]] if scope else []
    return found[0] if len(found) == 1 and isinstance(found[0], cst.ClassDef) else None


def _class_of_self(each: Pass, node: cst.Name) -> cst.ClassDef | None:
    """The class that a method is in, if a name is that of the method's first parameter."""
    outer: cst.CSTNode | None = node
    while outer is not None:
        outer = each.parent(outer)
        match outer:
            case cst.FunctionDef(params=cst.Parameters(params=[first, *_])):
                if first.name.value == node.value:
                    owner = each.parent(each.parent(outer))
                    return owner if isinstance(owner, cst.ClassDef) else None
    return None
