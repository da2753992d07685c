"""What names are bound to, as far as assignments and loops tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import libcst as cst
from libcst import metadata

from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.trees import dotted

DEEPEST = 9  # names that are bound to names


class Bound(NamedTuple):
    """What a name is bound to.

    Attributes
    ----------
    node : an expression.
    is_item : whether the name is bound to an item of it, not to all of it.
    """

    node: cst.BaseExpression
    is_item: bool


def bindings(each: Pass, node: cst.Name) -> list[Bound | None]:
    """All that a name is bound to where it is used; None stands for what is not known."""
    scope = each.scope(node)
    if scope is None:
        return []
    return [_bound(each, assignment) for assignment in scope[node.value]]


def imported_through(each: Pass, node: cst.BaseExpression, depth: int = 0) -> str | None:
    """As `Pass.imported`, also by names that what was imported is assigned to: `slim = tf.slim`."""
    found = each.imported(node)
    if found is not None or depth > DEEPEST:
        return found
    match node:
        case cst.Attribute(value=value, attr=cst.Name(value=name)):
            owner = imported_through(each, value, depth + 1)
            return owner and f"{owner}.{name}"
        case cst.Name():
            values = [bound.node for bound in bindings(each, node) if bound and not bound.is_item]
            if len(values) == len(bindings(each, node)) == 1 and dotted(values[0]):
                return imported_through(each, values[0], depth + 1)
    return None


def _bound(each: Pass, assignment: metadata.BaseAssignment) -> Bound | None:
    if not isinstance(assignment, metadata.Assignment):
        return None
    node = assignment.node
    parent = each.parent(node)
    match parent:
        case cst.AssignTarget():
            return Bound(each.parent(parent).value, False)
        case cst.AugAssign(value=value) | cst.AnnAssign(value=value) if value:
            return Bound(value, False)
        case cst.For(iter=items, target=target) | cst.CompFor(iter=items, target=target):
            return Bound(items, True) if target is node else None
        case cst.StarredElement():
            return None
        case cst.Element():
            return _unpacked(each, parent)
        case cst.Parameters() if isinstance(node, cst.Param):
            return _parameter(each, node, parent)
    return None


def _unpacked(each: Pass, element: cst.Element) -> Bound | None:
    """What an element of a target is bound to: `a, b = x` or `for a, b in x`."""
    targets = each.parent(element)
    at = targets.elements.index(element)
    outer = each.parent(targets)
    match outer:
        case cst.AssignTarget():
            value = each.parent(outer).value
            if isinstance(value, cst.Tuple | cst.List):
                return _element(value.elements, at) if _are_plain(value, targets) else None
            return Bound(value, True)
        case cst.For(iter=items) | cst.CompFor(iter=items):
            return _of_loop(items, at)
    return None


def _are_plain(values: cst.Tuple | cst.List, targets: cst.Tuple | cst.List) -> bool:
    elements = (*values.elements, *targets.elements)
    same = len(values.elements) == len(targets.elements)
    return same and not any(isinstance(each, cst.StarredElement) for each in elements)


def _element(elements: Sequence[cst.BaseElement], at: int) -> Bound:
    return Bound(elements[at].value, False)


def _of_loop(items: cst.BaseExpression, at: int) -> Bound | None:
    match items:
        case cst.Call(func=cst.Name(value="enumerate"), args=[cst.Arg(value=inner), *_]):
            return Bound(inner, True) if at == 1 else Bound(cst.Integer("0"), False)
        case cst.Call(func=cst.Name(value="zip"), args=args) if at < len(args):
            return Bound(args[at].value, True) if not any(arg.star for arg in args) else None
    return None


def _parameter(each: Pass, node: cst.Param, parameters: cst.Parameters) -> Bound | None:
    """What `map(lambda x: ..., items)` gives to its function."""
    outer = each.parent(parameters)
    arg = each.parent(outer)
    call = each.parent(arg) if isinstance(arg, cst.Arg) else None
    match call:
        case cst.Call(func=cst.Name(value="map" | "filter"), args=[first, *rest]) if first is arg:
            at = list(parameters.params).index(node) if node in parameters.params else len(rest)
            return Bound(rest[at].value, True) if at < len(rest) else None
    return None
