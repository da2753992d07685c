"""What the steps of porting share: a syntax tree of all cells, and where things are in it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import libcst as cst
from libcst import metadata

from lucidx.compat.porting.report import Place, Report

NO_SEMICOLON = cst.MaybeSentinel.DEFAULT
LUCID = "lucid -> lucidx"  # how that change is reported
SIMPLE_OPERANDS = (
    *(cst.Name, cst.Attribute, cst.Call, cst.Subscript, cst.Integer, cst.Float),
    *(cst.SimpleString, cst.List, cst.Dict, cst.Set),
)


@dataclass
class Program:
    """The Python of a script or of all the cells of a notebook, as one module.

    Attributes
    ----------
    text : the cells, each after a line that is its marker.
    markers : that of each cell, and one for the end.
    numbers : of the cells in their notebook; (None,) for a script.
    report : what is done and not done.
    python2 : whether it was written for Python 2.
    tensorflow1 : whether it was written for TensorFlow 1.
    comments : statements that become comments, by the name that stands for each in the text.
    needs : imports that are to be added, at the beginning.
    needs_after_tensorflow : those to be added where TensorFlow is imported.
    stem : beginning of names that occur nowhere in it.
    """

    text: str
    markers: Sequence[str]
    numbers: Sequence[int | None]
    report: Report
    python2: bool
    tensorflow1: bool
    stem: str
    comments: dict[str, str] = field(default_factory=dict)
    needs: set[str] = field(default_factory=set)
    needs_after_tensorflow: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls, cells: Sequence[str], numbers: Sequence[int | None], stem: str, report: Report
    ) -> Program:
        """Join cells, each of which Python can parse."""
        markers = [f"{stem}cell_{i}_" for i in range(len(cells) + 1)]
        parts = [f"{marker}\n{cell}\n" for marker, cell in zip(markers, cells, strict=False)]
        text = "".join(parts) + f"{markers[-1]}\n"
        return cls(text, markers, numbers, report, False, False, stem)

    def cells(self) -> list[str]:
        """Text of each cell."""
        found, rest = [], self.text.removeprefix(f"{self.markers[0]}\n")
        for marker in self.markers[1:]:
            before, rest = ("\n" + rest).split(f"\n{marker}\n", 1)
            found.append(before.removeprefix("\n"))
        return found

    def apply(self, *passes: type[Pass]) -> None:
        """Rewrite the text by each of some passes."""
        wrapper = None
        for each in passes:
            if not each.concerns(self):
                continue
            if wrapper is None:
                module = cst.parse_module(self.text)
                wrapper = metadata.MetadataWrapper(module, unsafe_skip_copy=True)
            rewritten = wrapper.visit(each(self))
            if rewritten is not wrapper.module:
                self.text = rewritten.code
                wrapper = None

    def as_comment(self, code: str) -> str:
        """Name of a statement that stands for a comment."""
        name = f"{self.stem}comment_{len(self.comments)}_"
        self.comments[name] = code.strip()
        return name


class Pass(cst.CSTTransformer):
    """A step of porting: rewrites a program, and reports it."""

    METADATA_DEPENDENCIES = (
        metadata.ParentNodeProvider,
        metadata.PositionProvider,
        metadata.ScopeProvider,
    )

    def __init__(self, program: Program):
        super().__init__()
        self.program = program
        rows = {line: row for row, line in enumerate(program.text.split("\n"), 1)}
        self._starts = [rows[marker] for marker in program.markers]

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether there may be something to rewrite."""
        return True

    def place(self, node: cst.CSTNode) -> Place:
        """Where a node is in its cell."""
        row = self.get_metadata(metadata.PositionProvider, node).start.line
        cell = max(i for i, start in enumerate(self._starts) if start <= row)
        cell = min(cell, len(self.program.numbers) - 1)
        return Place(self.program.numbers[cell], row - self._starts[cell])

    def changed(self, node: cst.CSTNode, what: str) -> None:
        """Report a change at a node."""
        self.program.report.changed(self.place(node), what)

    def left(self, node: cst.CSTNode, what: str, advice: str) -> None:
        """Report what stays as it is at a node."""
        self.program.report.left(self.place(node), what, advice)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode:
        """The node that holds another, parentheses and arguments aside."""
        return self.get_metadata(metadata.ParentNodeProvider, node)

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
        if scope is None:
            return False
        return not any(isinstance(each, metadata.Assignment) for each in scope[node.value])

    def comment_out(self, statement: cst.CSTNode) -> cst.BaseSmallStatement:
        """Statement that becomes a comment that says what another said."""
        code = cst.Module([]).code_for_node(statement)
        return cst.Expr(cst.Name(self.program.as_comment(code)))


