"""What the steps of porting share: where things are, what names mean, what to report."""

from __future__ import annotations

import bisect
import functools
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import libcst as cst
from libcst import metadata

from lucidx.compat.porting.annotated import AnnotatedTree, nodes_of
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.python2_names import ABSENCES, VERSIONS
from lucidx.compat.porting.report import Place
from lucidx.compat.porting.trees import SEMICOLON, dotted

LUCID = "lucid -> lucidx"  # how that change is reported


class Pass(cst.CSTTransformer):
    """A step of porting: rewrites a program, and reports it.

    Attributes
    ----------
    program : the program, whose tree is as it was before this step.
    tree : that tree, and what is known of it.
    """

    def __init__(self, program: Program):
        super().__init__()
        self.program = program
        self.tree = program.tree
        self._origins: dict[Any, cst.CSTNode] = {}
        self._rewrites = False
        self._visits = _bound(self, "visit_")
        self._leaves = _bound(self, "leave_")

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether there may be something to rewrite."""
        return True

    def rewritten(self) -> AnnotatedTree:
        """The program's tree after this step."""
        module = self.tree.module.visit(self)
        return self.tree.rewritten(module, self._origins) if self._rewrites else self.tree

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Visit a node by the methods for its type; whether to visit what is in it, too."""
        wanted = [visit(node) is not False for visit in self._visits.get(type(node), ())]
        return all(wanted) and type(node) not in LEAVES

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        """What becomes of a node, by the methods for its type; remembers where it was."""
        result = updated_node
        for leave in self._leaves.get(type(original_node), ()):
            result = leave(original_node, result)
        self._rewrites |= result is not updated_node
        if isinstance(result, cst.FlattenSentinel):
            self._origins |= dict.fromkeys(result, original_node)
        elif result is not original_node:
            self._origins[result] = original_node
        return result

    def on_visit_attribute(self, node: cst.CSTNode, attribute: str) -> None:
        """Do nothing: no step looks at attributes by themselves, and to ask takes long."""

    def on_leave_attribute(self, original_node: cst.CSTNode, attribute: str) -> None:
        """Do nothing; see `on_visit_attribute`."""

    def place(self, node: cst.CSTNode) -> Place:
        """Where a node was in its cell."""
        row = self.tree.row(node)
        cell = bisect.bisect_right(self.program.starts, row) - 1
        cell = min(cell, len(self.program.numbers) - 1)
        return Place(self.program.numbers[cell], row - self.program.starts[cell])

    def changed(self, node: cst.CSTNode, what: str) -> None:
        """Report a change at a node."""
        self.program.report.changed(self.place(node), what)

    def left(self, node: cst.CSTNode, what: str, advice: str) -> None:
        """Report what stays as it is at a node."""
        self.program.report.left(self.place(node), what, advice)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node that holds another; None for the module."""
        return self.tree.parents.get(node)

    def scope(self, node: cst.CSTNode) -> metadata.Scope | None:
        """Where the names of a node are looked up; None for what has none."""
        return self.tree.scopes.get(node)

    def imported(self, node: cst.CSTNode) -> str | None:
        """Dotted name of what was imported, such as "numpy.array"; None if that is not certain."""
        scope = self.scope(node)
        if scope is None:
            return None
        names = scope.get_qualified_names_for(node)
        sources = {name.source for name in names}
        if len(names) != 1 or sources != {metadata.QualifiedNameSource.IMPORT}:
            return None
        return next(iter(names)).name

    def is_whole(self, node: cst.Attribute) -> bool:
        """Whether it is a chain of names, and no part of a longer one."""
        parent = self.parent(node)
        is_part = isinstance(parent, cst.Attribute) and parent.value is node
        return not is_part and dotted(node) is not None

    def unbound(self, node: cst.Name) -> bool:
        """Whether nothing in the program binds a name, so that it is a builtin."""
        scope = self.scope(node)
        program = self.program
        if scope is None or node.value in program.starred or node.value in program.known:
            return False
        return not any(isinstance(each, metadata.Assignment) for each in scope[node.value])

    def guarded(self, node: cst.CSTNode) -> bool:
        """Whether a program that knows of two Pythons, or libraries, chose what it does here."""
        while not isinstance(node, cst.Module):
            node = self.tree.parents[node]
            match node:
                case cst.Try(handlers=handlers):
                    if any(map(_catches_absence, handlers)):
                        return True
                case cst.If(test=test) | cst.IfExp(test=test):
                    if VERSIONS.search(cst.Module([]).code_for_node(test)):
                        return True
        return False

    def comment_out(self, statement: cst.CSTNode) -> cst.BaseSmallStatement:
        """Statement that becomes a comment that says what another said."""
        code = cst.Module([]).code_for_node(statement)
        return cst.Expr(cst.Name(self.program.as_comment(code)))


