"""What meant something in programs of Lucid's day, and is an error today."""

from __future__ import annotations

import ast
from collections import defaultdict

from lucidx.compat.porting.python2_names import DICT_METHODS, LATER_MODULES, LATER_MOVED

_OF_NUMPY = {"bool", "complex", "float", "int", "object", "str"}
# What methods do that not everything has any more; tables of pandas had some of them for longer.
_METHODS = {
    old: f"lambda x: x.{old}() if hasattr(x, '{old}') else x.{new}()"
    for old, new in DICT_METHODS.items()
}
# Attributes that have other names in the same package now.
_ATTRIBUTES = {
    old.rpartition(".")[2]: new.removeprefix(f"{package}.")
    for old, new in LATER_MOVED.items()
    for package in [old.rpartition(".")[0]]
    if new.startswith(f"{package}.")
}


class OldMeanings(ast.NodeTransformer):
    """Gives syntax trees the meaning that they had.

    `range(3) + [1]` means `[*range(3)] + [1]`, as it did when ranges were lists; numpy takes `map`
    and `zip` for lists; `np.float` is `float`, as it was until numpy 1.24, and other names that
    libraries dropped are what took their place; dictionaries have `iteritems` and its like.
    """

    def visit_BinOp(self, node: ast.BinOp) -> ast.BinOp:
        """Make operands of + and * that are calls of `range` into lists."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Mult):
            node.left, node.right = (_as_list(each, "range") for each in (node.left, node.right))
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Give lists to numpy, and let things be asked for methods that they had."""
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np" | "numpy"))):
                node.args = [_as_list(each, "map", "zip", "filter") for each in node.args]
            case ast.Call(func=ast.Attribute(value=thing, attr=old), args=[], keywords=[]):
                if old in _METHODS:
                    call = ast.Call(_expression(_METHODS[old]), [thing], [])
                    return ast.copy_location(call, node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Replace names that numpy had for types of Python, and what has other names now."""
        self.generic_visit(node)
        match node:
            case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name, ctx=ast.Load()):
                if name in _OF_NUMPY:
                    return ast.copy_location(ast.Name(name, ast.Load()), node)
        new = _ATTRIBUTES.get(node.attr)
        if new is None or not isinstance(node.ctx, ast.Load) or not _is_dotted(node.value):
            return node
        old = node.attr
        asking = _expression(f"lambda x: x.{old} if hasattr(x, '{old}') else x.{new}")
        return ast.copy_location(ast.Call(asking, [node.value], []), node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | list[ast.stmt]:
        """Import from where names are now."""
        groups: dict[str, list[ast.alias]] = defaultdict(list)
        modules: list[ast.alias] = []
        for alias in node.names:
            old = f"{node.module}.{alias.name}"
            to, _, name = LATER_MOVED.get(old, old).rpartition(".")
            if not to:
                modules.append(ast.alias(name, alias.asname))
            elif to == node.module and name == alias.name:
                groups[LATER_MODULES.get(to, to)].append(alias)
            else:
                groups[to].append(ast.alias(name, alias.asname or alias.name))
        if node.level or not node.module or (list(groups) == [node.module] and not modules):
            return node
        new: list[ast.stmt] = [ast.ImportFrom(to, names, 0) for to, names in groups.items()]
        new += [ast.Import(modules)] if modules else []
        return [ast.copy_location(statement, node) for statement in new]


def _is_dotted(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _expression(source: str) -> ast.expr:
    """Tree that takes its place in a file from what it is put into."""
    tree = ast.parse(source, mode="eval").body
    for node in ast.walk(tree):
        for place in ("lineno", "end_lineno", "col_offset", "end_col_offset"):
            vars(node).pop(place, None)
    return tree


def _as_list(node: ast.expr, *functions: str) -> ast.expr:
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in functions:
            return ast.copy_location(ast.List([ast.Starred(node, ast.Load())], ast.Load()), node)
    return node