def stem_of(sources: Iterable[str]) -> str:
    """Beginning of names that occur in no source."""
    text = "\n".join(sources)
    stems = (f"_lucidx_port_{n}_" for n in itertools.count())
    return next(stem for stem in stems if stem not in text)


def dotted(node: cst.CSTNode) -> str | None:
    """Such as "tf.train.Saver" for names and attributes of names; None for anything else."""
    parts = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return None
    return ".".join([node.value, *reversed(parts)])


def name_node(name: str) -> cst.Name | cst.Attribute:
    """Tree of a dotted name."""
    first, *rest = name.split(".")
    node: cst.Name | cst.Attribute = cst.Name(first)
    for part in rest:
        node = cst.Attribute(node, cst.Name(part))
    return node


def operand(node: cst.BaseExpression) -> cst.BaseExpression:
    """An expression in parentheses, if it needs them next to an operator."""
    if node.lpar or isinstance(node, SIMPLE_OPERANDS):
        return node
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def replaced(old: cst.BaseExpression, new: cst.BaseExpression) -> cst.BaseExpression:
    """A new expression in the parentheses of an old one, which hold it off what is around it."""
    return new.with_changes(lpar=[*old.lpar, *new.lpar], rpar=[*new.rpar, *old.rpar])


def bare(node: cst.BaseExpression) -> cst.BaseExpression:
    """An expression without its parentheses."""
    return node.with_changes(lpar=[], rpar=[])


def call(function: str, argument: cst.BaseExpression) -> cst.Call:
    """Call of a function with one argument."""
    return cst.Call(name_node(function), [cst.Arg(argument)])


def with_lines(
    module: cst.Module,
    lines: Sequence[str],
    after: Callable[[cst.BaseSmallStatement], bool] = lambda statement: False,
) -> cst.Module:
    """A module with more statements.

    Parameters
    ----------
    lines : the statements.
    after : they come after the module's first simple statement of which this is true; if there is
        none, at its beginning, where a docstring and what is from __future__ come first.
    """
    body = list(module.body)
    if not lines:
        return module
    added = [cst.parse_statement(line) for line in lines]
    for i, line in enumerate(body):
        if isinstance(line, cst.SimpleStatementLine):
            found = next((j for j, each in enumerate(line.body, 1) if after(each)), 0)
            if found:
                around = _split(line, found)
                return module.with_changes(
                    body=[*body[:i], around[0], *added, *around[1:], *body[i + 1 :]]
                )
    at = 1  # after the marker of the first cell
    while at < len(body) and _comes_first(body[at]):
        at += 1
    return module.with_changes(body=[*body[:at], *added, *body[at:]])


def _split(line: cst.SimpleStatementLine, at: int) -> list[cst.SimpleStatementLine]:
    """A line of statements as two, the second without the first `at`; or as one, if that is all."""
    if at == len(line.body):
        return [line]
    first = [*line.body[: at - 1], line.body[at - 1].with_changes(semicolon=NO_SEMICOLON)]
    return [
        cst.SimpleStatementLine(first, line.leading_lines),
        line.with_changes(body=line.body[at:], leading_lines=[]),
    ]


def imports_tensorflow(statement: cst.BaseSmallStatement) -> bool:
    """Whether it is an import of TensorFlow, or of something in it."""
    if isinstance(statement, cst.Import):
        return any(a.evaluated_name.split(".")[0] == "tensorflow" for a in statement.names)
    if isinstance(statement, cst.ImportFrom) and statement.module and not statement.relative:
        return (dotted(statement.module) or "").split(".")[0] == "tensorflow"
    return False


def _comes_first(statement: cst.BaseStatement) -> bool:
    match statement:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString())]):
            return True
        case cst.SimpleStatementLine(body=[cst.ImportFrom(module=cst.Name(value="__future__"))]):
            return True
    return False