def _catches_absence(handler: cst.ExceptHandler) -> bool:
    """Whether it is for names and modules that are not there."""
    if handler.type is None:
        return False
    kinds = handler.type.elements if isinstance(handler.type, cst.Tuple) else [handler.type]
    names = [each.value if isinstance(each, cst.Element) else each for each in kinds]
    return any(isinstance(name, cst.Name) and name.value in ABSENCES for name in names)


# Nothing in them is of interest, and to visit it takes long: they are most of a tree.
LEAVES = frozenset(
    kind
    for kind in vars(cst).values()
    if isinstance(kind, type)
    and issubclass(
        kind,
        (
            *(cst.Name, cst.BaseNumber, cst.SimpleString, cst.Ellipsis),
            *(cst.Comma, cst.Dot, cst.Semicolon, cst.Colon, cst.AssignEqual),
            *(cst.BaseParenthesizableWhitespace, cst.TrailingWhitespace, cst.EmptyLine),
            *(cst.LeftParen, cst.RightParen, cst.LeftSquareBracket, cst.RightSquareBracket),
            *(cst.BaseBinaryOp, cst.BaseBooleanOp, cst.BaseUnaryOp, cst.BaseCompOp, cst.BaseAugOp),
        ),
    )
)


def _bound(step: Pass, prefix: str) -> dict[type, tuple[Callable[..., Any], ...]]:
    """Methods of a step, by the type of node that they are for."""
    return {kind: (getattr(step, name),) for kind, name in _named(type(step), prefix)}


@functools.cache
def _named(step: type[Pass], prefix: str) -> list[tuple[type, str]]:
    """Types of nodes that a step has a method for, and its name."""
    names = [name for name in dir(step) if name.startswith(prefix)]
    own = (name for name in names if getattr(step, name) is not getattr(cst.CSTTransformer, name))
    return [(getattr(cst, name.removeprefix(prefix)), name) for name in own]


class Look(Pass):
    """A step that changes nothing: visits all nodes, and leaves none."""

    def rewritten(self) -> AnnotatedTree:
        """The tree as it is, after a look at it."""
        for node in nodes_of(self.tree.module):
            self.on_visit(node)
        return self.tree


def together(*passes: type[Pass]) -> type[Pass]:
    """One step of several that see the same tree, which is faster than one after the other.

    No two of them may change the same node, other than in parts of their own, and none may leave
    out what is in a node.
    """

    class Together(Pass):
        @classmethod
        def concerns(cls, program: Program) -> bool:
            return any(each.concerns(program) for each in passes)

        def __init__(self, program: Program):
            super().__init__(program)
            steps = [each(program) for each in passes if each.concerns(program)]
            self._visits = _joined([step._visits for step in steps])
            self._leaves = _joined([step._leaves for step in steps])

    return Together


def _joined(methods: list[dict[type, tuple[Callable[..., Any], ...]]]) -> dict[type, Any]:
    found: dict[type, Any] = defaultdict(tuple)
    for each in methods:
        for kind, bound in each.items():
            found[kind] += bound
    return dict(found)


class ImportLines(Pass):
    """A step that rewrites import statements: one line may become several, or none."""

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel:
        """Lines with imports in them."""
        lines: list[list[cst.BaseSmallStatement]] = [[]]
        for before, after in zip(original_node.body, updated_node.body, strict=True):
            new = self.imports(before)
            lines[-1].append(new[0] if new else after)
            lines += [[statement] for statement in new[1:]]
        if len(lines) == 1 and all(
            a is b for a, b in zip(lines[0], updated_node.body, strict=True)
        ):
            return updated_node
        statements = [cst.SimpleStatementLine(body) for body in lines]
        statements[0] = statements[0].with_changes(leading_lines=updated_node.leading_lines)
        statements[-1] = statements[-1].with_changes(
            trailing_whitespace=updated_node.trailing_whitespace
        )
        return cst.FlattenSentinel(statements)

    def leave_SimpleStatementSuite(
        self, original_node: cst.SimpleStatementSuite, updated_node: cst.SimpleStatementSuite
    ) -> cst.SimpleStatementSuite:
        """Imports in the line of what they are in, such as `if x: import y`."""
        body: list[cst.BaseSmallStatement] = []
        for before, after in zip(original_node.body, updated_node.body, strict=True):
            body += self.imports(before) or [after]
        if len(body) == len(updated_node.body):
            return updated_node.with_changes(body=body)
        separated = [each.with_changes(semicolon=SEMICOLON) for each in body[:-1]]
        return updated_node.with_changes(body=[*separated, body[-1]])

    def imports(self, node: cst.BaseSmallStatement) -> list[cst.BaseSmallStatement]:
        """What an import becomes; nothing if it stays."""
        raise NotImplementedError
