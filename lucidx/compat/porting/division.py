"""Division of integers, which in Python 2 had no remainder."""

from __future__ import annotations

import libcst as cst

from lucidx.compat.porting.bindings import Bound, bindings
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.sizes import DEEPEST, size_kind

SIDES = ("before", "after")
# Of integers they gave an integer, in Python 2.
WHOLE = (cst.Add, cst.Subtract, cst.Multiply, cst.Divide, cst.FloorDivide, cst.Modulo)
FLOATS = {"math.pi", "math.e", "math.sqrt", "numpy.pi", "numpy.sqrt", "numpy.exp", "numpy.log"}
FLOATS |= {"numpy.mean", "numpy.linalg.norm", "numpy.random.uniform", "numpy.random.normal"}


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

    def _kind(self, node: cst.BaseExpression, depth: int = 0) -> str:
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
            case cst.Call(func=cst.Name(value="len" | "int" | "ord" as name)):
                return "int" if name != "int" or self.unbound(node.func) else ""
            case cst.Call(func=cst.Name(value="float")):
                return "float"
            case cst.Call(func=cst.Name(value="abs" | "max" | "min"), args=args):
                kinds = {self._kind(arg.value, depth) for arg in args}
                return "int" if kinds == {"int"} else ""
            case cst.Subscript():
                return "int" if size_kind(self, node, depth) == "size" else ""
            case cst.Name():
                return self._kind_of_name(node, depth)
            case cst.Call() | cst.Attribute():
                name = self.imported(node.func if isinstance(node, cst.Call) else node) or ""
                return "float" if name in FLOATS or name.startswith("tensorflow.") else ""
        return ""

    def _kind_of_name(self, node: cst.Name, depth: int) -> str:
        """Of a name, what all that is bound to it is."""
        if depth > DEEPEST:
            return ""
        kinds = {self._kind_of_bound(each, depth + 1) for each in bindings(self, node)}
        return kinds.pop() if len(kinds) == 1 else ""

    def _kind_of_bound(self, bound: Bound | None, depth: int) -> str:
        match bound:
            case None:
                return ""
            case Bound(node=node, is_item=False):
                return self._kind(node, depth)
            case Bound(node=cst.Call(func=cst.Name(value="range" | "xrange"))):
                return "int"
        return "int" if size_kind(self, bound.node, depth) == "sizes" else ""


def _imports_division(text: str) -> bool:
    """Whether / is Python 3's already."""
    if "__future__" not in text:
        return False
    for statement in cst.parse_module(text).body:
        match statement:
            case cst.SimpleStatementLine(
                body=[cst.ImportFrom(module=cst.Name(value="__future__"), names=names)]
            ) if not isinstance(names, cst.ImportStar):
                if any(each.name.value == "division" for each in names):
                    return True
    return False
