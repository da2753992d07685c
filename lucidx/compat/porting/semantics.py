"""Python 2 to Python 3: what parses in both and means otherwise, or nothing, in Python 3."""

from __future__ import annotations

import libcst as cst
from libcst import metadata

from lucidx.compat.porting.passes import Pass, bare, call, name_node, operand, replaced

BUILTINS = {
    "basestring": "str",
    "long": "int",
    "raw_input": "input",
    "unichr": "chr",
    "unicode": "str",
    "xrange": "range",
}
MOVED_BUILTINS = {"reduce": "functools.reduce", "reload": "importlib.reload"}
MODULES = {
    "ConfigParser": "configparser",
    "Queue": "queue",
    "StringIO": "io",
    "__builtin__": "builtins",
    "cPickle": "pickle",
    "cStringIO": "io",
    "httplib": "http.client",
    "urllib2": "urllib.request",
    "urlparse": "urllib.parse",
}
DICT_METHODS = {
    f"{prefix}{what}": what for prefix in ("iter", "view") for what in ("items", "keys", "values")
}
# Gone from numpy, and what they were.
NUMPY_ALIASES = {f"numpy.{name}": name for name in ("bool", "complex", "float", "int", "object")}
NUMPY_ALIASES |= {"numpy.str": "str", "numpy.long": "int", "numpy.unicode": "str"}
NUMPY2_ALIASES = {"numpy.bool", "numpy.long"}  # back in numpy 2, for its own types
# Lists in Python 2, read once in Python 3; a range can be read again.
LISTS = ("filter", "map", "range", "zip")
VIEWS = ("items", "keys", "values")
# They read what they are given once, from its beginning to its end.
READERS = set(
    "all any dict enumerate filter frozenset iter list map max min set sorted sum tuple zip".split()
)
LIST_METHODS = {"append", "extend", "index", "insert", "pop", "remove", "reverse", "sort"}
SHUFFLERS = {"random.shuffle", "numpy.random.shuffle"}
BINDS_TIGHTER = (cst.Attribute, cst.BinaryOperation, cst.Call, cst.Comparison, cst.Subscript)
BINDS_TIGHTER += (cst.ComparisonTarget, cst.UnaryOperation)
LIST_OPERATORS = (cst.Add, cst.Multiply)


class WrittenForPython2(Pass):
    """Finds out whether a program was, as far as names tell; changes nothing."""

    def visit_Name(self, node: cst.Name) -> None:
        """Builtins that only Python 2 had."""
        if node.value in BUILTINS or node.value in MOVED_BUILTINS:
            self.program.python2 |= self.unbound(node)

    def visit_Call(self, node: cst.Call) -> None:
        """Methods that only its dicts had."""
        match node.func:
            case cst.Attribute(attr=cst.Name(value=method)):
                gone = method in DICT_METHODS and not node.args
                self.program.python2 |= gone or (method == "has_key" and len(node.args) == 1)

    def visit_Import(self, node: cst.Import) -> None:
        """Modules that only it had."""
        self.program.python2 |= any(alias.evaluated_name in MODULES for alias in node.names)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        """Modules that only it had."""
        if isinstance(node.module, cst.Name) and not node.relative:
            self.program.python2 |= node.module.value in MODULES


class Semantics(Pass):
    """Writes out what Python 2 meant."""

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        """Builtins that were renamed."""
        name = original_node.value
        if name not in BUILTINS and name not in MOVED_BUILTINS:
            return updated_node
        if not self.unbound(original_node):
            return updated_node
        now = BUILTINS.get(name) or MOVED_BUILTINS[name]
        self.changed(original_node, f"{name} -> {now}")
        if name in MOVED_BUILTINS:
            self.program.needs.add(f"import {now.split('.')[0]}")
        return replaced(updated_node, name_node(now))

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        """Names that numpy dropped."""
        name = self.imported(original_node)
        old = self.program.python2 or self.program.tensorflow1
        if name not in NUMPY_ALIASES or (name in NUMPY2_ALIASES and not old):
            return updated_node
        self.changed(original_node, f"np.{name[6:]} -> {NUMPY_ALIASES[name]}")
        return replaced(updated_node, cst.Name(NUMPY_ALIASES[name]))

    def leave_ImportAlias(
        self, original_node: cst.ImportAlias, updated_node: cst.ImportAlias
    ) -> cst.ImportAlias:
        """Modules that were renamed, under the name they are used by."""
        name = original_node.evaluated_name
        if name not in MODULES or not isinstance(self.parent(original_node), cst.Import):
            return updated_node
        now = MODULES[name]
        self.changed(original_node, f"import {name} -> {now}")
        alias = original_node.evaluated_alias or name
        asname = cst.AsName(cst.Name(alias)) if alias != now else None
        return updated_node.with_changes(name=name_node(now), asname=asname)

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom:
        """Modules that were renamed."""
        module = original_node.module
        if original_node.relative or not isinstance(module, cst.Name):
            return updated_node
        if module.value not in MODULES:
            return updated_node
        now = MODULES[module.value]
        self.changed(original_node, f"from {module.value} -> from {now}")
        return updated_node.with_changes(module=name_node(now))

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        """Methods that are gone, and lists that are none any more."""
        match original_node:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=method)), args=[]):
                if method in DICT_METHODS:
                    now = DICT_METHODS[method]
                    self.changed(original_node, f".{method}() -> .{now}()")
                    func = updated_node.func.with_changes(attr=cst.Name(now))
                    return updated_node.with_changes(func=func)
                if method == "next" and self.program.python2:
                    self.changed(original_node, ".next() -> next()")
                    return replaced(updated_node, call("next", updated_node.func.value))
            case cst.Call(
                func=cst.Attribute(attr=cst.Name(value="has_key")),
                args=[cst.Arg(keyword=None, star="")],
            ):
                self.changed(original_node, ".has_key() -> in")
                return self._membership(original_node, updated_node)
        if self._was_a_list(original_node):
            name = original_node.func
            name = name.value if isinstance(name, cst.Name) else f".{name.attr.value}"
            self.changed(original_node, f"{name}() -> list({name}())")
            return replaced(updated_node, call("list", bare(updated_node)))
        return updated_node

    def _membership(self, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
        argument = updated.args[0].value
        target = cst.ComparisonTarget(cst.In(), operand(updated.func.value))
        found = cst.Comparison(operand(argument), [target])
        if not original.lpar and isinstance(self.parent(original), BINDS_TIGHTER):
            return operand(found)
        return replaced(original, found)

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
                stores = isinstance(self.parent(parent), cst.AssignTarget)
                return parent.value is node and (stores or not read_again)
        return False
