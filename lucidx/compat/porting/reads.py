"""What was text in Python 2 and is bytes in Python 3: what is read, what functions give."""

from __future__ import annotations

import libcst as cst

from lucidx.compat.porting.bindings import DEEPEST, bindings
from lucidx.compat.porting.kinds import kind_of
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.python2_names import any_of
from lucidx.compat.porting.trees import dotted, operand

READ = {f"{package}.misc.io.reading.read" for package in ("lucid", "lucidx")}
READ |= {f"{package}.misc.io.read" for package in ("lucid", "lucidx")}
OPENERS = {"urllib.request.urlopen", "urllib2.urlopen", "urllib.urlopen"}
GIVE_BYTES = {"b64decode", "check_output", "dumps", "encode", "get_bytes", "pack", "tobytes"}
# They give bytes, of these characters, whatever they are for.
ENCODERS = {f"base64.{name}" for name in ("b64encode", "standard_b64encode", "urlsafe_b64encode")}
ENCODERS |= {"base64.encodebytes", "base64.encodestring", "binascii.b2a_base64", "binascii.hexlify"}
OUTPUTS = {"subprocess.check_output"}
TAKE_BYTES = {f"hashlib.{name}" for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")}
TAKE_BYTES |= {*ENCODERS, "binascii.crc32", "zlib.compress", "zlib.crc32"}
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
    """`read(url)`, `urlopen(url).read()` and their like that are used as text get an encoding."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether any is named."""
        return WORDS.search(program.text) is not None

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """Name the encoding."""
        if self.program.python2:
            updated_node = self._of_python2(original_node, updated_node)
        match original_node.func:
            case cst.Attribute(value=cst.Call(func=opener), attr=cst.Name(value="read")):
                if self.imported(opener) in OPENERS and self._is_text(original_node):
                    self.changed(original_node, 'urlopen(x).read() -> .decode("utf-8")')
                    return _called(updated_node, "decode", "utf-8")
        if self.imported(original_node.func) not in READ or len(original_node.args) != 1:
            return updated_node
        if not self._is_text(original_node):
            return updated_node
        self.changed(original_node, 'read(x) -> read(x, encoding="utf-8")')
        plain = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
        encoding = cst.Arg(cst.SimpleString('"utf-8"'), cst.Name("encoding"), equal=plain)
        return updated_node.with_changes(args=[*updated_node.args, encoding])

    def visit_Comparison(self, node: cst.Comparison) -> None:
        """Report bytes that are compared with text, which are never the same."""
        sides = [node.left, *(target.comparator for target in node.comparisons)]
        is_text = any(
            isinstance(side, cst.SimpleString) and "b" not in side.prefix for side in sides
        )
        if is_text and self.program.python2 and any(map(self._is_of_bytes, sides)):
            self.left(node, "bytes are compared with text", 'write b"...", and x[:1] for x[0]')

    def _is_of_bytes(self, node: cst.BaseExpression) -> bool:
        value = node.value if isinstance(node, cst.Subscript) else node
        return kind_of(self, value) == "bytes"

    def _of_python2(self, original: cst.Call, updated: cst.Call) -> cst.Call:
        """Let text be bytes where functions take these, and bytes be text where they give these."""
        name = self.imported(original.func)
        if name in TAKE_BYTES and original.args and kind_of(self, original.args[0].value) == "text":
            self.changed(original, f'{name}(x) -> {name}(x.encode("utf-8"))')
            first, *rest = updated.args
            encoded = _called(operand(first.value), "encode", "utf-8")
            updated = updated.with_changes(args=[first.with_changes(value=encoded), *rest])
        if name in ENCODERS and not self._is_asked_for(original, {"decode"}):
            self.changed(original, f'{name}(x) -> .decode("ascii")')
            return _called(updated, "decode", "ascii")
        if name in OUTPUTS and (self._is_text(original) or self._is_shown(original)):
            self.changed(original, f'{name}(x) -> .decode("utf-8")')
            return _called(updated, "decode", "utf-8")
        return updated

    def _is_text(self, node: cst.Call) -> bool:
        """Whether it is asked for what text has, and not for text."""
        return self._is_asked_for(node, TEXT_METHODS) and not self._is_asked_for(node, {"decode"})

    def _is_asked_for(self, node: cst.Call, methods: set[str]) -> bool:
        """Whether a value, or the name that it is assigned to, is asked for one of some methods."""
        return any(
            isinstance(parent, cst.Attribute) and parent.attr.value in methods
            for parent in map(self.parent, self._uses(node))
        )

    def _is_shown(self, node: cst.Call) -> bool:
        """Whether it is printed, or put into text."""
        return any(self._is_put_into_text(use) for use in self._uses(node))

    def _is_put_into_text(self, use: cst.CSTNode) -> bool:
        parent = self.parent(use)
        match parent:
            case cst.Arg():
                call = self.parent(parent)
                return isinstance(call, cst.Call) and dotted(call.func) == "print"
            case cst.BinaryOperation(operator=cst.Add() | cst.Modulo()):
                return any(kind_of(self, side) == "text" for side in (parent.left, parent.right))
        return False

    def _uses(self, node: cst.Call) -> list[cst.CSTNode]:
        """The call itself, and where the names that it is assigned to are used."""
        parent, scope = self.parent(node), self.scope(node)
        if not isinstance(parent, cst.Assign) or scope is None:
            return [node]
        targets = [each.target for each in parent.targets]
        names = [target.value for target in targets if isinstance(target, cst.Name)]
        return [node, *(access.node for name in names for access in scope.accesses[name])]


def _called(value: cst.BaseExpression, method: str, encoding: str) -> cst.Call:
    """Call of `decode` or `encode` of a value."""
    argument = cst.Arg(cst.SimpleString(f'"{encoding}"'))
    return cst.Call(cst.Attribute(value, cst.Name(method)), [argument])


WORDS = any_of(["read", *(name.rpartition(".")[2] for name in TAKE_BYTES | OUTPUTS)])
