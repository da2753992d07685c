"""Lists of Python 2 that Python 3 makes as they are read: `range`, `map`, `zip`, `d.keys()`."""

from __future__ import annotations

import libcst as cst
from libcst import metadata

from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.python2_names import any_of
from lucidx.compat.porting.trees import bare, call, name_node, replaced

# Lists in Python 2, read once in Python 3; a range can be read again.
LISTS = ("filter", "map", "range", "zip")
VIEWS = ("items", "keys", "values")
# They read what they are given once, from its beginning to its end.
READERS = set(
    "all any dict enumerate filter frozenset iter list map max min set sorted sum tuple zip".split()
)
LIST_METHODS = {"append", "extend", "index", "insert", "pop", "remove", "reverse", "sort"}
SHUFFLERS = {"random.shuffle", "numpy.random.shuffle"}
LIST_OPERATORS = (cst.Add, cst.Multiply)
STORES = (cst.AssignTarget, cst.AugAssign, cst.Del)


WORDS = any_of([*LISTS, *VIEWS])


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

    def _was_a_list(self, node: cst.Call) -> bool:
        match node.func:
            case cst.Name(value=("filter" | "map" | "zip" | "range") as name) if self.unbound(
                node.func
            ):
                read_again = name == "range"
            case cst.Attribute(attr=cst.Name(value=name)) if name in VIEWS and not node.args:
                if not self.program.python2:
                    return False
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
            case cst.For() | cst.CompFor() | cst.StarredElement() | cst.ComparisonTarget():
                return False
            case cst.Expr() | cst.From():
                return False
        return self.program.python2 and not read_again

    def _needs_list(self, parent: cst.Call, argument: cst.Arg, read_again: bool) -> bool:
        """Whether what is given to a function has to be a list."""
        function = self.imported(parent.func)
        if function in SHUFFLERS:
            return True
        if read_again or argument.star:
            return False
        if function and function.split(".")[0] == "numpy":
            return True
        match parent.func:
            case cst.Name(value="len"):
                return True
            case cst.Name(value=name) if name in READERS:
                return False
            case cst.Attribute(attr=cst.Name(value="join" | "extend" | "update")):
                return False
        if function and function.startswith(("itertools.", "collections.")):
            return False
        return self.program.python2

    def _used_as_list(self, assignment: cst.Assign, read_again: bool) -> bool:
        """Whether a name that was assigned an iterator, or a range, is used as the list it was."""
        if self.program.python2 and not read_again:
            return True
        scope = self.get_metadata(metadata.ScopeProvider, assignment.value, None)
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
