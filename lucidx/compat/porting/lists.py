"""Lists of Python 2 that Python 3 makes as they are read: `range`, `map`, `zip`, `d.keys()`."""

from __future__ import annotations

import libcst as cst

from lucidx.compat.porting.annotated import nodes_of
from lucidx.compat.porting.bindings import DEEPEST, bindings
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.python2_names import any_of
from lucidx.compat.porting.trees import bare, call, dotted, name_node, replaced

# Lists in Python 2, read once in Python 3; a range can be read again.
LISTS = ("filter", "map", "range", "zip")
VIEWS = ("items", "keys", "values")
# They read what they are given once, from its beginning to its end.
READERS = set(
    "all any dict enumerate filter frozenset iter list map max min set sorted sum tuple zip".split()
)
LIST_METHODS = {"append", "extend", "index", "insert", "pop", "remove", "reverse", "sort"}
SHUFFLERS = {"random.shuffle", "numpy.random.shuffle"}
# What makes text and tuples, of which `filter` made their like.
MAKERS = {"raw_input": "str", "repr": "str", "str": "str", "unicode": "str", "tuple": "tuple"}
OF_TEXT = {"capitalize", "format", "join", "lower", "lstrip", "replace", "rstrip", "strip", "upper"}
FILTERED = {
    "str": 'filter() of text -> "".join(filter())',
    "tuple": "filter() of a tuple -> tuple(filter())",
}
LIST_OPERATORS = (cst.Add, cst.Multiply)
STORES = (cst.AssignTarget, cst.AugAssign, cst.Del)
RESIZERS = {"clear", "pop", "popitem", "setdefault", "update"}  # of dictionaries


WORDS = any_of([*LISTS, *VIEWS])


def is_read_once(each: Pass, node: cst.Call) -> bool:
    """Whether what a call gives is read where it is, from its beginning to its end, and no more."""
    parent = each.parent(node)
    match parent:
        case cst.For() | cst.CompFor() | cst.StarredElement() | cst.ComparisonTarget() | cst.From():
            return True
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Tuple())]) | cst.Expr():
            return True
        case cst.Arg():
            outer = each.parent(parent)
            return isinstance(outer, cst.Call) and _reads(each, outer)
    return False


def _reads(each: Pass, node: cst.Call) -> bool:
    """Whether a function reads what it is given once, or keeps it as an iterator."""
    match node.func:
        case cst.Name(value=name) if name in READERS:
            return True
        case cst.Attribute(attr=cst.Name(value="join" | "extend" | "update")):
            return True
    return (each.imported(node.func) or "").startswith(("itertools.", "collections."))


