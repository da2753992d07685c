"""Division of integers, which in Python 2 had no remainder."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

import libcst as cst

from lucidx.compat.porting.bindings import DEEPEST, Bound, bindings
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.results import RESULTS, Kind, deciding, dtype_of
from lucidx.compat.porting.sizes import size_kind
from lucidx.compat.porting.tensorflow_names import general

SIDES = ("before", "after")
# Of integers they gave an integer, in Python 2.
WHOLE = (cst.Add, cst.Subtract, cst.Multiply, cst.Divide, cst.FloorDivide, cst.Modulo)
FLOATS = {"math.pi", "math.e", "math.sqrt", "numpy.pi", "numpy.sqrt", "numpy.exp", "numpy.log"}
FLOATS |= {"numpy.mean", "numpy.linalg.norm", "numpy.random.uniform", "numpy.random.normal"}
BUILTINS: dict[str, Kind] = {"float": "float", "int": "int", "len": "int", "ord": "int"}
BUILTINS |= {"round": "float"}


class Division(Pass):
    """`/` becomes `//` where both sides are plainly integers, and is reported where they may be."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it divides as Python 2 did."""
        return program.python2 and "/" in program.text and not _imports_division(program.text)

    def leave_BinaryOperation(
        self, original_node: cst.BinaryOperation, updated_node: cst.BinaryOperation
    ) -> cst.BinaryOperation:
        """Division of integers."""
        if not isinstance(original_node.operator, cst.Divide):
            return updated_node
        if not self._truncates(original_node, original_node.left, original_node.right):
            return updated_node
        before, after = (getattr(original_node.operator, f"whitespace_{x}") for x in SIDES)
        operator = cst.FloorDivide(whitespace_before=before, whitespace_after=after)
        return updated_node.with_changes(operator=operator)

    def leave_AugAssign(
        self, original_node: cst.AugAssign, updated_node: cst.AugAssign
    ) -> cst.AugAssign:
        """Division of integers."""
        if not isinstance(original_node.operator, cst.DivideAssign):
            return updated_node
        if not self._truncates(original_node, original_node.target, original_node.value):
            return updated_node
        before, after = (getattr(original_node.operator, f"whitespace_{x}") for x in SIDES)
        operator = cst.FloorDivideAssign(whitespace_before=before, whitespace_after=after)
        return updated_node.with_changes(operator=operator)

    def _truncates(
        self, node: cst.CSTNode, left: cst.BaseExpression, right: cst.BaseExpression
    ) -> bool:
        """Whether a division was one of integers; if it may have been, the report says so."""
        kinds = (self._kind(left), self._kind(right))
        if kinds == ("int", "int"):
            self.changed(node, "/ of integers -> //")
            return True
        if "float" not in kinds:
            self.left(
                node,
                "/ was a division without remainder if both sides were integers",
                "write // if so",
            )
        return False

    def _kind(self, node: cst.BaseExpression, depth: int = 0) -> Kind:
        """Whether an expression is plainly an "int", a "float", or neither, ""."""
        match node:
            case cst.Integer():
                return "int"
            case cst.Float() | cst.Imaginary():
                return "float"
            case cst.UnaryOperation(operator=cst.Minus() | cst.Plus(), expression=inner):
                return self._kind(inner, depth)
            case cst.BinaryOperation(operator=operator, left=left, right=right):
                kinds = {self._kind(left, depth), self._kind(right, depth)}
                if "float" in kinds:
                    return "float"
                whole = isinstance(operator, WHOLE)
                return "int" if whole and kinds == {"int"} else ""
            case cst.Tuple(elements=elements):
                return self._common(elements, depth)
            case cst.Call(func=cst.Name(value=name) as func) if name in BUILTINS:
                return BUILTINS[name] if self.unbound(func) else ""
            case cst.Call(func=cst.Name(value="abs" | "max" | "min"), args=args):
                return "int" if self._common(args, depth) == "int" else ""
            case cst.Subscript(value=value):
                return "int" if self._is_size(node, depth) else self._kind(value, depth)
            case cst.Attribute(attr=cst.Name(value="value")) if self._is_size(node, depth):
                return "int"
            case cst.Name():
                return self._kind_of_name(node, depth)
            case cst.Call():
                return self._kind_of_call(node, depth)
            case cst.Attribute():
                return "float" if self.imported(node) in FLOATS else ""
        return ""

    def _is_size(self, node: cst.BaseExpression, depth: int) -> bool:
        return size_kind(self, node, depth) == "size"

    def _common(self, parts: Sequence[cst.BaseElement | cst.Arg], depth: int) -> Kind:
        """What all of some elements or arguments are."""
        kinds = {self._kind_of_literal(part.value, depth) for part in parts}
        return kinds.pop() if len(kinds) == 1 else ""

    def _kind_of_literal(self, node: cst.BaseExpression, depth: int) -> Kind:
        """Also of lists; those that have names may have other items later."""
        if isinstance(node, cst.List):
            return self._common(node.elements, depth)
        return self._kind(node, depth)

    def _kind_of_call(self, node: cst.Call, depth: int) -> Kind:
        """Of what functions of libraries give."""
        name = self.imported(node.func) or ""
        if name in FLOATS:
            return "float"
        function = general(name).removeprefix("tensorflow.").removeprefix("math.")
        if not name.startswith("tensorflow.") or function not in RESULTS:
            return ""
        result = RESULTS[function]
        if dtype := dtype_of(node, result.dtype):
            return self._kind_of_dtype(dtype)
        if not result.like:
            return result.kind
        kinds = {self._kind_of_literal(each, depth) for each in deciding(node, result.like)}
        return kinds.pop() if len(kinds) == 1 else ""

    def _kind_of_dtype(self, node: cst.BaseExpression) -> Kind:
        """Of a type, such as `tf.int32` or "int32"."""
        match node:
            case cst.SimpleString():
                name = str(node.evaluated_value)
            case cst.Name(value="int" | "float" as name) if self.unbound(node):
                pass
            case _:
                name = (self.imported(node) or "").rpartition(".")[2]
        if re.fullmatch(r"u?int\d*", name):
            return "int"
        return "float" if re.fullmatch(r"b?float\d*|double|half|complex\d+", name) else ""

    def _kind_of_name(self, node: cst.Name, depth: int) -> Kind:
        """Of a name, what all that is bound to it is."""
        if depth > DEEPEST:
            return ""
        kinds = {self._kind_of_bound(each, depth + 1) for each in bindings(self, node)}
        return kinds.pop() if len(kinds) == 1 else ""

    def _kind_of_bound(self, bound: Bound | None, depth: int) -> Kind:
        match bound:
            case None:
                return ""
            case Bound(node=node, is_item=False):
                return self._kind(node, depth)
            case Bound(node=cst.Call(func=cst.Name(value="range" | "xrange"))):
                return "int"
        sizes = size_kind(self, bound.node, depth) == "sizes"
        return "int" if sizes else self._kind_of_literal(bound.node, depth)


def _imports_division(text: str) -> bool:
    """Whether / is Python 3's already."""
    if "__future__" not in text:
        return False
    return any(
        isinstance(statement, ast.ImportFrom)
        and statement.module == "__future__"
        and any(alias.name == "division" for alias in statement.names)
        for statement in ast.parse(text).body
    )
