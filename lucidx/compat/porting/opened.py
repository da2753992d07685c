"""Files that Python 2 opened: modes told text and bytes apart on no system but Windows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import libcst as cst

from lucidx.compat.porting.kinds import kind_of, uses_of
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.trees import COMMA, NO_COMMA, plain_equal

TEXT, BYTES, CSV, UNKNOWN, NEITHER = "text", "bytes", "csv", "unknown", ""
PERHAPS = "perhaps"  # compared with text, as is the beginning of a picture
MODE = re.compile(r"[rwaU][b+U]{0,3}$")
# What files are given to, or what they hold.
TAKE_FILES = {
    **{f"csv.{name}": CSV for name in ("DictReader", "DictWriter", "reader", "writer")},
    **{f"{module}.dump": BYTES for module in ("cPickle", "marshal", "pickle")},
    **{f"{module}.load": BYTES for module in ("cPickle", "marshal", "pickle")},
    **{f"numpy.{name}": BYTES for name in ("load", "save", "savez", "savez_compressed")},
}
TAKE_FILES |= {
    "PIL.Image.open": BYTES,
    "Image.open": BYTES,
    "json.dump": TEXT,
    "json.load": NEITHER,
}
TAKE_BYTES = {"FromString", "MergeFromString", "ParseFromString", "b64encode", "frombuffer"}
TAKE_BYTES |= {"fromstring", "imdecode", "md5", "sha1", "sha256"}
LOADERS = {"cPickle.loads", "marshal.loads", "pickle.loads"}
TAKE_EITHER = {"float", "int", "len", "loads"}
OF_TEXT = {"partition", "replace", "rpartition", "rsplit", "split"}
COMPARING = {"count", "endswith", "find", "index", "rfind", "startswith"}
OF_EITHER = {"lower", "lstrip", "rstrip", "strip", "upper"}
METHODS = OF_TEXT | COMPARING | OF_EITHER
HARMLESS = {"close", "closed", "fileno", "flush", "name", "tell"}
ADVICE = 'open it without "b", or read and write b"..."'


class Opened(Pass):
    """Opens files for text where they hold text, for bytes where they hold bytes."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it opens any, as Python 2 did or by a mode that is gone."""
        opens = "open" in program.text or "file" in program.text
        return opens and (program.python2 or "U" in program.text)

    def __init__(self, program: Program):
        super().__init__(program)
        self._literals: set[cst.SimpleString] = set()

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """Calls of `open` and `os.fdopen`."""
        func = original_node.func
        is_open = isinstance(func, cst.Name) and func.value in ("open", "file")
        if is_open and self.unbound(func) and not self.guarded(original_node):
            return self._buffered(original_node, self._opened(original_node, updated_node))
        if self.imported(func) == "os.fdopen":
            return self._buffered(original_node, updated_node)
        return updated_node

    def leave_SimpleString(
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.SimpleString:
        """Literals that are written to files of bytes."""
        if original_node not in self._literals:
            return updated_node
        self.changed(original_node, 'f.write("...") of bytes -> b"..."')
        return updated_node.with_changes(value=f"b{updated_node.value}")

    def _buffered(self, original: cst.Call, updated: cst.Call) -> cst.Call:
        """Text that was to be written at once, which can be done line by line."""
        match updated.args:
            case [*_, cst.Arg(value=cst.SimpleString() as mode), cst.Arg(value=cst.Integer("0"))]:
                if self.program.python2 and "b" not in str(mode.evaluated_value):
                    self.changed(original, "unbuffered text -> buffered by lines")
                    last = updated.args[-1].with_changes(value=cst.Integer("1"))
                    return updated.with_changes(args=[*updated.args[:-1], last])
        return updated

    def _opened(self, original: cst.Call, updated: cst.Call) -> cst.Call:
        """Change the mode."""
        at = _place_of_mode(original.args)
        old = "" if at is None else _mode(original.args, at)
        if not MODE.match(old):
            return updated
        mode = old.replace("U", "") or "r"
        mode = mode if mode[0] in "rwa" else f"r{mode}"
        ends = False
        if self.program.python2:
            mode, ends = self._meant(original, mode)
        if mode == old:
            return updated
        self.changed(original, f'open(x, "{old}") -> "{mode}"{", newline" * ends}')
        return updated.with_changes(args=_with_mode(updated.args, at, mode, ends))

    def _meant(self, node: cst.Call, mode: str) -> tuple[str, bool]:
        """Mode for what is in the file, and whether ends of lines are to stay what they are."""
        kinds = {use: self._kind(use) for use in uses_of(self, node)}
        found = set(kinds.values()) - {NEITHER}
        if "b" not in mode:
            is_text = found & {TEXT, CSV, PERHAPS}
            return (f"{mode}b" if BYTES in found and not is_text else mode), False
        if found and found <= {TEXT, CSV} and self._are_all(node, kinds):
            return mode.replace("b", ""), CSV in found
        self._to_bytes(kinds)
        return mode, False

    def _to_bytes(self, kinds: Mapping[cst.CSTNode, str]) -> None:
        """Of a file that stays one of bytes, let what is written be bytes, or report it."""
        for use, kind in kinds.items():
            match self.parent(self.parent(use)):
                case cst.Call(
                    func=cst.Attribute(attr=cst.Name(value="write")),
                    args=[cst.Arg(value=cst.SimpleString() as text)],
                ) if _is_plain(text):
                    self._literals.add(text)
                case _ if kind in (TEXT, CSV, PERHAPS):
                    self.left(use, "text is in a file that is open for bytes", ADVICE)

    def _are_all(self, node: cst.Call, uses: Iterable[cst.CSTNode]) -> bool:
        """Whether there are no other uses of a file, in cells that come later or of its name."""
        if not isinstance(self.parent(node), cst.Assign):
            return True
        scope, target = self.scope(node), self.parent(node).targets[0].target
        bound = scope[target.value] if scope and isinstance(target, cst.Name) else ()
        if len(bound) == 1 and not self.program.under_compat:
            return True
        return any(_asks_for(self.parent(use), "close") for use in uses)

    def _kind(self, use: cst.CSTNode) -> str:
        """What a use of a file tells of what is in it."""
        parent = self.parent(use)
        match parent:
            case cst.Attribute(attr=cst.Name(value=name)):
                return NEITHER if name in HARMLESS else self._kind_of_call(self.parent(parent))
            case cst.For(iter=lines, target=cst.Name(value=name)) if lines is use:
                return self._kind_of_uses(parent, name)
            case cst.Arg():
                return self._kind_for(parent)
            case cst.Assign() | cst.WithItem():
                return NEITHER if isinstance(use, cst.Call) else UNKNOWN
            case cst.Expr() | cst.Del():
                return NEITHER
        return UNKNOWN

    def _kind_for(self, arg: cst.Arg) -> str:
        """What a function takes in a file that it is given."""
        call = self.parent(arg)
        if not isinstance(call, cst.Call):
            return UNKNOWN
        if arg.keyword and arg.keyword.value == "file" and _is_print(call):
            return TEXT
        return TAKE_FILES.get(self.imported(call.func) or "", UNKNOWN)

    def _kind_of_call(self, node: cst.CSTNode | None) -> str:
        """What a method of a file reads or writes."""
        match node:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="write")), args=[arg]):
                return kind_of(self, arg.value) or UNKNOWN
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="read" | "readline"))):
                return self._kind_of_value(node)
        return UNKNOWN

    def _kind_of_uses(self, scoped: cst.CSTNode, name: str) -> str:
        """What is done with what a name stands for, if it stands for nothing else."""
        scope = self.scope(scoped)
        bound = list(scope[name]) if scope else []
        if len(bound) != 1:
            return UNKNOWN
        return _together(self._kind_of_value(access.node) for access in bound[0].references)

    def _kind_of_value(self, node: cst.CSTNode) -> str:
        """What is done with what was read."""
        parent = self.parent(node)
        match parent:
            case cst.Attribute(attr=cst.Name(value="decode")):
                return BYTES
            case cst.Attribute(attr=cst.Name(value=name)) if name in METHODS:
                call = self.parent(parent)
                if not isinstance(call, cst.Call) or call.func is not parent:
                    return UNKNOWN
                if any(kind_of(self, arg.value) == TEXT for arg in call.args):
                    return PERHAPS if name in COMPARING else TEXT
                return self._kind_of_value(call) if name in OF_EITHER else UNKNOWN
            case cst.Comparison() | cst.ComparisonTarget():
                return self._kind_compared(parent)
            case cst.Arg():
                return self._kind_given(parent)
            case cst.BinaryOperation(operator=cst.Add() | cst.Modulo()):
                sides = (parent.left, parent.right)
                return TEXT if any(kind_of(self, side) == TEXT for side in sides) else UNKNOWN
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
                return self._kind_of_uses(parent.value, name)
            case cst.Expr():
                return NEITHER
        return UNKNOWN

    def _kind_compared(self, node: cst.Comparison | cst.ComparisonTarget) -> str:
        """What a comparison with what was read tells."""
        whole = self.parent(node) if isinstance(node, cst.ComparisonTarget) else node
        sides = [whole.left, *(target.comparator for target in whole.comparisons)]
        return PERHAPS if any(kind_of(self, side) == TEXT for side in sides) else UNKNOWN

    def _kind_given(self, arg: cst.Arg) -> str:
        call = self.parent(arg)
        match call:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name)):
                parses = any(given.keyword and given.keyword.value == "sep" for given in call.args)
                if name in TAKE_BYTES or self.imported(call.func) in LOADERS:
                    return UNKNOWN if parses else BYTES
                if _is_print(call):
                    return TEXT
                return NEITHER if name in TAKE_EITHER else UNKNOWN
        return UNKNOWN


