"""Files of Python 2 that held text and bytes alike: `StringIO`, `open`, what `urlopen` gives."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.trees import COMMA, name_node

MAKERS = {"StringIO.StringIO", "cStringIO.StringIO"}
BYTES, TEXT = "BytesIO", "StringIO"
# They give bytes, and take and write files of bytes.
GIVE_BYTES = {"b64decode", "dumps", "get_bytes", "pack", "read", "tobytes", "tostring"}
TAKE_BYTES = {"ZipFile", "dump", "imread", "imsave", "load", "save", "savefig", "savetxt", "savez"}
TAKE_BYTES |= {"BytesParser", "GzipFile", "Image", "TarFile", "b64encode", "imdecode"}
OPENERS = {"PIL.Image.open", "Image.open", "tarfile.open", "gzip.open"}
LOADERS = {"pickle.load", "cPickle.load"}
DUMPERS = {"pickle.dump", "cPickle.dump"}


class Buffers(Pass):
    """`StringIO` becomes `io.BytesIO` where bytes are in it; pickles are read from bytes."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it is Python 2, and has such files."""
        return program.python2 and ("StringIO" in program.text or "ickle" in program.text)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """Where one is made, or a file is opened for a pickle."""
        match original_node.func:
            case cst.Name(value="open" | "file") as func if self.unbound(func):
                return self._opened(original_node, updated_node)
        name = self.imported(original_node.func)
        if name in MAKERS and not self.guarded(original_node):
            return self._made(original_node, updated_node)
        if name in LOADERS and len(original_node.args) == 1:
            what = "a pickle that Python 2 wrote may need an encoding"
            self.left(original_node, what, 'add encoding="latin1" if loading it fails')
        return updated_node

    def _made(self, original: cst.Call, updated: cst.Call) -> cst.Call:
        kinds = {self._kind(use) for use in self._uses(original)} | {self._content(original)}
        kind = BYTES if BYTES in kinds and TEXT not in kinds else TEXT
        if kinds <= {""}:
            what = "io.StringIO holds text"
            self.left(original, what, "write io.BytesIO if it is to hold bytes, as of an image")
        match original.func:
            case cst.Attribute():
                func = updated.func.with_changes(attr=cst.Name(kind))
            case cst.Name() if self.program.under_compat:
                self.program.needs.add("import io")
                func = name_node(f"io.{kind}")
            case cst.Name(value=name):
                self.program.buffers[name].add(kind)
                func = cst.Name(kind if name == TEXT else name)
            case _:
                return updated
        if kind == BYTES:
            self.changed(original, "StringIO of bytes -> io.BytesIO")
        return updated.with_changes(func=func)

    def _content(self, node: cst.Call) -> str:
        """What it is made of: "BytesIO", "StringIO", or neither."""
        return self._kind_of_value(node.args[0].value) if node.args else ""

    def _kind_of_value(self, node: cst.BaseExpression) -> str:
        match node:
            case cst.SimpleString() | cst.ConcatenatedString() | cst.FormattedString():
                return TEXT
            case cst.BinaryOperation(left=left):
                return self._kind_of_value(left)
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="format" | "join"))):
                return TEXT
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name)):
                return BYTES if name in GIVE_BYTES else ""
            case cst.Attribute(attr=cst.Name(value="content")):
                return BYTES
        return ""

    def _uses(self, node: cst.Call) -> Iterator[cst.CSTNode]:
        """The call itself, or what refers to the name that it alone is bound to."""
        yield node
        outer = self.parent(node)
        match outer:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
                inside = None
            case cst.WithItem(asname=cst.AsName(name=cst.Name(value=name))):
                inside = self.parent(outer)
            case _:
                return
        scope = self.scope(node)
        bound = list(scope[name]) if scope else []
        if inside is None and len(bound) > 1:
            return
        uses = {access.node for each in bound for access in each.references}
        yield from (use for use in uses if inside is None or self._is_in(use, inside))

    def _is_in(self, node: cst.CSTNode | None, outer: cst.CSTNode) -> bool:
        while node is not None and node is not outer:
            node = self.parent(node)
        return node is outer

    def _kind(self, node: cst.CSTNode) -> str:
        """What a use says of what is in the buffer."""
        parent = self.parent(node)
        match parent:
            case cst.Attribute(attr=cst.Name(value="write")):
                call = self.parent(parent)
                if isinstance(call, cst.Call) and call.args:
                    return self._kind_of_value(call.args[0].value)
            case cst.Attribute(attr=cst.Name(value="getvalue")):
                return self._kind_of_argument(self.parent(parent))
            case cst.Arg():
                return self._kind_of_argument(node)
        return ""

    def _kind_of_argument(self, node: cst.CSTNode) -> str:
        """What a function says of what it is given."""
        arg = self.parent(node)
        outer = self.parent(arg)
        if not isinstance(arg, cst.Arg) or not isinstance(outer, cst.Call):
            return ""
        if arg.keyword and arg.keyword.value == "file":
            return TEXT
        match outer.func:
            case cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name):
                opens = self.imported(outer.func) in OPENERS
                return BYTES if name in TAKE_BYTES or opens else ""
        return ""

    def _opened(self, original: cst.Call, updated: cst.Call) -> cst.Call:
        """Open the file of a pickle for bytes."""
        path, *modes = updated.args or [None]
        plain = path is not None and not any(arg.keyword or arg.star for arg in updated.args)
        if not plain or len(modes) > 1 or not all(map(_is_of_text, modes)):
            return updated
        if not {self._given_to(use) for use in self._uses(original)} & (LOADERS | DUMPERS):
            return updated
        mode = f"{modes[0].value.evaluated_value}b" if modes else "rb"
        self.changed(original, f'a pickle is in a file of bytes, open(x, "{mode}")')
        args = [path.with_changes(comma=COMMA), cst.Arg(cst.SimpleString(f'"{mode}"'))]
        return updated.with_changes(args=args)

    def _given_to(self, node: cst.CSTNode) -> str:
        """Name of the function that is given something, as it was imported."""
        arg = self.parent(node)
        call = self.parent(arg) if isinstance(arg, cst.Arg) else None
        return (self.imported(call.func) or "") if isinstance(call, cst.Call) else ""


def _is_of_text(mode: cst.Arg) -> bool:
    return isinstance(mode.value, cst.SimpleString) and "b" not in str(mode.value.evaluated_value)
