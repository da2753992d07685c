"""Whether a program was written for Python 2."""

from __future__ import annotations

import re

import libcst as cst

from lucidx.compat.porting import python2_names as names
from lucidx.compat.porting.passes import Look
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.semantics import DEFINED


class WrittenForPython2(Look):
    """Finds out whether a program was, as far as names tell; changes nothing."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether that is not known."""
        return not program.python2

    def __init__(self, program: Program):
        super().__init__(program)
        # What is imported by * may be a builtin's name that is not telling.
        starred = re.search(r"import\s*\*", program.text)
        self._own = set(DEFINED.findall(program.text))
        self._builtins = names.TELLING_BUILTINS if starred else names.PYTHON2_BUILTINS
        self._last = {name.rpartition(".")[2] for name in names.PYTHON2_MOVED}

    def visit_Name(self, node: cst.Name) -> None:
        """Builtins that only Python 2 had."""
        if node.value in self._builtins and self.unbound(node):
            self._tells(node)

    def visit_Attribute(self, node: cst.Attribute) -> None:
        """Names of modules that only it had."""
        if node.attr.value in self._last and self.imported(node) in names.PYTHON2_MOVED:
            self._tells(node)

    def visit_Call(self, node: cst.Call) -> None:
        """Methods that only its dicts had; tables of pandas had one of them."""
        match node:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=method)), args=[]):
                of_pandas = method == "iteritems" and "pandas" in self.program.text
                if method in names.DICT_METHODS and not of_pandas and method not in self._own:
                    self._tells(node)
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="has_key" as method)), args=[_]):
                if method not in self._own:
                    self._tells(node)

    def visit_Subscript(self, node: cst.Subscript) -> None:
        """Items of what is no list any more."""
        match node.value:
            case cst.Call(func=cst.Name(value="filter" | "map" | "zip") as func):
                if self.unbound(func):
                    self._tells(node)

    def visit_Import(self, node: cst.Import) -> None:
        """Modules that only it had."""
        if any(alias.evaluated_name in names.MODULES for alias in node.names):
            self._tells(node)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        """Modules that only it had, or what was in them."""
        if not isinstance(node.module, cst.Name) or node.relative:
            return
        module = node.module.value
        imported = () if isinstance(node.names, cst.ImportStar) else node.names
        moved = any(f"{module}.{each.evaluated_name}" in names.PYTHON2_MOVED for each in imported)
        if module in names.MODULES or moved:
            self._tells(node)

    def _tells(self, node: cst.CSTNode) -> None:
        self.program.python2 |= not self.guarded(node)
