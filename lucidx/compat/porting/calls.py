"""Calls of Python 2's builtins and methods: what becomes of each."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

import libcst as cst

from lucidx.compat.porting import python2_names as names
from lucidx.compat.porting.lists import is_read_once
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.reads import are_bytes
from lucidx.compat.porting.trees import bare, call, dotted, operand, replaced

BINDS_TIGHTER = (cst.Attribute, cst.BinaryOperation, cst.Call, cst.Comparison, cst.Subscript)
BINDS_TIGHTER += (cst.ComparisonTarget, cst.UnaryOperation)
OTHERWISE = {
    "apply": "use lambda f, args: f(*args)",
    "execfile": "use lambda path: exec(open(path).read())",
    "file": "use open, or io.IOBase for the type",
}


def _renamed(new: str, old: str) -> Callable[[Pass, cst.Call, cst.Call], cst.BaseExpression]:
    """Change of a method's name, where it has no arguments."""

    def change(each: Pass, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
        if original.args:
            return updated
        each.changed(original, f".{old}() -> .{new}()")
        renamed = updated.with_changes(func=updated.func.with_changes(attr=cst.Name(new)))
        if not old.startswith("iter") or is_read_once(each, original):
            return renamed
        return replaced(updated, call("iter", bare(renamed)))

    return change


def _next(each: Pass, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    if original.args or not each.program.python2:
        return updated
    each.changed(original, ".next() -> next()")
    return replaced(updated, call("next", updated.func.value))


def _has_key(each: Pass, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
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


def _xreadlines(each: Pass, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    if original.args:
        return updated
    each.changed(original, ".xreadlines() -> the file itself")
    return replaced(updated, updated.func.value)


def _codec(each: Pass, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    """Remark on what is no encoding of text, and on what may be text already."""
    value, method = original.func.value, original.func.attr.value
    match original.args:
        case [] | [cst.Arg(keyword=cst.Name(value="errors")), *_]:
            codec = "ascii"
        case [cst.Arg(value=cst.SimpleString() as given), *_] if _is_codec(given):
            codec = given.evaluated_value
        case _:
            return updated  # something else is decoded: a picture, a latent
    if codec in names.CODECS:
        what = f".{method}({codec!r}) is for text no more"
        each.left(original, what, f"codecs.{method}(x, {codec!r}) of bytes")
        return updated
    if method == "encode" or not each.program.python2 or are_bytes(each, value):
        return updated
    if isinstance(value, cst.SimpleString) and "\\" not in value.value:
        each.changed(original, '"...".decode() -> "..."')
        return replaced(updated, updated.func.value)
    each.left(original, ".decode() is a method of bytes only", "leave it out where x is text")
    return updated


def _is_codec(node: cst.SimpleString) -> bool:
    try:
        codecs.lookup(node.evaluated_value)
    except (LookupError, TypeError, ValueError):
        return False
    return True


def _round(each: Pass, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    """`round(x)`, which gave a number with a point; halves went away from zero."""
    match original.args:
        case [cst.Arg(keyword=None, star="")] if each.program.python2:
            what = "round(x) takes halves to even numbers: 0.5 to 0, not to 1"
            each.left(original, what, "write math.floor(x + 0.5) where that matters, for x >= 0")
        case _:
            return updated
    arg = each.parent(original)
    outer = each.parent(arg) if isinstance(arg, cst.Arg) else None
    converts = isinstance(outer, cst.Call) and dotted(outer.func) in ("float", "int", "long")
    if converts or re.search(r"\bimport\s*\*", each.program.text):  # it may be another's
        return updated
    each.changed(original, "round(x) -> float(round(x))")
    return replaced(updated, call("float", bare(updated)))


def _apply(each: Pass, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
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


def _execfile(each: Pass, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
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


def _file(each: Pass, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    each.changed(original, "file() -> open()")
    return updated.with_changes(func=replaced(updated.func, cst.Name("open")))


def _input(each: Pass, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    if not each.program.python2:
        return updated
    each.changed(original, "input() -> eval(input())")
    return replaced(updated, call("eval", bare(updated)))


FUNCTIONS = {
    "apply": _apply,
    "execfile": _execfile,
    "file": _file,
    "input": _input,
    "round": _round,
}
METHODS = {
    **{old: _renamed(new, old) for old, new in names.DICT_METHODS.items()},
    "decode": _codec,
    "encode": _codec,
    "has_key": _has_key,
    "next": _next,
    "tostring": _renamed("tobytes", "tostring"),
    "xreadlines": _xreadlines,
}
