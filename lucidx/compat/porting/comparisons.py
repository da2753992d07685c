"""Comparisons of two, by which Python 2 sorted."""

from __future__ import annotations

import libcst as cst

from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.trees import call

ADVICE = "give sort and sorted key=functools.cmp_to_key(f)"


class Comparisons(Pass):
    """`sorted(x, cmp=f)` becomes `sorted(x, key=functools.cmp_to_key(f))`."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it sorts."""
        return "sort" in program.text and (program.python2 or "cmp" in program.text)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """Calls of `sorted(x, cmp, key)` and `x.sort(cmp, key)`."""
        match original_node.func:
            case cst.Name(value="sorted") as func if self.unbound(func):
                first = 1
            case cst.Attribute(attr=cst.Name(value="sort")):
                first = 0
            case _:
                return updated_node
        at = self._comparison(original_node, first)
        if at is None:
            return updated_node
        others = [arg for i, arg in enumerate(original_node.args) if i >= first and i != at]
        if not all(arg.keyword and arg.keyword.value == "reverse" for arg in others):
            self.left(original_node, "it is sorted by a comparison, and more", ADVICE)
            return updated_node
        self.changed(original_node, "sorting by comparison -> by functools.cmp_to_key")
        self.program.needs.add("import functools")
        compare = updated_node.args[at]
        key = call("functools.cmp_to_key", compare.value)
        plain = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
        args = list(updated_node.args)
        args[at] = compare.with_changes(keyword=cst.Name("key"), equal=plain, value=key)
        return updated_node.with_changes(args=args)

    def _comparison(self, node: cst.Call, first: int) -> int | None:
        """Which argument compares, if one does."""
        for at, arg in enumerate(node.args):
            if arg.keyword and arg.keyword.value == "cmp":
                return at
        if not self.program.python2 or len(node.args) <= first:
            return None
        arg = node.args[first]
        if arg.keyword or arg.star:
            return None
        if self._takes_two(arg.value):
            return first
        if first == 1:  # nothing else can come there
            self.left(node, "it is sorted by a comparison, perhaps", ADVICE)
        return None

    def _takes_two(self, node: cst.BaseExpression) -> bool:
        """Whether it is a function of two, as far as one can see."""
        match node:
            case cst.Lambda(params=params):
                return len(params.params) == 2
            case cst.Name(value="cmp"):
                return True
            case cst.Name(value=name):
                scope = self.scope(node)
                bound = [getattr(each, "node", None) for each in (scope[name] if scope else ())]
                return any(
                    isinstance(each, cst.FunctionDef) and len(each.params.params) == 2
                    for each in bound
                )
        return False
