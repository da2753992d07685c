"""What was read as text in Python 2 and is bytes in Python 3."""

from __future__ import annotations

import libcst as cst

from lucidx.compat.porting.bindings import DEEPEST, bindings
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program

READ = {f"{package}.misc.io.reading.read" for package in ("lucid", "lucidx")}
READ |= {f"{package}.misc.io.read" for package in ("lucid", "lucidx")}
OPENERS = {"urllib.request.urlopen", "urllib2.urlopen", "urllib.urlopen"}
GIVE_BYTES = {"b64decode", "check_output", "dumps", "encode", "get_bytes", "pack", "tobytes"}
TEXT_METHODS = {"format", "join", "lower", "replace", "split", "splitlines", "startswith", "strip"}


def are_bytes(each: Pass, node: cst.BaseExpression, depth: int = 0) -> bool:
    """Whether a value is of bytes in Python 3, as far as one can see."""
    match node:
        case cst.SimpleString():
            return "b" in node.prefix
        case cst.Call(func=cst.Attribute(value=cst.Call(func=opener), attr=cst.Name(value="read"))):
            return each.imported(opener) in OPENERS
        case cst.Call(func=func) if each.imported(func) in READ:
            return True
        case cst.Call(func=cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name)):
            return name in GIVE_BYTES
        case cst.Attribute(attr=cst.Name(value="content")):
            return True
        case cst.Name() if depth <= DEEPEST:
            found = bindings(each, node)
            whole = all(bound and not bound.is_item for bound in found)
            return bool(found) and whole and all(are_bytes(each, b.node, depth + 1) for b in found)
    return False


class Reads(Pass):
    """`read(url)` and `urlopen(url).read()` that are used as text get an encoding."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it is named."""
        return "read" in program.text

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """Name the encoding."""
        match original_node.func:
            case cst.Attribute(value=cst.Call(func=opener), attr=cst.Name(value="read")):
                if self.imported(opener) in OPENERS and self._is_text(original_node):
                    self.changed(original_node, 'urlopen(x).read() -> .decode("utf-8")')
                    decode = cst.Attribute(updated_node, cst.Name("decode"))
                    return cst.Call(decode, [cst.Arg(cst.SimpleString('"utf-8"'))])
        if self.imported(original_node.func) not in READ or len(original_node.args) != 1:
            return updated_node
        if not self._is_text(original_node):
            return updated_node
        self.changed(original_node, 'read(x) -> read(x, encoding="utf-8")')
        plain = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
        encoding = cst.Arg(cst.SimpleString('"utf-8"'), cst.Name("encoding"), equal=plain)
        return updated_node.with_changes(args=[*updated_node.args, encoding])

    def _is_text(self, node: cst.Call) -> bool:
        parent = self.parent(node)
        if _calls_text_method(parent):
            return True
        scope = self.scope(node)
        if not isinstance(parent, cst.Assign) or scope is None:
            return False
        names = [each.target for each in parent.targets]
        return any(
            _calls_text_method(self.parent(access.node))
            for name in names
            if isinstance(name, cst.Name)
            for access in scope.accesses[name.value]
        )


def _calls_text_method(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Attribute) and node.attr.value in TEXT_METHODS
