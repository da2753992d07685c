"""Python 2 to Python 3: what parses in both and means otherwise, or nothing, in Python 3."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from lucidx.compat.porting import python2_names as names
from lucidx.compat.porting.annotated import children_of
from lucidx.compat.porting.calls import FUNCTIONS, METHODS, OTHERWISE
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.python2_names import any_of
from lucidx.compat.porting.receivers import owner_of
from lucidx.compat.porting.trees import bare, call, name_node, replaced

# Gone from numpy, and what they were.
NUMPY_ALIASES = {f"numpy.{name}": name for name in ("bool", "complex", "float", "int", "object")}
NUMPY_ALIASES |= {"numpy.str": "str", "numpy.long": "int", "numpy.unicode": "str"}
NUMPY2_ALIASES = {"numpy.bool", "numpy.long"}  # back in numpy 2, for its own types
DEFINED = re.compile(r"\bdef\s+(\w+)")
# Attributes that a program gives to things, other than from one function to another.
STORED = re.compile(r"\.(\w+)[ \t]*=(?!=)(?![ \t]*[\w.]+\.\1\b)")
# Exceptions of TensorFlow and others have a message of their own.
MESSAGE = 'getattr({e}, "message", {e}.args[0] if len({e}.args) == 1 else "")'
STORES = (cst.AssignTarget, cst.AugAssign, cst.Del)
STRINGS = (cst.SimpleString, cst.ConcatenatedString, cst.FormattedString)


class Semantics(Pass):
    """Writes out what Python 2 meant by its builtins, methods and attributes."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it has any of those that are gone."""
        return WORDS.search(program.text) is not None

    def __init__(self, program: Program):
        super().__init__(program)
        # Methods of the program's own classes are called as they are; `next` is renamed there, too.
        self._own = set(DEFINED.findall(program.text)) - {"next"}
        stored = set(STORED.findall(program.text))
        self._attributes = {old: new for old, new in names.ATTRIBUTES.items() if old not in stored}

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        """Builtins that were renamed."""
        name = original_node.value
        if name not in names.PYTHON2_BUILTINS or not self._is_builtin(original_node):
            return updated_node
        if name == "reload" and _reloads_sys(self, self.parent(original_node)):
            return updated_node
        now = names.BUILTINS.get(name) or names.MOVED_BUILTINS.get(name)
        if now is None:
            self._other_builtin(original_node)
            return updated_node
        self.changed(original_node, f"{name} -> {now}")
        if name in names.MOVED_BUILTINS:
            self.program.needs.add(f"import {now.split('.')[0]}")
        return replaced(updated_node, name_node(now))

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        """Names that numpy dropped; attributes of functions; methods that nobody calls here."""
        name = original_node.attr.value
        if name in self._attributes and self.program.python2:
            self.changed(original_node, f".{name} -> .{self._attributes[name]}")
            return updated_node.with_changes(attr=cst.Name(self._attributes[name]))
        if name == "message" and self._is_of_caught(original_node):
            self.changed(original_node, ".message of an exception -> what it was made with")
            said = MESSAGE.format(e=original_node.value.value)
            return replaced(updated_node, cst.parse_expression(said))
        if name == "has_key" and not _is_called(self, original_node):
            self.left(original_node, ".has_key is gone", "use lambda key: key in x")
        whole = f"numpy.{name}"
        if whole not in NUMPY_ALIASES or self.imported(original_node) != whole:
            return updated_node
        old = self.program.python2 or self.program.tensorflow1
        if whole in NUMPY2_ALIASES and not old:
            return updated_node
        self.changed(original_node, f"np.{name} -> {NUMPY_ALIASES[whole]}")
        return replaced(updated_node, cst.Name(NUMPY_ALIASES[whole]))

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        """Functions and methods that are gone."""
        match original_node.func:
            case cst.Name(value=name) as func:
                change = FUNCTIONS.get(name)
                if change is None or not self._is_builtin(func):
                    return updated_node
            case cst.Attribute(value=value, attr=cst.Name(value=method)):
                change = METHODS.get(method)
                if change and method in self._own and not self._is_of_dict(value, method):
                    return updated_node
            case _:
                return updated_node
        return change(self, original_node, updated_node) if change else updated_node

    def leave_Expr(self, original_node: cst.Expr, updated_node: cst.Expr) -> cst.BaseSmallStatement:
        """`reload(sys)`, which is to give back `sys.setdefaultencoding`."""
        match original_node.value:
            case cst.Call(func=cst.Name(value="reload") as func):
                if self._is_builtin(func) and _reloads_sys(self, original_node.value):
                    self.changed(original_node, "reload(sys) -> comment: text is Unicode")
                    return self.comment_out(original_node)
        return updated_node

    def leave_Subscript(
        self, original_node: cst.Subscript, updated_node: cst.Subscript
    ) -> cst.BaseExpression:
        """Items of exceptions by their numbers, which were their arguments."""
        value = original_node.value
        if not isinstance(value, cst.Name) or not _is_by_number(original_node):
            return updated_node
        if not self._is_caught(value):
            return updated_node
        self.changed(original_node, "e[0] of an exception -> e.args[0]")
        return updated_node.with_changes(value=cst.Attribute(updated_node.value, cst.Name("args")))

    def leave_Raise(
        self, original_node: cst.Raise, updated_node: cst.Raise
    ) -> cst.BaseSmallStatement:
        """Strings as exceptions, and the end of generators."""
        if _is_stop(original_node) and self._ends_generator(original_node):
            self.changed(original_node, "raise StopIteration in a generator -> return")
            return cst.Return(semicolon=updated_node.semicolon)
        if not _is_text(original_node.exc):
            return updated_node
        self.changed(original_node, 'raise "..." -> raise Exception("...")')
        return updated_node.with_changes(exc=call("Exception", bare(updated_node.exc)))

    def visit_ExceptHandler(self, node: cst.ExceptHandler) -> None:
        """Strings as exceptions."""
        if _is_text(node.type):
            self.left(node, "a string is caught, which nothing raises", "name an exception")

    def _is_of_caught(self, node: cst.Attribute) -> bool:
        """Whether an attribute of an exception is read, by the name that `except` gave it."""
        if not isinstance(node.value, cst.Name) or isinstance(self.parent(node), STORES):
            return False
        return self._is_caught(node.value)

    def _is_caught(self, node: cst.Name) -> bool:
        """Whether it is the name that `except` gave an exception."""
        if not self.program.python2 or (scope := self.scope(node)) is None:
            return False
        bound = [getattr(each, "node", None) for each in scope[node.value]]
        holders = [self.parent(each) for each in bound if each is not None]
        named = [isinstance(self.parent(each), cst.ExceptHandler) for each in holders if each]
        return len(named) == len(bound) > 0 and all(named)

    def _ends_generator(self, node: cst.CSTNode) -> bool:
        """Whether a statement is in a generator, and nothing in that catches what it raises."""
        outer: cst.CSTNode | None = node
        while outer is not None and not isinstance(outer, cst.FunctionDef):
            inner, outer = outer, self.parent(outer)
            if isinstance(outer, cst.Try) and outer.body is inner and outer.handlers:
                return False
        return outer is not None and any(isinstance(each, cst.Yield) for each in _own_nodes(outer))

    def _is_of_dict(self, value: cst.BaseExpression, method: str) -> bool:
        """Whether a method that a class of the program has, too, is that of a dictionary."""
        owner = owner_of(self, value, method) if method in DICTS_OWN else "own"
        if owner == "" and self.program.python2:
            what = f".{method}() of something unknown, which a class here defines"
            now = names.DICT_METHODS.get(method)
            advice = f"call .{now}() if it is a dict" if now else "write key in x if x is a dict"
            self.left(value, what, advice)
        return owner == "dict"

    def _is_builtin(self, node: cst.Name) -> bool:
        return self.unbound(node) and not self.guarded(node)

    def _other_builtin(self, node: cst.Name) -> None:
        """What is no call of those that are rewritten with their calls."""
        name = node.value
        if name == "cmp":
            self.changed(node, "cmp -> a function that does the same")
            self.program.needs.add(CMP)
        elif name in names.GONE:
            self.left(node, f"{name} is gone", names.GONE[name])
        elif not _is_called(self, node):
            self.left(node, f"{name} is gone", OTHERWISE[name])


