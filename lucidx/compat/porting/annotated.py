"""A syntax tree and what is known of it: parents, scopes, and the rows that its nodes come from."""

from __future__ import annotations

import dataclasses
import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import libcst as cst
from libcst import metadata

from lucidx.compat.porting.lines import line_numbers


class AnnotatedTree:
    """A module's tree; what takes long to find out is found out once, when it is asked for.

    Attributes
    ----------
    module : the tree.
    """

    def __init__(self, module: cst.Module, rows: Mapping[cst.CSTNode, int]):
        self.module = module
        self._rows = rows

    @classmethod
    def of(cls, text: str, rows: Sequence[int]) -> AnnotatedTree:
        """Tree of a text.

        Parameters
        ----------
        rows : the row, from 1, that each row of the text comes from.

        Raises
        ------
        libcst.ParserSyntaxError : it is not Python 3.
        """
        module = cst.parse_module(text)
        positions = _positions(module)
        return cls(module, {node: rows[at.start.line - 1] for node, at in positions.items()})

    def rewritten(
        self, module: cst.Module, origins: Mapping[cst.CSTNode, cst.CSTNode]
    ) -> AnnotatedTree:
        """The tree after a step.

        Parameters
        ----------
        module : what it became.
        origins : by node that is new in it, the node that it was made of.
        """
        known = {node: self._rows[old] for node, old in origins.items() if old in self._rows}
        return AnnotatedTree(module, {**self._rows, **known})

    def row(self, node: cst.CSTNode) -> int:
        """Row that a node comes from; of one that is new, that of what it is in."""
        while node not in self._rows and node is not self.module:
            node = self.parents[node]
        return self._rows.get(node, 1)

    def rows(self, count: int) -> list[int]:
        """Row that each of `count` rows of the tree's code comes from."""
        starts: dict[int, tuple[int, int]] = {}  # by row: column, and the row it comes from
        for node, at in _positions(self.module).items():
            if node in self._rows:
                start = at.start
                found = (start.column, self._rows[node])
                starts[start.line] = min(starts.get(start.line, found), found)
        return line_numbers({row: origin for row, (_, origin) in starts.items()}, count)

    @functools.cached_property
    def parents(self) -> dict[cst.CSTNode, cst.CSTNode]:
        """By node, the node that holds it."""
        return {child: node for node in nodes_of(self.module) for child in children_of(node)}

    @functools.cached_property
    def assigned(self) -> dict[str, list[cst.BaseExpression | None]]:
        """By name of an attribute, what is assigned to it; None stands for what is not known."""
        found: dict[str, list[cst.BaseExpression | None]] = defaultdict(list)
        for node in nodes_of(self.module):
            match node:
                case cst.Assign(targets=targets, value=value):
                    for each in targets:
                        if isinstance(each.target, cst.Attribute):
                            found[each.target.attr.value].append(value)
                case cst.Element(value=cst.Attribute(attr=cst.Name(value=name))):
                    found[name].append(None)
        return found

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """All names but those of attributes, arguments, and imports."""
        return frozenset(
            node.value
            for node in nodes_of(self.module)
            if isinstance(node, cst.Name) and not self._is_label(node)
        )

    def _is_label(self, node: cst.Name) -> bool:
        match self.parents[node]:
            case cst.Attribute(attr=label) | cst.Arg(keyword=label):
                return label is node
            case cst.ImportAlias() | cst.AsName():
                return True
        return False

    @functools.cached_property
    def scopes(self) -> Mapping[cst.CSTNode, metadata.Scope | None]:
        """By node, where its names are looked up."""
        contexts, scopes = _Contexts(), _Scopes()
        contexts.visit_Module(self.module)
        scopes.metadata = {metadata.ExpressionContextProvider: contexts.found}
        scopes.visit_Module(self.module)
        return scopes.found


class _Kept:
    """A provider that is asked directly: a wrapper goes through the whole tree again for each."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[cst.CSTNode, Any] = {}

    def set_metadata(self, node: cst.CSTNode, value: Any) -> None:
        self.found[node] = value


class _Contexts(_Kept, metadata.ExpressionContextProvider):
    pass


class _Scopes(_Kept, metadata.ScopeProvider):
    pass


def nodes_of(tree: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """All nodes of a tree, in the order of its code, those that hold others before those."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(list(children_of(node)))


def children_of(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """What a node holds; libcst's own `children` visits them, which takes much longer."""
    for name in _fields(type(node)):
        value: Any = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            yield value
        elif isinstance(value, list | tuple):
            yield from (each for each in value if isinstance(each, cst.CSTNode))


@functools.cache
def _fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _positions(module: cst.Module) -> Mapping[cst.CSTNode, metadata.CodeRange]:
    wrapper = metadata.MetadataWrapper(module, unsafe_skip_copy=True)
    return wrapper.resolve(metadata.PositionProvider)
