"""What the steps of porting share: where things are, what names mean, what to report."""

from __future__ import annotations

import bisect
from typing import Any

import libcst as cst
from libcst import metadata

from lucidx.compat.porting.lines import line_numbers
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.python2_names import ABSENCES, VERSIONS
from lucidx.compat.porting.report import Place
from lucidx.compat.porting.trees import SEMICOLON

LUCID = "lucid -> lucidx"  # how that change is reported


class Pass(cst.CSTTransformer):
    """A step of porting: rewrites a program, and reports it.

    Attributes
    ----------
    rewrites : whether it has changed anything.
    """

    METADATA_DEPENDENCIES = (
        metadata.ParentNodeProvider,
        metadata.PositionProvider,
        metadata.ScopeProvider,
    )

    def __init__(self, program: Program):
        super().__init__()
        self.program = program
        self.rewrites = False
        self._origins: dict[Any, cst.CSTNode] = {}

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether there may be something to rewrite."""
        return True

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        """What becomes of a node; remembers where it was."""
        result = self.leave(original_node, updated_node)
        self.rewrites |= result is not updated_node
        if isinstance(result, cst.FlattenSentinel):
            self._origins |= dict.fromkeys(result, original_node)
        else:
            self._origins[result] = original_node
        return result

    def leave(self, original_node: Any, updated_node: Any) -> Any:
        """What becomes of a node, by the method for its type."""
        return super().on_leave(original_node, updated_node)

    def on_visit_attribute(self, node: cst.CSTNode, attribute: str) -> None:
        """Do nothing: no step looks at attributes by themselves, and to ask takes long."""

    def on_leave_attribute(self, original_node: cst.CSTNode, attribute: str) -> None:
        """Do nothing; see `on_visit_attribute`."""

    def rows(
        self, rewritten: cst.Module, wrapper: metadata.MetadataWrapper, count: int
    ) -> list[int]:
        """Row that each of `count` rows comes from, after this has rewritten a tree."""
        before = wrapper.resolve(metadata.PositionProvider)
        wrapper = metadata.MetadataWrapper(rewritten, unsafe_skip_copy=True)
        after = wrapper.resolve(metadata.PositionProvider)
        starts: dict[int, tuple[int, int]] = {}  # by row: column, and the row it comes from
        for node, origin in self._origins.items():
            if node in after:
                start = after[node].start
                found = (start.column, self.program.rows[before[origin].start.line - 1])
                starts[start.line] = min(starts.get(start.line, found), found)
        return line_numbers({row: origin for row, (_, origin) in starts.items()}, count)

    def place(self, node: cst.CSTNode) -> Place:
        """Where a node was in its cell."""
        line = self.get_metadata(metadata.PositionProvider, node).start.line
        row = self.program.rows[line - 1]
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
        return self.get_metadata(metadata.ParentNodeProvider, node, None)

    def imported(self, node: cst.CSTNode) -> str | None:
        """Dotted name of what was imported, such as "numpy.array"; None if that is not certain."""
        scope = self.get_metadata(metadata.ScopeProvider, node, None)
        if scope is None:
            return None
        names = scope.get_qualified_names_for(node)
        sources = {name.source for name in names}
        if len(names) != 1 or sources != {metadata.QualifiedNameSource.IMPORT}:
            return None
        return next(iter(names)).name

    def unbound(self, node: cst.Name) -> bool:
        """Whether nothing in the program binds a name, so that it is a builtin."""
        scope = self.get_metadata(metadata.ScopeProvider, node, None)
        program = self.program
        if scope is None or node.value in program.starred or node.value in program.known:
            return False
        return not any(isinstance(each, metadata.Assignment) for each in scope[node.value])

    def guarded(self, node: cst.CSTNode) -> bool:
        """Whether a program that knows of two Pythons, or libraries, chose what it does here."""
        while not isinstance(node, cst.Module):
            node = self.parent(node)
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


def together(*passes: type[Pass]) -> type[Pass]:
    """One step of several that see the same tree, which is faster than one after the other.

    No two of them may change the same node, other than in parts of their own.
    """

    class Together(Pass):
        @classmethod
        def concerns(cls, program: Program) -> bool:
            return any(each.concerns(program) for each in passes)

        def __init__(self, program: Program):
            super().__init__(program)
            self._steps = [each(program) for each in passes if each.concerns(program)]

        def on_visit(self, node: cst.CSTNode) -> bool:
            for step in self._steps:
                step.metadata = self.metadata
                step.on_visit(node)
            return True

        def leave(self, original_node: Any, updated_node: Any) -> Any:
            for step in self._steps:
                updated_node = step.leave(original_node, updated_node)
            return updated_node

    return Together


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
