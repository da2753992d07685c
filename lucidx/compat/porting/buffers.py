"""Files in memory, which held text and bytes alike in Python 2: `StringIO`; and pickles."""

from __future__ import annotations

import libcst as cst

from lucidx.compat.porting.kinds import uses_of
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.trees import name_node

MAKERS = {"StringIO.StringIO", "cStringIO.StringIO"}
BYTES, TEXT = "BytesIO", "StringIO"
# They give bytes, and take and write files of bytes.
GIVE_BYTES = {"b64decode", "dumps", "get_bytes", "pack", "read", "tobytes", "tostring"}
TAKE_BYTES = {"ZipFile", "dump", "imread", "imsave", "load", "save", "savefig", "savetxt", "savez"}
TAKE_BYTES |= {"BytesParser", "GzipFile", "Image", "TarFile", "b64encode", "imdecode"}
OPENERS = {"PIL.Image.open", "Image.open", "tarfile.open", "gzip.open"}
LOADERS = {"pickle.load", "cPickle.load"}


class Buffers(Pass):
    """`StringIO` becomes `io.BytesIO` where bytes are in it; what reads pickles is reported."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it is Python 2, and has such files."""
        return program.python2 and ("StringIO" in program.text or "ickle" in program.text)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """Where one is made, or a pickle is read."""
        name = self.imported(original_node.func)
        if name in MAKERS and not self.guarded(original_node):
            return self._made(original_node, updated_node)
        if name in LOADERS and len(original_node.args) == 1:
            what = "a pickle that Python 2 wrote may need an encoding"
            self.left(original_node, what, 'add encoding="latin1" if loading it fails')
        return updated_node

    def _made(self, original: cst.Call, updated: cst.Call) -> cst.Call:
        kinds = {self._kind(use) for use in uses_of(self, original)} | {self._content(original)}
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
