"""Names of Lucid and of TensorFlow 1, where they are used."""

from __future__ import annotations

import itertools
import re
from typing import Any

import libcst as cst

from lucidx.compat.porting import tensorflow_names
from lucidx.compat.porting.bindings import imported_through
from lucidx.compat.porting.imports import INSIDE
from lucidx.compat.porting.insides import is_gone
from lucidx.compat.porting.own_names import GONE, has_module, may_have, replacement
from lucidx.compat.porting.passes import LUCID, Look, Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.sizes import ASKED, size_kind
from lucidx.compat.porting.trees import dotted, name_node, replaced

VERSIONS = {"tensorflow.__version__", "tensorflow.VERSION", "tensorflow.version.VERSION"}
UNKNOWN = "no TensorFlow has it that is known: see what it was"
NO_REPLACEMENT = "it is gone with TensorFlow 1, and lucidx has none"
SVELTE = "lucidx.scratch.web.svelte"
# Functions that take a module's or a logger's name.
NAMED = {"logging.getLogger", "importlib.import_module"}


class WrittenForTensorFlow1(Look):
    """Finds out whether a program was, as far as names tell; changes nothing."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether something of Lucid's or TensorFlow's is named, or a size asked for its value."""
        text = program.text
        return "lucid" in text or "tensorflow" in text or ASKED in text

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        """Imports that only TensorFlow 1 had, or of Lucid."""
        module = dotted(node.module) if node.module and not node.relative else None
        self._look_at_module(module)
        if (
            module
            and module.split(".")[0] == "tensorflow"
            and not isinstance(node.names, cst.ImportStar)
        ):
            for alias in node.names:
                self._look_at(f"{module}.{alias.evaluated_name}")

    def visit_Import(self, node: cst.Import) -> None:
        """Imports that only TensorFlow 1 had, or of Lucid."""
        for alias in node.names:
            self._look_at_module(alias.evaluated_name)
            self._look_at(alias.evaluated_name)

    def visit_Attribute(self, node: cst.Attribute) -> None:
        """Uses of names that only TensorFlow 1 had."""
        if self.is_whole(node):
            self._look_at(self.imported(node))
        if node.attr.value == ASKED[1:] and size_kind(self, node.value) == "size":
            self.program.tensorflow1 = True

    def _look_at_module(self, module: str | None) -> None:
        if module and module.split(".")[0] == "lucid":
            self.program.tensorflow1 = True

    def _look_at(self, name: str | None) -> None:
        if name and name.startswith("tensorflow."):
            rest = name.removeprefix("tensorflow.")
            gone = rest.split(".")[0] in GONE
            found = tensorflow_names.find(rest).standing
            if gone or found in ("only_v1", "renamed"):
                self.program.tensorflow1 = True


