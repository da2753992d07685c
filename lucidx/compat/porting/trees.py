"""Parts of syntax trees: what is asked of them, and how they are made."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence

import libcst as cst

from lucidx.compat.porting.cells import CELL_MAGIC

NO_SEMICOLON = NO_COMMA = cst.MaybeSentinel.DEFAULT
SEMICOLON = cst.Semicolon(whitespace_after=cst.SimpleWhitespace(" "))
COMMA = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
# What Python and systems look for in the first two lines.
ABOUT_THE_FILE = re.compile(r"#!|#.*?coding[:=]")
ONE_LINE = 88  # characters of an import that is put into one line
SIMPLE_OPERANDS = (
    *(cst.Name, cst.Attribute, cst.Call, cst.Subscript, cst.Integer, cst.Float),
    *(cst.SimpleString, cst.List, cst.Dict, cst.Set),
)


def import_from(module: str, names: Sequence[cst.ImportAlias]) -> cst.ImportFrom:
    """Import of names of a module."""
    *others, last = names
    separated = [each.with_changes(comma=COMMA) for each in others]
    return cst.ImportFrom(name_node(module), [*separated, last.with_changes(comma=NO_COMMA)])


def imports_from(
    node: cst.ImportFrom, groups: Mapping[str, Sequence[cst.ImportAlias]]
) -> list[cst.ImportFrom]:
    """Imports of what one imports, by modules; with its lines, if there are many, or comments."""
    code = cst.Module([]).code_for_node(node)
    if node.lpar is None or ("#" not in code and len(code) < ONE_LINE):
        return [import_from(module, names) for module, names in groups.items()]
    brackets = itertools.chain([node.lpar], itertools.repeat(cst.LeftParen()))
    return [
        cst.ImportFrom(name_node(module), _lined(names), lpar=lpar, rpar=node.rpar)
        for (module, names), lpar in zip(groups.items(), brackets, strict=False)
    ]


def _lined(names: Sequence[cst.ImportAlias]) -> list[cst.ImportAlias]:
    *others, last = names
    separated = [
        each.with_changes(comma=COMMA) if each.comma == NO_COMMA else each for each in others
    ]
    return [*separated, last]


def import_alias(name: str, asname: str) -> cst.ImportAlias:
    """A name that is imported under another, or its own."""
    alias = None if name == asname else cst.AsName(cst.Name(asname))
    return cst.ImportAlias(name_node(name), alias)


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


def plain_equal() -> cst.AssignEqual:
    """The sign of a keyword argument, without space around it."""
    return cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


def with_lines(
    module: cst.Module,
    lines: Sequence[str],
    after: Callable[[cst.BaseSmallStatement], bool] = lambda statement: False,
    *,
    marker: str = "",
) -> cst.Module:
    """A module with more statements.

    Parameters
    ----------
    lines : the statements.
    after : they come after the module's first simple statement of which this is true; if there is
        none, at its beginning, where a shebang, a docstring and the like come first.
    marker : that of the cell that is the beginning; by default the first.
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
    start = next((i for i, line in enumerate(body, 1) if _is_name(line, marker)), 1)
    at = start
    while at < len(body) and (count := _count_of_first(body[at])):
        body[at : at + 1] = _split(body[at], count)
        at += 1
    if start == at < len(body):
        added[0], body[at] = _after_header(added[0], body[at])
    return module.with_changes(body=[*body[:at], *added, *body[at:]])


def _after_header(
    added: cst.BaseStatement, first: cst.BaseStatement
) -> tuple[cst.BaseStatement, cst.BaseStatement]:
    """Statements, the second of which was first, after comments that are about the whole file."""
    lines = first.leading_lines
    comments = [line.comment.value if line.comment else "" for line in lines]
    signs = (n for n, comment in enumerate(comments[:2], 1) if ABOUT_THE_FILE.match(comment))
    count = max(signs, default=0)
    if comments and comments[0] and "" in comments:
        count = max(count, comments.index("") + 1)
    return (
        added.with_changes(leading_lines=lines[:count]),
        first.with_changes(leading_lines=lines[count:]),
    )


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


def _is_name(statement: cst.BaseStatement, name: str) -> bool:
    match statement:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Name(value=value))]):
            return value == name
    return False


def _count_of_first(line: cst.BaseStatement) -> int:
    """How many statements of a line come before whatever a module, or a cell, does."""
    if not isinstance(line, cst.SimpleStatementLine):
        return 0
    count = len(list(itertools.takewhile(_comes_first, line.body)))
    # What follows a cell magic in its line is its argument.
    return len(line.body) if count and _is_cell_magic(line.body[0]) else count


def _comes_first(statement: cst.BaseSmallStatement) -> bool:
    match statement:
        case cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString()):
            return True
        case cst.ImportFrom(module=cst.Name(value="__future__")):
            return True
    return _is_cell_magic(statement)


def _is_cell_magic(statement: cst.BaseSmallStatement) -> bool:
    match statement:
        case cst.Expr(value=cst.Name(value=name)):
            return name.endswith(CELL_MAGIC)
    return False