def _place_of_mode(args: Sequence[cst.Arg]) -> int | None:
    """Which argument of `open` is the mode, or would be; None if that is not clear."""
    if not args or any(arg.star for arg in args) or args[0].keyword:
        return None
    named = [at for at, arg in enumerate(args) if arg.keyword]
    modes = [at for at in named if args[at].keyword.value == "mode"]
    if modes or not named:
        return modes[0] if modes else 1
    return 1 if named[0] > 1 else None


def _mode(args: Sequence[cst.Arg], at: int) -> str:
    """The mode in arguments of `open`; "" if they do not tell."""
    if at == len(args):
        return "r"
    mode = args[at].value
    return str(mode.evaluated_value) if isinstance(mode, cst.SimpleString) else ""


def _with_mode(args: Sequence[cst.Arg], at: int, mode: str, ends: bool) -> list[cst.Arg]:
    """Arguments with another mode, perhaps one that lets ends of lines be."""
    args = list(args)
    if at == len(args):
        args[-1] = args[-1].with_changes(comma=COMMA)
        args.append(cst.Arg(cst.SimpleString(f'"{mode}"')))
    else:
        old = args[at].value
        new = old.with_changes(value=f"{old.quote}{mode}{old.quote}")
        args[at] = args[at].with_changes(value=new)
    if ends:
        args[-1] = args[-1].with_changes(comma=COMMA)
        newline = cst.Arg(cst.SimpleString('""'), cst.Name("newline"), equal=plain_equal())
        args.append(newline.with_changes(comma=NO_COMMA))
    return args


def _together(kinds: Iterable[str]) -> str:
    """What uses tell that are all of the same thing."""
    found = set(kinds) - {NEITHER}
    if found >= {TEXT, BYTES}:
        return UNKNOWN
    order = (TEXT, PERHAPS, BYTES, UNKNOWN)
    return next((kind for kind in order if kind in found), NEITHER)


def _is_print(node: cst.Call) -> bool:
    return isinstance(node.func, cst.Name) and node.func.value == "print"


def _is_plain(node: cst.SimpleString) -> bool:
    """Whether a literal means the same bytes with a b before it."""
    return not node.prefix and node.value.isascii()


def _asks_for(node: cst.CSTNode | None, method: str) -> bool:
    return isinstance(node, cst.Attribute) and node.attr.value == method
