"""Names of the standard library, of numpy and others that are elsewhere now."""

from __future__ import annotations

import re
from collections import defaultdict

import libcst as cst
from libcst import metadata

from lucidx.compat.porting.lists import LISTS
from lucidx.compat.porting.passes import ImportLines, Pass
from lucidx.compat.porting.program import EARLIER, Program
from lucidx.compat.porting.python2_names import (
    GONE,
    LATER_MODULES,
    LIKELY_MODULES,
    MODULES,
    MOVED,
    POINTLESS,
    STRING_METHODS,
    any_of,
    is_builtin,
)
from lucidx.compat.porting.trees import (
    COMMA,
    NO_COMMA,
    dotted,
    import_alias,
    import_from,
    imports_from,
    name_node,
    operand,
    replaced,
)

LAST = {name.rpartition(".")[2] for name in (*MOVED, *GONE, *POINTLESS)} - {"*"}
BUILTIN_NOW = {old: new for old, new in MOVED.items() if is_builtin(new)}
OF_BUILTINS = re.compile(
    rf"from\s+({'|'.join({old.split('.')[0] for old in BUILTIN_NOW})})\s+import\b"
)
WORDS = any_of([*LAST, "string"])
JOIN = 'lambda words, separator=" ": separator.join(words)'
BUFFER_MODULES = ("StringIO", "cStringIO")


class Library(Pass):
    """Uses of names that moved."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it has any."""
        return WORDS.search(program.text) is not None

    def __init__(self, program: Program):
        super().__init__(program)
        self._by_name = OF_BUILTINS.search(program.text) is not None
        self._has_string = re.search(r"\bimport\b.*\bstring\b|\bfrom\s+string\b", program.text)

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        """Names by their modules."""
        if original_node.attr.value not in LAST:
            return updated_node
        name = self.imported(original_node) or ""
        if name not in MOVED and name not in GONE:
            return updated_node
        if self.guarded(original_node):
            return updated_node
        if name in GONE:
            self.left(original_node, f"{name} is gone", GONE[name])
            return updated_node
        return replaced(updated_node, self._moved(original_node, updated_node.value, name))

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        """Names that were imported and are builtins now."""
        if not self._by_name or self.program.under_compat:
            return updated_node
        new = BUILTIN_NOW.get(self.imported(original_node) or "")
        if new is None or not self._is_free(original_node, new) or self.guarded(original_node):
            return updated_node
        return replaced(updated_node, name_node(new))

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        """Functions of strings that are methods."""
        name = self.imported(original_node.func) if self._has_string else None
        module, _, function = (name or "").rpartition(".")
        if module != "string" or not original_node.args or self.guarded(original_node):
            return updated_node
        first, *rest = updated_node.args
        if any(arg.keyword or arg.star for arg in original_node.args):
            return updated_node
        if function == "join":
            words = first.with_changes(comma=NO_COMMA)
            separator = rest[0].value if rest else cst.SimpleString('" "')
            self.changed(original_node, "string.join(x, y) -> y.join(x)")
            method = cst.Attribute(operand(separator), cst.Name("join"))
            return replaced(updated_node, cst.Call(method, [words]))
        if function not in STRING_METHODS:
            return updated_node
        self.changed(original_node, f"string.{function}(x) -> x.{function}()")
        method = cst.Attribute(operand(first.value), cst.Name(function))
        return replaced(updated_node, cst.Call(method, rest))

    def leave_Expr(self, original_node: cst.Expr, updated_node: cst.Expr) -> cst.BaseSmallStatement:
        """Calls that have no purpose any more."""
        match original_node:
            case cst.Expr(value=cst.Call(func=func)):
                name = self.imported(func)
                if name in POINTLESS and not self.guarded(original_node):
                    self.changed(original_node, f"{name}() -> comment: {POINTLESS[name]}")
                    return self.comment_out(original_node)
        return updated_node

    def _moved(
        self, node: cst.Attribute, root: cst.BaseExpression, name: str
    ) -> cst.BaseExpression:
        new = MOVED[name]
        self.changed(node, f"{name} -> {new}")
        if is_builtin(new):
            return name_node(builtin_in(self.program, new))
        package = self.imported(node.value)
        module, _, last = new.rpartition(".")
        if module == package:
            return node.with_changes(value=root, attr=cst.Name(last), lpar=[], rpar=[])
        if not module.startswith(f"{package}."):
            self.program.needs.add(f"import {module or new}")
            return name_node(new)
        self.program.submodules.add(module)
        if self.program.under_compat:  # the package may have been imported in another cell
            self.program.needs.add(f"import {module}")
        found = root
        for part in new.removeprefix(f"{package}.").split("."):
            found = cst.Attribute(found, cst.Name(part))
        return found

    def _is_free(self, node: cst.Name, new: str) -> bool:
        """Whether nothing but what is replaced has the builtin's name."""
        builtin = new.split(".")[0]
        if builtin == node.value:
            return True
        scope = self.scope(node)
        return not any(isinstance(each, metadata.Assignment) for each in scope[builtin])


def builtin_in(program: Program, name: str) -> str:
    """What a program calls a builtin; `imap` and the like were iterators where `map` was not."""
    if not program.under_compat or name not in LISTS:
        return name
    program.needs.add("import builtins")
    return f"builtins.{name}"


