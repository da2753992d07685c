"""Names that Python 2 bound otherwise: those of list comprehensions, of exceptions, by `exec`."""

from __future__ import annotations

import builtins
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import libcst as cst
from libcst import metadata

from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.python2_names import PYTHON2_BUILTINS

OF_LIST = "{} was that of a list comprehension, which keeps its names to itself now"
LAST = "take it from the list, as by x[-1], or write a loop"
OF_EXCEPT = "{} was that of an except clause, which takes it away at its end now"
OF_EXEC = "{} is perhaps bound by exec, which binds no names of functions now"
TAKE = "give exec a dictionary, and take it from there"
GIVE = "give it another name within the clause"

STARRED = re.compile(r"\bimport[ \t]*\*")
KNOWN = {*dir(builtins), *PYTHON2_BUILTINS}


class Outliving(Pass):
    """Reports names that are read where nothing binds them any more; changes nothing."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it is Python 2 whose user reads reports, and all names are known."""
        known = STARRED.search(program.text) is None
        return program.python2 and not program.under_compat and known

    def __init__(self, program: Program):
        super().__init__(program)
        self._executing: set[metadata.Scope] = set()
        self._ends: dict[str, dict[metadata.Scope, tuple[str, str]]] = defaultdict(dict)

    def leave_ListComp(
        self, original_node: cst.ListComp, updated_node: cst.ListComp
    ) -> cst.ListComp:
        """Remember the names of a list comprehension, from its end on."""
        scope = self._scope_around(original_node)
        if scope is not None:
            for name in _names_of(original_node):
                if name not in KNOWN:
                    self._ends[name][scope] = (OF_LIST.format(name), LAST)
        return updated_node

    def leave_ExceptHandler(
        self, original_node: cst.ExceptHandler, updated_node: cst.ExceptHandler
    ) -> cst.ExceptHandler:
        """Remember the name of an exception, from the end of its clause on."""
        match original_node.name:
            case cst.AsName(name=cst.Name(value=name)):
                if (scope := self.scope(original_node)) is not None:
                    self._ends[name][scope] = (OF_EXCEPT.format(name), GIVE)
        return updated_node

    def visit_Call(self, node: cst.Call) -> None:
        """Remember functions that execute code in their own scope."""
        match node:
            case cst.Call(func=cst.Name(value="exec"), args=[_]):
                scope = self.scope(node)
                if isinstance(scope, metadata.FunctionScope):
                    self._executing.add(scope)

    def visit_Name(self, node: cst.Name) -> None:
        """Report what is read after that."""
        name, scope = node.value, self.scope(node)
        if scope in self._executing and name not in KNOWN and self.unbound(node):
            self.left(node, OF_EXEC.format(name), TAKE)
        if name not in self._ends or name in self.program.starred:
            return
        ends = self._ends[name]
        while scope is not None and not scope.assignments[name]:
            if scope in ends:
                self.left(node, *ends[scope])
                return
            scope = None if isinstance(scope, metadata.GlobalScope) else scope.parent
        caught = scope in ends and self._is_of_except(scope.assignments[name])
        if caught and not self._is_caught(node):
            self.left(node, *ends[scope])

    def _scope_around(self, node: cst.ListComp) -> metadata.Scope | None:
        """Where Python 2 bound the names of a list comprehension; None for a generator."""
        scope = self.scope(node)
        outer = self.parent(node)
        while isinstance(scope, metadata.ComprehensionScope) and outer is not None:
            if isinstance(outer, cst.GeneratorExp | cst.SetComp | cst.DictComp):
                return None
            if isinstance(outer, cst.ListComp):
                scope = self.scope(outer)
            outer = self.parent(outer)
        return scope

    def _is_of_except(self, assignments: Iterable[metadata.BaseAssignment]) -> bool:
        """Whether nothing but except clauses binds a name."""
        bound = [getattr(each, "node", None) for each in assignments]
        holders = [self.parent(each) for each in bound if each is not None]
        return len(holders) == len(bound) and all(
            isinstance(each, cst.AsName) and isinstance(self.parent(each), cst.ExceptHandler)
            for each in holders
        )

    def _is_caught(self, node: cst.Name) -> bool:
        """Whether it is within an except clause that binds it."""
        outer: cst.CSTNode | None = node
        while outer is not None:
            match outer:
                case cst.ExceptHandler(name=cst.AsName(name=cst.Name(value=name))):
                    if name == node.value:
                        return True
            outer = self.parent(outer)
        return False


def _names_of(node: cst.ListComp) -> Iterator[str]:
    """What the loops of a list comprehension bind."""
    loop: cst.CompFor | None = node.for_in
    while loop is not None:
        yield from _targets(loop.target)
        loop = loop.inner_for_in


def _targets(node: cst.BaseExpression) -> Iterator[str]:
    match node:
        case cst.Name(value=name):
            yield name
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            for each in elements:
                yield from _targets(each.value)