class Lists(Pass):
    """Makes lists where they are used as such."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it has any."""
        return WORDS.search(program.text) is not None

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        """What was a list."""
        match original_node:
            case cst.Call(func=cst.Name(value="map") as func, args=[cst.Arg(value=none), *_]):
                if isinstance(none, cst.Name) and none.value == "None" and self.unbound(func):
                    return self._side_by_side(original_node, updated_node)
        if not self._was_a_list(original_node):
            return updated_node
        if self.program.python2 and (made := self._as_it_was_given(original_node)):
            self.changed(original_node, FILTERED[made])
            if made == "tuple":
                return replaced(updated_node, call("tuple", bare(updated_node)))
            joined = cst.Call(cst.parse_expression('"".join'), [cst.Arg(bare(updated_node))])
            return replaced(updated_node, joined)
        name = original_node.func
        name = name.value if isinstance(name, cst.Name) else f".{name.attr.value}"
        self.changed(original_node, f"{name}() -> list({name}())")
        return replaced(updated_node, call("list", bare(updated_node)))

    def _side_by_side(self, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
        """`map(None, a, b)`, which was `zip` that goes on to the end of the longest."""
        rest = updated.args[1:]
        if len(rest) == 1 and not rest[0].star:
            self.changed(original, "map(None, x) -> list(x)")
            return replaced(updated, call("list", rest[0].value))
        self.changed(original, "map(None, x, y) -> list(itertools.zip_longest(x, y))")
        self.program.needs.add("import itertools")
        zipped = cst.Call(name_node("itertools.zip_longest"), rest)
        return replaced(updated, call("list", zipped))

    def _as_it_was_given(self, node: cst.Call) -> str:
        """Whether `filter` gave a "str" or a "tuple", since it was given one; "" if neither."""
        match node:
            case cst.Call(func=cst.Name(value="filter"), args=[_, cst.Arg(value=value, star="")]):
                return self._kind(value)
        return ""

    def _kind(self, node: cst.BaseExpression, depth: int = 0) -> str:
        match node:
            case cst.SimpleString() | cst.ConcatenatedString() | cst.FormattedString():
                return "str"
            case cst.Tuple():
                return "tuple"
            case cst.Call(func=cst.Name(value=name)) if name in MAKERS:
                return MAKERS[name]
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=name))) if name in OF_TEXT:
                return "str"
            case cst.Name() if depth <= DEEPEST:
                found = bindings(self, node)
                whole = [bound.node for bound in found if bound and not bound.is_item]
                kinds = {self._kind(each, depth + 1) for each in whole}
                return kinds.pop() if len(whole) == len(found) and len(kinds) == 1 else ""
        return ""

    def _was_a_list(self, node: cst.Call) -> bool:
        match node.func:
            case cst.Name(value=("filter" | "map" | "zip" | "range") as name) if self.unbound(
                node.func
            ):
                read_again = name == "range"
            case cst.Attribute(attr=cst.Name(value=name)) if name in VIEWS and not node.args:
                if not self.program.python2:
                    return False
                if self._is_looped_over_and_changed(node, node.func.value):
                    return True
                read_again = False
            case _:
                return False
        parent, child = self.parent(node), node
        if isinstance(parent, cst.Arg):
            parent, child = self.parent(parent), parent
        match parent:
            case cst.BinaryOperation(operator=operator):
                return isinstance(operator, LIST_OPERATORS)
            case cst.Subscript() if parent.value is child:
                return not read_again
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Tuple())]):
                return False
            case cst.Assign() if parent.value is node:
                return self._used_as_list(parent, read_again)
            case cst.Call() if isinstance(child, cst.Arg):
                return self._needs_list(parent, child, read_again)
            case cst.Attribute():
                return parent.attr.value in LIST_METHODS
            case cst.ComparisonTarget(operator=cst.In() | cst.NotIn()):
                return False
            case cst.Comparison() | cst.ComparisonTarget():
                return self.program.python2
            case cst.For() | cst.CompFor() | cst.StarredElement() | cst.From():
                return False
            case cst.Expr():
                return name in ("filter", "map") and self._is_for_effect(node)
        return self.program.python2 and not read_again

    def _is_for_effect(self, node: cst.Call) -> bool:
        """Whether a statement is for what the function does; where it may be, the report says so.

        The last of a cell is shown, and does nothing else in Python 3.
        """
        if not self.program.python2 and self.place(node).cell is None:
            what = "a statement that is only a call of map or filter does nothing in Python 3"
            self.left(node, what, "write a loop if it is to do something")
        return self.program.python2

    def _is_looped_over_and_changed(self, view: cst.Call, owner: cst.BaseExpression) -> bool:
        """Whether a loop is over what a dictionary has, and may change what it has."""
        child, loop = view, self.parent(view)
        if isinstance(loop, cst.Arg) and (enumerates := self.parent(loop)):
            is_lazy = isinstance(enumerates, cst.Call) and dotted(enumerates.func) == "enumerate"
            child, loop = enumerates, self.parent(enumerates) if is_lazy else None
        if not isinstance(loop, cst.For | cst.CompFor) or loop.iter is not child:
            return False
        if self.program.under_compat:
            return True  # nobody sees it there, and functions that are called may change it
        body = loop.body if isinstance(loop, cst.For) else self.parent(loop)
        return any(self._may_resize(node, owner) for node in nodes_of(body))

    def _may_resize(self, node: cst.CSTNode, owner: cst.BaseExpression) -> bool:
        match node:
            case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(value=method))):
                return method in RESIZERS and value.deep_equals(owner)
            case cst.Subscript(value=value) if value.deep_equals(owner):
                holder = self.parent(node)
                while isinstance(holder, cst.Element | cst.Tuple | cst.List):
                    holder = self.parent(holder)
                return isinstance(holder, STORES)
        return False

    def _needs_list(self, parent: cst.Call, argument: cst.Arg, read_again: bool) -> bool:
        """Whether what is given to a function has to be a list."""
        function = self.imported(parent.func)
        if function in SHUFFLERS:
            return True
        if read_again or argument.star:
            return False
        if function and function.split(".")[0] == "numpy":
            return True
        if isinstance(parent.func, cst.Name) and parent.func.value == "len":
            return True
        return self.program.python2 and not _reads(self, parent)

    def _used_as_list(self, assignment: cst.Assign, read_again: bool) -> bool:
        """Whether a name that was assigned an iterator, or a range, is used as the list it was."""
        if self.program.python2 and not read_again:
            return True
        scope = self.scope(assignment.value)
        for target in assignment.targets:
            if not isinstance(target.target, cst.Name) or scope is None:
                continue
            for access in scope.accesses[target.target.value]:
                if self._is_list_use(access.node, read_again):
                    return True
        return False

    def _is_list_use(self, node: cst.CSTNode, read_again: bool) -> bool:
        parent = self.parent(node)
        match parent:
            case cst.BinaryOperation(operator=operator):
                return isinstance(operator, LIST_OPERATORS)
            case cst.Attribute():
                return parent.attr.value in LIST_METHODS
            case cst.Arg():
                outer = self.parent(parent)
                if not isinstance(outer, cst.Call):
                    return False
                if self.imported(outer.func) in SHUFFLERS:
                    return True
                return (
                    not read_again
                    and isinstance(outer.func, cst.Name)
                    and (outer.func.value == "len")
                )
            case cst.Subscript():
                stores = isinstance(self.parent(parent), STORES)
                return parent.value is node and (stores or not read_again)
        return False