class Names(Pass):
    """Renames Lucid, and what TensorFlow 2 has elsewhere; imports stay."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether something of Lucid's or TensorFlow's is named."""
        return "lucid" in program.text or "tensorflow" in program.text

    def __init__(self, program: Program):
        super().__init__(program)
        self._new: dict[cst.CSTNode, cst.BaseExpression] = {}
        self._calls: dict[cst.CSTNode, cst.Call] = {}

    def visit_Call(self, node: cst.Call) -> None:
        """Remember what is called, and how."""
        self._calls[node.func] = node

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        """Decide what a chain of names becomes, from its outermost attribute."""
        if not self.is_whole(node):
            return True
        root = node
        while isinstance(root, cst.Attribute):
            root = root.value
        whole = imported_through(self, node) or ""
        name = whole.removeprefix("tensorflow.")
        if name != whole and self.imported(root) == "tensorflow":
            self._place_tensorflow(node, root.value, name)
        elif name != whole:
            self._check_tensorflow(node, name)
        elif whole.startswith("lucid."):
            self._check_own(node, f"lucidx.{whole[6:]}")
        return True

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        """What was decided."""
        return self._new.get(original_node, updated_node)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        """Uses of the package's name."""
        if original_node.value == "lucid" and self.imported(original_node) == "lucid":
            self.changed(original_node, LUCID)
            return updated_node.with_changes(value="lucidx")
        return updated_node

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """Names of modules in strings."""
        first = original_node.args[0].value if original_node.args else None
        if not isinstance(first, cst.SimpleString) or not isinstance(first.evaluated_value, str):
            return updated_node
        package, dot, rest = first.evaluated_value.partition(".")
        function = self.imported(original_node.func)
        if package == "lucid" and function in NAMED:
            self.changed(original_node, LUCID)
            now = f"lucidx{dot}{rest}"
        elif package == "tensorflow" and self._imports(original_node.func):
            now = tensorflow_names.module_in_version1(rest)
            if now is None or function is None or not self.program.tensorflow1:
                what = f"{package}{dot}{rest} is imported by a call"
                self.left(original_node, what, "import it by a statement: its names are seen then")
                return updated_node
            self.changed(original_node, f"{package}{dot}{rest} -> {now}")
        else:
            return updated_node
        text = first.with_changes(value=first.value.replace(first.evaluated_value, now, 1))
        args = [updated_node.args[0].with_changes(value=text), *updated_node.args[1:]]
        return updated_node.with_changes(args=args)

    def _imports(self, function: cst.BaseExpression) -> bool:
        by_builtin = isinstance(function, cst.Name) and function.value == "__import__"
        return by_builtin or self.imported(function) == "importlib.import_module"

    def visit_If(self, node: cst.If) -> None:
        """Report checks of TensorFlow's version that are no assertions."""
        if self.program.tensorflow1 and _mentions(self, node.test, VERSIONS):
            self.left(node, "a check of TensorFlow's version", "see whether version 2 passes it")

    def leave_Assert(
        self, original_node: cst.Assert, updated_node: cst.Assert
    ) -> cst.BaseSmallStatement:
        """Assertions of TensorFlow's version."""
        if not _mentions(self, original_node.test, VERSIONS):
            return updated_node
        self.changed(original_node, "check of TensorFlow's version -> comment")
        return self.comment_out(original_node)

    def _place_tensorflow(self, node: cst.Attribute, root: str, name: str) -> None:
        found = tensorflow_names.find(name)
        first = name.split(".")[0]
        if first in GONE:
            self._place_gone(node, root, name)
            return
        if found.standing == "unknown":
            self.left(node, f"tf.{name}", UNKNOWN)
            return
        if found.standing == "same":
            return
        known = ".".join(name.split(".")[: found.length])
        inner: Any = node
        for _ in range(name.count(".") + 1 - found.length):
            inner = inner.value
        if found.standing == "differ":
            if not self.program.tensorflow1 or self._means_the_same(inner, known):
                return
            now = f"compat.v1.{known}"
        else:
            now = found.now
        self._new[inner] = replaced(inner, name_node(f"{root}.{now}"))
        self.changed(node, f"tf.{known} -> tf.{now}")

    def _check_tensorflow(self, node: cst.Attribute, name: str) -> None:
        """Report what neither TensorFlow nor lucidx has; where it is from, imports say."""
        if name.split(".")[0] in GONE:
            if replacement(name) is None:
                self.left(node, f"tf.{name}", NO_REPLACEMENT)
        elif tensorflow_names.find(name).standing == "unknown":
            self.left(node, f"tf.{name}", UNKNOWN)
        elif is_gone(tensorflow_names.public(name)):
            self.left(node, f"tf.{name}", INSIDE)

    def _place_gone(self, node: cst.Attribute, root: str, name: str) -> None:
        first, *rest = name.split(".")
        if replacement(name) is None:
            self.left(node, f"tf.{name}", NO_REPLACEMENT)
            return
        inner: Any = node
        for _ in rest:
            inner = inner.value
        given = self._name_for(first)
        self._new[inner] = replaced(inner, cst.Name(given))
        self.changed(node, f"tf.{first} -> {GONE[first]}")

    def _name_for(self, module: str) -> str:
        """Name of a module of lucidx that stands for TensorFlow's, and for nothing else."""
        text = self.program.text
        given = re.search(rf"^from lucidx\.compat import {module} as (\w+)$", text, re.MULTILINE)
        if given:
            return given[1]
        names = (f"tf_{module}{'_' * n}" for n in itertools.count())
        name = next(name for name in names if not re.search(rf"\b{name}\b", text))
        self.program.needs_after_tensorflow.add(f"from lucidx.compat import {module} as {name}")
        return name

    def _means_the_same(self, node: cst.CSTNode, name: str) -> bool:
        call = self._calls.get(node)
        if call is None:
            return name == "Variable"  # the class, of which both are
        if any(arg.star for arg in call.args):
            return False
        keywords = {arg.keyword.value for arg in call.args if arg.keyword}
        positional = sum(arg.keyword is None for arg in call.args)
        return tensorflow_names.means_the_same(name, positional, keywords)

    def _check_own(self, node: cst.CSTNode, name: str) -> None:
        """Report what lucidx has not, as far as its files tell."""
        parts = name.split(".")
        modules = [i for i in range(1, len(parts)) if has_module(".".join(parts[:i]))]
        at = modules[-1]
        if ".".join(parts[:at]) == SVELTE:
            return  # which gets the components that cells define
        if not may_have(".".join(parts[:at]), parts[at]):
            self.left(node, name, "lucidx has no such module or name")


def _mentions(each: Pass, node: cst.CSTNode, names: set[str]) -> bool:
    if isinstance(node, cst.Attribute) and each.imported(node) in names:
        return True
    return any(_mentions(each, child, names) for child in node.children)
