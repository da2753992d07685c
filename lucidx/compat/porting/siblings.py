"""Modules beside a program in its package, which Python 2 imported without a dot."""

from __future__ import annotations

import re

import libcst as cst

from lucidx.compat.porting.passes import ImportLines
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.trees import NO_COMMA, dotted

# Python 3's rule, and what is run as a program, which has no package.
ABSOLUTE = re.compile(r"^from __future__ import .*\babsolute_import\b", re.MULTILINE)
RUN = re.compile(r"^#!|__name__ *== *['\"]__main__", re.MULTILINE)
DOT = [cst.Dot()]


class Siblings(ImportLines):
    """`import net` becomes `from . import net` where that is what Python 2 took it for."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it is in a package, and may import so."""
        return program.package is not None and not ABSOLUTE.search(program.text)

    def __init__(self, program: Program):
        super().__init__(program)
        old = program.python2 or program.package.is_init
        self._is_certain = old and not RUN.search(program.text)

    def imports(self, node: cst.BaseSmallStatement) -> list[cst.BaseSmallStatement]:
        """What an import becomes; nothing if it stays."""
        if isinstance(node, cst.Import):
            return self._plain_import(node)
        if not isinstance(node, cst.ImportFrom) or not node.module or node.relative:
            return []
        name = dotted(node.module) or ""
        if not self._is_beside(node, name) or not self._may_change(node, name):
            return []
        self.changed(node, f"from {name} -> from .{name}")
        return [node.with_changes(relative=DOT)]

    def _plain_import(self, node: cst.Import) -> list[cst.BaseSmallStatement]:
        kept: list[cst.ImportAlias] = []
        added: list[cst.BaseSmallStatement] = []
        for alias in node.names:
            name, last = alias.evaluated_name, alias.name
            plain = "." in name and not alias.asname  # it binds the package, and loads the module
            if not self._is_beside(node, name) or not self._may_change(alias, name, plain=plain):
                kept.append(alias)
                continue
            self.changed(alias, f"import {name} -> from . import")
            parent = None
            if isinstance(last, cst.Attribute):
                parent, last = last.value, last.attr
            new = alias.with_changes(name=last, comma=NO_COMMA)
            added.append(cst.ImportFrom(parent, [new], relative=DOT))
        if added and kept:
            kept[-1] = kept[-1].with_changes(comma=NO_COMMA)
            return [node.with_changes(names=kept), *added]
        return added

    def _is_beside(self, node: cst.CSTNode, name: str) -> bool:
        return name.split(".")[0] in self.program.package.modules and not self.guarded(node)

    def _may_change(self, node: cst.CSTNode, name: str, *, plain: bool = False) -> bool:
        """Whether it is certain what is meant; the report says so if it is not."""
        if self._is_certain and not plain:
            return True
        if self.program.python2 or self.program.tensorflow1 or self._is_certain:
            what = f"import of {name}, which is beside this file in its package"
            self.left(node, what, "write from . import unless it is run as a program")
        return False