class LibraryImports(ImportLines):
    """Imports from where names are now; uses have been rewritten."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether something is imported."""
        return "import" in program.text

    def __init__(self, program: Program):
        super().__init__(program)
        likely = LIKELY_MODULES if program.python2 else {}
        self._modules = MODULES | LATER_MODULES | likely

    def imports(self, node: cst.BaseSmallStatement) -> list[cst.BaseSmallStatement]:
        """What an import becomes."""
        if self.guarded(node) or self.place(node).cell == EARLIER:
            return []
        if isinstance(node, cst.Import):
            return self._plain_import(node)
        if isinstance(node, cst.ImportFrom) and node.module and not node.relative:
            return self._from_import(node, dotted(node.module) or "")
        return []

    def _plain_import(self, node: cst.Import) -> list[cst.BaseSmallStatement]:
        aliases: list[cst.ImportAlias] = []
        for alias in node.names:
            name, asname = alias.evaluated_name, alias.evaluated_alias
            inner = sorted(each for each in self.program.submodules if each.startswith(f"{name}."))
            if name in GONE:
                self.left(alias, f"the module {name} is gone", GONE[name])
            if name in self._modules and (asname or "." not in name):
                now = self._modules[name]
                self.changed(alias, f"import {name} -> {now}")
                aliases.append(import_alias(now, asname or name))
            elif inner and asname:
                self.program.needs |= {f"import {each}" for each in inner}
                aliases.append(alias)
            elif inner:
                self.changed(alias, f"import {name} -> {', '.join(inner)}")
                # urllib has nothing in it but its modules.
                aliases += [] if name == "urllib" else [alias]
                aliases += [cst.ImportAlias(name_node(each)) for each in inner]
            else:
                aliases.append(alias)
        if aliases == list(node.names):
            return []
        *others, last = aliases
        others = [
            each.with_changes(comma=COMMA) if each.comma == NO_COMMA else each for each in others
        ]
        return [node.with_changes(names=[*others, last.with_changes(comma=NO_COMMA)])]

    def _from_import(self, node: cst.ImportFrom, module: str) -> list[cst.BaseSmallStatement]:
        if module in GONE:
            self.left(node, f"the module {module} is gone", GONE[module])
        starred = isinstance(node.names, cst.ImportStar)
        if starred and f"{module}.*" in GONE and self.program.python2:
            self.left(node, f"from {module} import *", GONE[f"{module}.*"])
            return []
        if module in BUFFER_MODULES and not starred:
            return self._buffers(node, module)
        if module in self._modules:
            self.changed(node, f"from {module} -> from {self._modules[module]}")
            return [node.with_changes(module=name_node(self._modules[module]))]
        if starred:
            return []
        return self._members(node, module)

    def _members(self, node: cst.ImportFrom, module: str) -> list[cst.BaseSmallStatement]:
        groups: dict[str, list[cst.ImportAlias]] = defaultdict(list)
        modules: list[cst.ImportAlias] = []
        assigned: list[cst.BaseSmallStatement] = []
        for alias in node.names:
            name, asname = alias.evaluated_name, alias.evaluated_alias
            old = f"{module}.{name}"
            new = MOVED.get(old, old)
            if old in GONE:
                self.left(alias, f"{old} is gone", GONE[old])
            if module == "string" and name in {"join", *STRING_METHODS}:
                new = f"str.{name}"
            if new == old:
                groups[module].append(alias)
                continue
            if is_builtin(new) and self.program.under_compat:
                assigned.append(self._assignment(asname or name, new))
                continue
            if is_builtin(new) and self._is_needed(node, asname or name, new):
                groups[module].append(alias)
                self.left(alias, f"{old} is {new} now", "see which uses of its name mean that")
                continue
            self.changed(alias, f"{old} -> {new}")
            if is_builtin(new):
                continue
            parent, _, last = new.rpartition(".")
            if parent:
                moved = import_alias(last, asname or name)
                groups[parent].append(moved.with_changes(comma=alias.comma))
            else:
                modules.append(import_alias(new, asname or name))
        if list(groups) == [module] and groups[module] == list(node.names):
            return []
        statements: list[cst.BaseSmallStatement] = [*imports_from(node, groups)]
        statements += [*(cst.Import([each]) for each in modules), *assigned]
        return statements or [self.comment_out(node)]

    def _buffers(self, node: cst.ImportFrom, module: str) -> list[cst.BaseSmallStatement]:
        """`from StringIO import StringIO`: what it is to be, or both."""
        aliases = []
        for alias in node.names:
            name, asname = alias.evaluated_name, alias.evaluated_alias
            kinds = sorted(self.program.buffers.get(asname or name, {"StringIO"}))
            aliases += [import_alias(kind, asname or kind) for kind in kinds]
        self.changed(node, f"from {module} -> from io")
        return [import_from("io", aliases)]

    def _assignment(self, name: str, builtin: str) -> cst.BaseSmallStatement:
        """A name that cells to come may use, as what was imported under it."""
        value = JOIN if builtin == "str.join" else builtin_in(self.program, builtin)
        return cst.Assign([cst.AssignTarget(cst.Name(name))], cst.parse_expression(value))

    def _is_needed(self, node: cst.CSTNode, name: str, builtin: str) -> bool:
        """Whether something goes on using the name, and would not find the builtin by it."""
        if name not in self.tree.names:  # mostly; scopes take long
            return False
        scope = self.scope(node)
        bound = scope[name] if scope else ()
        if name == builtin and len(bound) == 1:
            return False
        return any(each.references for each in bound)
