"""Sizes of axes, which were objects with a value in TensorFlow 1 and are numbers now."""

from __future__ import annotations

from typing import Literal

import libcst as cst

from lucidx.compat.porting.bindings import DEEPEST, Bound, bindings
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.trees import replaced

# "size", of an axis; "sizes", of several; "other", neither; "" not known.
Kind = Literal["size", "sizes", "other", ""]

ASKED = ".value"
SAME = ("list", "tuple", "reversed")
SHAPE_METHODS = ("as_list", "concatenate", "merge_with", "with_rank", "with_rank_at_least")


class Sizes(Pass):
    """`x.shape[1].value` becomes `x.shape[1]`; what may be a size is reported."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether TensorFlow 1 had a value asked of a size."""
        return program.tensorflow1 and ASKED in program.text

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        """What was asked of a size."""
        if original_node.attr.value != "value":
            return updated_node
        parent = self.parent(original_node)
        calls = isinstance(parent, cst.Call) and parent.func is original_node  # of a variable
        if calls or isinstance(parent, cst.AssignTarget):
            return updated_node
        kind = size_kind(self, original_node.value)
        if kind == "":
            what = ".value, if it is asked of a size of a shape"
            self.left(original_node, what, "leave .value out: sizes are numbers in TensorFlow 2")
        if kind != "size":
            return updated_node
        self.changed(original_node, "size.value -> size")
        return replaced(updated_node, updated_node.value)


def size_kind(each: Pass, node: cst.BaseExpression, depth: int = 0) -> Kind:
    """Whether an expression is a size of an axis, or several."""
    match node:
        case cst.Attribute(attr=cst.Name(value="shape")):
            return "sizes"
        case cst.Attribute(value=size, attr=cst.Name(value="value")):
            return "size" if size_kind(each, size, depth) == "size" else "other"
        case cst.Subscript(value=value, slice=[cst.SubscriptElement(slice=place)]):
            return _of_subscript(each, value, place, depth)
        case cst.BinaryOperation(left=left, right=right):
            return _of_sum({size_kind(each, left, depth), size_kind(each, right, depth)})
        case cst.Call():
            return _of_call(each, node, depth)
        case cst.Name():
            return _of_name(each, node, depth)
    return "other"


def _of_subscript(each: Pass, value: cst.BaseExpression, place: cst.BaseSlice, depth: int) -> Kind:
    kind = size_kind(each, value, depth)
    if kind == "sizes":
        return "size" if isinstance(place, cst.Index) else "sizes"
    named = isinstance(place, cst.Index) and isinstance(place.value, cst.SimpleString)
    return "other" if named else kind


def _of_sum(kinds: set[Kind]) -> Kind:
    return next((kind for kind in ("sizes", "size", "") if kind in kinds), "other")


def _of_call(each: Pass, node: cst.Call, depth: int) -> Kind:
    match node:
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="get_shape"))):
            return "sizes"
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="TensorShape"))):
            return "sizes"
        case cst.Call(func=cst.Attribute(value=shape, attr=cst.Name(value=method))):
            known = method in SHAPE_METHODS and size_kind(each, shape, depth) == "sizes"
            return "sizes" if known else "other"
        case cst.Call(func=cst.Name(value=name), args=[cst.Arg(value=items)]) if name in SAME:
            return size_kind(each, items, depth)
    return "other"


def _of_name(each: Pass, node: cst.Name, depth: int) -> Kind:
    if depth > DEEPEST:
        return ""
    kinds = {_of_bound(each, bound, depth + 1) for bound in bindings(each, node)}
    return kinds.pop() if len(kinds) == 1 else ""


def _of_bound(each: Pass, bound: Bound | None, depth: int) -> Kind:
    if bound is None:
        return ""
    kind = size_kind(each, bound.node, depth)
    if not bound.is_item:
        return kind
    return "size" if kind == "sizes" else ""