CMP = "def cmp(a, b):\n    return bool(a > b) - bool(a < b)\n"


def _is_called(each: Pass, node: cst.CSTNode) -> bool:
    parent = each.parent(node)
    return isinstance(parent, cst.Call) and parent.func is node


def _is_text(node: cst.BaseExpression | None) -> bool:
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Modulo):
        return _is_text(node.left)
    return isinstance(node, STRINGS)


def _is_by_number(node: cst.Subscript) -> bool:
    match node.slice:
        case [cst.SubscriptElement(slice=cst.Index(value=cst.Integer()))]:
            return True
        case [cst.SubscriptElement(slice=cst.Index(value=cst.UnaryOperation(expression=value)))]:
            return isinstance(value, cst.Integer)
        case [cst.SubscriptElement(slice=cst.Slice())]:
            return True
    return False


def _is_stop(node: cst.Raise) -> bool:
    """Whether it raises StopIteration, without a value."""
    match node.exc:
        case cst.Name(value=name) | cst.Call(func=cst.Name(value=name), args=[]):
            return name == "StopIteration"
    return False


def _own_nodes(function: cst.FunctionDef) -> Iterator[cst.CSTNode]:
    """Nodes of a function that are in no function in it."""
    waiting: list[cst.CSTNode] = [function.body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, cst.FunctionDef | cst.Lambda | cst.ClassDef):
            waiting += children_of(node)


def _reloads_sys(each: Pass, node: cst.CSTNode | None) -> bool:
    """Whether a call of `reload` is a statement that asks for the module sys."""
    match node:
        case cst.Call(args=[cst.Arg(value=module)]):
            is_statement = isinstance(each.parent(node), cst.Expr)
            return is_statement and each.imported(module) == "sys"
    return False


DICTS_OWN = {"has_key", *names.DICT_METHODS}
WORDS = any_of(
    [
        *names.PYTHON2_BUILTINS,
        *names.ATTRIBUTES,
        *METHODS,
        *FUNCTIONS,
        *(name.removeprefix("numpy.") for name in NUMPY_ALIASES),
        *("raise", "except", "message"),
    ]
)
