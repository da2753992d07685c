"""Python 2 to Python 3: what parses in both and means otherwise, or nothing, in Python 3."""

from __future__ import annotations

import re
from collections.abc import Callable

import libcst as cst

from lucidx.compat.porting import python2_names as names
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.python2_names import any_of
from lucidx.compat.porting.trees import bare, call, name_node, operand, replaced

# Gone from numpy, and what they were.
NUMPY_ALIASES = {f"numpy.{name}": name for name in ("bool", "complex", "float", "int", "object")}
NUMPY_ALIASES |= {"numpy.str": "str", "numpy.long": "int", "numpy.unicode": "str"}
NUMPY2_ALIASES = {"numpy.bool", "numpy.long"}  # back in numpy 2, for its own types
BINDS_TIGHTER = (cst.Attribute, cst.BinaryOperation, cst.Call, cst.Comparison, cst.Subscript)
BINDS_TIGHTER += (cst.ComparisonTarget, cst.UnaryOperation)
DEFINED = re.compile(r"\bdef\s+(\w+)")
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
        stored = set(re.findall(r"\.(\w+)\s*=(?!=)", program.text))
        self._attributes = {old: new for old, new in names.ATTRIBUTES.items() if old not in stored}

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        """Builtins that were renamed."""
        name = original_node.value
        if name not in names.PYTHON2_BUILTINS or not self._is_builtin(original_node):
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
            case cst.Attribute(attr=cst.Name(value=method)):
                change = None if method in self._own else METHODS.get(method)
            case _:
                return updated_node
        return change(self, original_node, updated_node) if change else updated_node

    def leave_Raise(self, original_node: cst.Raise, updated_node: cst.Raise) -> cst.Raise:
        """Strings as exceptions."""
        if not _is_text(original_node.exc):
            return updated_node
        self.changed(original_node, 'raise "..." -> raise Exception("...")')
        return updated_node.with_changes(exc=call("Exception", bare(updated_node.exc)))

    def visit_ExceptHandler(self, node: cst.ExceptHandler) -> None:
        """Strings as exceptions."""
        if _is_text(node.type):
            self.left(node, "a string is caught, which nothing raises", "name an exception")

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
OTHERWISE = {
    "apply": "use lambda f, args: f(*args)",
    "execfile": "use lambda path: exec(open(path).read())",
    "file": "use open, or io.IOBase for the type",
}


def _is_called(each: Pass, node: cst.CSTNode) -> bool:
    parent = each.parent(node)
    return isinstance(parent, cst.Call) and parent.func is node


def _is_text(node: cst.BaseExpression | None) -> bool:
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Modulo):
        return _is_text(node.left)
    return isinstance(node, STRINGS)


def _renamed(new: str, old: str) -> Callable[[Semantics, cst.Call, cst.Call], cst.BaseExpression]:
    """Change of a method's name, where it has no arguments."""

    def change(each: Semantics, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
        if original.args:
            return updated
        each.changed(original, f".{old}() -> .{new}()")
        return updated.with_changes(func=updated.func.with_changes(attr=cst.Name(new)))

    return change


def _next(each: Semantics, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    if original.args or not each.program.python2:
        return updated
    each.changed(original, ".next() -> next()")
    return replaced(updated, call("next", updated.func.value))


def _has_key(each: Semantics, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    match original.args:
        case [cst.Arg(keyword=None, star="")]:
            pass
        case _:
            return updated
    each.changed(original, ".has_key() -> in")
    target = cst.ComparisonTarget(cst.In(), operand(updated.func.value))
    found = cst.Comparison(operand(updated.args[0].value), [target])
    if not original.lpar and isinstance(each.parent(original), BINDS_TIGHTER):
        return operand(found)
    return replaced(original, found)


def _xreadlines(each: Semantics, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    if original.args:
        return updated
    each.changed(original, ".xreadlines() -> the file itself")
    return replaced(updated, updated.func.value)


def _codec(each: Semantics, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    """Remark on what is no encoding of text."""
    match original.args:
        case [cst.Arg(value=cst.SimpleString() as codec)]:
            if codec.evaluated_value in names.CODECS:
                method = original.func.attr.value
                what = f".{method}({codec.evaluated_value!r}) is for text no more"
                each.left(original, what, f"codecs.{method}(x, {codec.evaluated_value!r}) of bytes")
    return updated


def _apply(each: Semantics, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    """`apply(f, args, kwargs)`."""
    plain = all(arg.keyword is None and not arg.star for arg in original.args)
    if not plain or not 1 <= len(original.args) <= 3:
        each.left(original, "apply is gone", OTHERWISE["apply"])
        return updated
    each.changed(original, "apply(f, x) -> f(*x)")
    function, *given = updated.args
    stars = ("*", "**")
    args = [
        arg.with_changes(star=star, value=operand(arg.value), comma=cst.MaybeSentinel.DEFAULT)
        for arg, star in zip(given, stars, strict=False)
    ]
    return replaced(updated, cst.Call(operand(function.value), args))


def _execfile(each: Semantics, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    """`execfile(path, globals, locals)`; what it runs has to be ported, too."""
    if not original.args or any(arg.keyword or arg.star for arg in original.args):
        each.left(original, "execfile is gone", OTHERWISE["execfile"])
        return updated
    each.changed(original, "execfile(x) -> exec(open(x).read())")
    each.left(original, "execfile runs a file", "port that file, too")
    path, *rest = updated.args
    opened = cst.Attribute(call("open", path.value), cst.Name("read"))
    return replaced(
        updated, cst.Call(cst.Name("exec"), [path.with_changes(value=cst.Call(opened)), *rest])
    )


def _file(each: Semantics, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    each.changed(original, "file() -> open()")
    return updated.with_changes(func=replaced(updated.func, cst.Name("open")))


def _input(each: Semantics, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    if not each.program.python2:
        return updated
    each.changed(original, "input() -> eval(input())")
    return replaced(updated, call("eval", bare(updated)))


FUNCTIONS = {"apply": _apply, "execfile": _execfile, "file": _file, "input": _input}
METHODS = {
    **{old: _renamed(new, old) for old, new in names.DICT_METHODS.items()},
    "decode": _codec,
    "encode": _codec,
    "has_key": _has_key,
    "next": _next,
    "tostring": _renamed("tobytes", "tostring"),
    "xreadlines": _xreadlines,
}
WORDS = any_of(
    [
        *names.PYTHON2_BUILTINS,
        *names.ATTRIBUTES,
        *METHODS,
        *FUNCTIONS,
        *(name.removeprefix("numpy.") for name in NUMPY_ALIASES),
        *("raise", "except"),
    ]
)
