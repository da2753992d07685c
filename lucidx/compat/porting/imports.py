"""Imports of Lucid and of TensorFlow 1."""

from __future__ import annotations

from collections import defaultdict

import libcst as cst

from lucidx.compat.porting import tensorflow_names
from lucidx.compat.porting.insides import is_gone
from lucidx.compat.porting.own_names import GONE, has_module, may_have, replacement
from lucidx.compat.porting.passes import LUCID, ImportLines, Pass
from lucidx.compat.porting.program import EARLIER, Program
from lucidx.compat.porting.trees import (
    dotted,
    import_alias,
    import_from,
    imports_from,
    imports_tensorflow,
    name_node,
    with_lines,
)

V1 = "tensorflow.compat.v1"
NOT_PORTED = {
    "google.colab": "it is on Colab only; its stand-in says what to do in place of its dialogs",
    "scipy.misc": "most of it is gone from SciPy: use PIL, or lucidx.misc.io's load and save",
    "cleverhans.": "its TensorFlow 1 modules are gone",
}


INSIDE = "it was inside TensorFlow 1, and TensorFlow 2 has it no more: use what is public"


class Imports(ImportLines):
    """Imports lucidx, and from TensorFlow what it has, where it has it."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether something is imported."""
        return "import" in program.text

    def imports(self, node: cst.BaseSmallStatement) -> list[cst.BaseSmallStatement]:
        """What an import becomes; nothing if it stays."""
        if isinstance(node, cst.Import):
            return self._plain_import(node)
        if isinstance(node, cst.ImportFrom) and node.module and not node.relative:
            return self._from_import(node, dotted(node.module) or "")
        return []

    def _plain_import(self, node: cst.Import) -> list[cst.BaseSmallStatement]:
        kept, added, changed = [], [], False
        for alias in node.names:
            name, asname = alias.evaluated_name, alias.evaluated_alias
            new = self._module(name)
            self._remark(alias, name)
            if new == name:
                kept.append(alias)
                continue
            changed = True
            self.changed(alias, _said(name, new))
            if new.startswith("lucidx.compat."):
                parent, _, last = new.rpartition(".")
                # Without an alias, only the path from tensorflow was bound: uses say what they use.
                if asname:
                    added.append(import_from(parent, [import_alias(last, asname)]))
                elif not any(each.evaluated_name == "tensorflow" for each in node.names):
                    kept.append(cst.ImportAlias(cst.Name("tensorflow")))
            else:
                kept.append(alias.with_changes(name=name_node(new)))
        if not changed:
            return []
        if kept:
            kept[-1] = kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        return [*([node.with_changes(names=kept)] if kept else []), *added]

    def _from_import(self, node: cst.ImportFrom, module: str) -> list[cst.BaseSmallStatement]:
        self._remark(node, module)
        first = module.split(".")[0]
        if isinstance(node.names, cst.ImportStar):
            new = self._module(module)
            if first == "tensorflow" and self.program.tensorflow1 and new == "tensorflow":
                new = V1
            if new == module:
                return []
            self.changed(node, _said(module, new))
            return [node.with_changes(module=name_node(new))]
        if first not in ("tensorflow", "lucid"):
            for alias in node.names:
                if f"{module}.{alias.evaluated_name}" in NOT_PORTED:
                    self._remark(alias, f"{module}.{alias.evaluated_name}")
            return []
        groups: dict[str, list[cst.ImportAlias]] = defaultdict(list)
        for alias in node.names:
            target, name = self._member(module, alias.evaluated_name)
            if first == "tensorflow":
                self._remark(alias, f"{module}.{alias.evaluated_name}")
            if first == "lucid" and has_module(target) and not may_have(target, name):
                self.left(alias, f"{target}.{name}", "lucidx has no such module or name")
            if (target, name) != (module, alias.evaluated_name):
                old = f"{module}.{alias.evaluated_name}"
                self.changed(alias, _said(old, f"{target}.{name}"))
            groups[target].append(alias)
        if list(groups) == [module]:
            return []
        if len(groups) == 1:
            return [node.with_changes(module=name_node(next(iter(groups))), names=node.names)]
        return imports_from(node, groups)

    def _module(self, name: str) -> str:
        """Where a module is now."""
        if name.split(".")[0] == "lucid":
            return f"lucidx{name[5:]}"
        rest = name.removeprefix("tensorflow.")
        if rest == name:
            return name
        if rest.split(".")[0] in GONE:
            new = replacement(rest)
            return new if new and has_module(new) else name
        if tensorflow_names.find(rest).standing == "module" and self.program.tensorflow1:
            return f"{V1}.{tensorflow_names.public(rest)}"
        return name

    def _member(self, module: str, name: str) -> tuple[str, str]:
        """Module and name of what was imported from a module."""
        if module.split(".")[0] == "lucid":
            return f"lucidx{module[5:]}", name
        rest = f"{module}.{name}".removeprefix("tensorflow.")
        if rest.split(".")[0] in GONE:
            parent, _, last = (replacement(rest) or f"{module}.{name}").rpartition(".")
            return parent, last
        found = tensorflow_names.find(rest).standing
        if found in ("only_v1", "renamed", "module", "differ") and self.program.tensorflow1:
            parent, _, last = f"{V1}.{tensorflow_names.public(rest)}".rpartition(".")
            return parent, last
        return module, name

    def _remark(self, node: cst.CSTNode, name: str) -> None:
        """Report what an import will not find."""
        if name.startswith("tensorflow.") and name.split(".")[1] in GONE:
            if replacement(name.removeprefix("tensorflow.")) is None:
                self.left(node, name, "it is gone with TensorFlow 1, and lucidx has none")
        elif name.startswith("tensorflow.python."):
            inside = tensorflow_names.public(name.removeprefix("tensorflow."))
            if is_gone(inside) and not self.guarded(node):
                self.left(node, name, INSIDE)
        elif name.startswith("lucid.") and isinstance(node, cst.ImportAlias | cst.ImportFrom):
            new = f"lucidx{name[5:]}"
            parent, _, last = new.rpartition(".")
            if not (has_module(new) or may_have(parent, last)):
                self.left(node, new, "lucidx has no such module or name")
        for gone, advice in NOT_PORTED.items():
            if f"{name}.".startswith(f"{gone.rstrip('.')}.") and not self.guarded(node):
                self.left(node, f"import of {name}", advice)


class Additions(Pass):
    """Imports what other passes need; the last, since lines move."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether there is anything."""
        return bool(program.needs or program.needs_after_tensorflow)

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        """Add them."""
        needs = sorted(self.program.needs, key=lambda line: (line.startswith("def"), line))
        places = zip(self.program.numbers, self.program.markers, strict=False)
        home = next((marker for number, marker in places if number != EARLIER), "")
        module = with_lines(updated_node, needs, marker=home)
        return with_lines(module, sorted(self.program.needs_after_tensorflow), imports_tensorflow)


def _said(old: str, new: str) -> str:
    """How a change of an import is reported."""
    if old.split(".")[0] == "lucid":
        return LUCID
    old, new = (f"{name}.".replace("tensorflow.", "tf.", 1)[:-1] for name in (old, new))
    return f"{old} -> {new}"
