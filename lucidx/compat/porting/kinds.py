"""What is text and what is bytes, of which Python 2 had one type; and where a value is used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import libcst as cst
from libcst import metadata

from lucidx.compat.porting.bindings import DEEPEST, bindings
from lucidx.compat.porting.passes import Pass

Kind = Literal["text", "bytes", ""]  # "" is not known

URL_OPENERS = {"urllib.request.urlopen", "urllib2.urlopen", "urllib.urlopen"}
# They give text, or bytes, whatever they are given.
GIVE: dict[str, Kind] = {"json.dumps": "text"}
GIVE |= {f"{module}.dumps": "bytes" for module in ("cPickle", "marshal", "pickle")}
GIVE |= dict.fromkeys(("os.urandom", "struct.pack", "subprocess.check_output"), "bytes")
GIVE |= dict.fromkeys(("base64.b64decode", "zlib.compress", "zlib.decompress"), "bytes")
BUILTINS = {"chr", "repr", "str", "unicode"}
TEXT_METHODS = {"format", "hexdigest", "isoformat", "join"}
BYTES_METHODS = {"SerializeToString", "digest", "encode", "get_bytes", "tobytes", "tostring"}
# What they give is of the kind that they are asked of.
LIKE_METHODS = set(
    """capitalize center expandtabs ljust lower lstrip replace rjust rstrip strip swapcase title
    upper zfill""".split()
)


def kind_of(each: Pass, node: cst.BaseExpression, depth: int = 0) -> Kind:
    """What a value is in Python 3, as far as one can see."""
    match node:
        case cst.SimpleString():
            return _kind_of_literal(node)
        case cst.ConcatenatedString(left=left, right=right):
            return _common(kind_of(each, part, depth) for part in (left, right))
        case cst.FormattedString():
            return "text"
        case cst.BinaryOperation(left=left, operator=cst.Add(), right=right):
            return _joined(kind_of(each, part, depth) for part in (left, right))
        case cst.BinaryOperation(left=left, operator=cst.Modulo(), right=right):
            parts = [part.value for part in right.elements] if _is_tuple(right) else [right]
            are_bytes = any(kind_of(each, part, depth) == "bytes" for part in parts)
            return "" if are_bytes else kind_of(each, left, depth)
        case cst.BinaryOperation(left=left, operator=cst.Multiply()):
            return kind_of(each, left, depth)
        case cst.IfExp(body=body, orelse=other):
            return _common(kind_of(each, part, depth) for part in (body, other))
        case cst.Call():
            return _kind_of_call(each, node, depth)
        case cst.Attribute(attr=cst.Name(value="content")):
            return "bytes"
        case cst.Name() if depth <= DEEPEST:
            found = bindings(each, node)
            whole = [bound.node for bound in found if bound and not bound.is_item]
            if len(whole) == len(found):
                return _common(kind_of(each, value, depth + 1) for value in whole)
    return ""


def _kind_of_literal(node: cst.SimpleString) -> Kind:
    if "b" in node.prefix.lower():
        return "bytes"
    # Escapes of what is not ASCII are of bytes as a rule, unless it says that it is text.
    plain = str(node.evaluated_value).isascii() or "\\" not in node.value
    return "text" if plain or "u" in node.prefix.lower() else ""


def _kind_of_call(each: Pass, node: cst.Call, depth: int) -> Kind:
    if (name := each.imported(node.func)) in GIVE:
        return GIVE[name]
    match node.func:
        case cst.Name(value=name) if name in BUILTINS and each.unbound(node.func):
            return "text"
        case cst.Attribute(value=cst.Call(func=opener), attr=cst.Name(value="read")):
            of_url = each.imported(opener) in URL_OPENERS
            return "bytes" if of_url or is_open_for_bytes(each, node.func.value) else ""
        case cst.Attribute(value=cst.Name() as file, attr=cst.Name(value="read")):
            return "bytes" if is_open_for_bytes(each, file) else ""
        case cst.Attribute(value=cst.SimpleString(), attr=cst.Name(value="format")):
            given = (kind_of(each, arg.value, depth) for arg in node.args)
            return "" if "bytes" in given else "text"
        case cst.Attribute(attr=cst.Name(value=method)) if method in TEXT_METHODS:
            return "text"
        case cst.Attribute(attr=cst.Name(value=method)) if method in BYTES_METHODS:
            return "bytes"
        case cst.Attribute(value=value, attr=cst.Name(value=method)) if method in LIKE_METHODS:
            return kind_of(each, value, depth)
    return ""


def is_open_for_bytes(each: Pass, node: cst.BaseExpression) -> bool:
    """Whether it is a file that `open` gave, by a mode of bytes."""
    match node:
        case cst.Call(
            func=cst.Name(value="open"), args=[_, cst.Arg(value=cst.SimpleString() as mode), *_]
        ):
            return each.unbound(node.func) and "b" in str(mode.evaluated_value)
        case cst.Name(value=name):
            scope = each.scope(node)
            found = [_bound_at_once(each, bound) for bound in (scope[name] if scope else ())]
            return bool(found) and all(value and is_open_for_bytes(each, value) for value in found)
    return False


def _bound_at_once(each: Pass, assignment: metadata.BaseAssignment) -> cst.Call | None:
    """The call that a name is bound to by `x = f()` or `with f() as x`."""
    if (node := getattr(assignment, "node", None)) is None:
        return None
    holder = each.parent(node)
    match holder, each.parent(holder):
        case (cst.AssignTarget(), cst.Assign(value=cst.Call() as value)):
            return value
        case (cst.AsName(), cst.WithItem(item=cst.Call() as value)):
            return value
    return None


def _common(kinds: Iterable[Kind]) -> Kind:
    found = set(kinds)
    return found.pop() if len(found) == 1 else ""


def _joined(kinds: Iterable[Kind]) -> Kind:
    """Of what only things of one kind can make."""
    return _common(kind for kind in kinds if kind)


def _is_tuple(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Tuple)


def uses_of(each: Pass, node: cst.Call) -> list[cst.CSTNode]:
    """Where what a call gives is used: where it is itself, and by the name that it is bound to."""
    outer = each.parent(node)
    match outer:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            places = _statements_after(each, outer, name)
        case cst.WithItem(asname=cst.AsName(name=cst.Name(value=name))):
            places = [each.parent(outer)]
        case _:
            return [node]
    scope = each.scope(node)
    found = {access.node for bound in scope[name] for access in bound.references} if scope else ()
    return [node, *(use for use in found if places is None or _is_in(each, use, places))]


def _statements_after(each: Pass, node: cst.Assign, name: str) -> list[cst.CSTNode] | None:
    """Statements in which a name means what it was assigned; None if it does wherever it is."""
    scope = each.scope(node.value)
    bound = [getattr(bound, "node", None) for bound in (scope[name] if scope else ())]
    if len(bound) == 1:
        return None
    line = each.parent(node)
    block = each.parent(line)
    if not isinstance(block, cst.Module | cst.IndentedBlock) or None in bound:
        return []
    found = []
    for statement in block.body[list(block.body).index(line) + 1 :]:
        if any(_is_in(each, other, [statement]) for other in bound):
            break
        found.append(statement)
    return found


def _is_in(each: Pass, node: cst.CSTNode | None, places: list[cst.CSTNode]) -> bool:
    while node is not None and not any(node is place for place in places):
        node = each.parent(node)
    return node is not None
