"""Lines of a cell that are IPython's, not Python's: hidden while it is rewritten, then put back."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# Cell magics whose body is Python, and line magics whose argument is.
PYTHON_BODIES = {
    "time",
    "timeit",
    "capture",
    "prun",
    "memit",
    "mprun",
    "lprun",
    "python",
    "python3",
}
PYTHON_ARGUMENTS = {"time"}
OPENING, CLOSING = "([{", ")]}"
TAB = 8  # columns, in Python 2
# What tells where a statement ends, outside of strings.
TELLING = re.compile(r"""[#"'()\[\]{}]""")


class Masked(NamedTuple):
    """A cell whose magics and shell lines are names that stand for them.

    Attributes
    ----------
    python : the Python of it; None if it has none, as in a `%%bash` cell.
    hidden : what each stand-in, which occurs once in `python`, stands for.
    """

    python: str | None
    hidden: dict[str, str]


def mask(source: str, stem: str) -> Masked:
    """Replace magics (`%time x`), shell lines (`!ls`, `x = !ls`) and help (`f?`) by stand-ins.

    Every line keeps its number.

    Parameters
    ----------
    source : a cell.
    stem : beginning of the stand-ins, which occurs nowhere in the source.
    """
    hidden: dict[str, str] = {}
    lines = io.StringIO(source, newline="").readlines()
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and first[2:3].strip():
        magic = first[2:].split()[0]
        if magic not in PYTHON_BODIES:
            return Masked(None, {})
    python, at = [], 0
    for kind, count in _statements(lines):
        text = "".join(lines[at : at + count])
        at += count
        python.append(_stand_in(text, stem, hidden) if kind == "magic" else text)
    return Masked("".join(python), hidden)


def unmask(python: str, hidden: dict[str, str]) -> str:
    """Put back what `mask` hid."""
    # Later ones first: a stand-in is no part of an earlier, but one may be hidden in another.
    for name in reversed(hidden):
        python = python.replace(name, hidden[name], 1)
    return python


def with_spaces(lines: Iterable[str]) -> list[str]:
    """Lines indented by spaces instead of tabs, as Python 2 understood those."""
    lexer, found = _Lexer(), []
    for line in lines:
        body = line.lstrip(" \t\f")
        indentation = line[: len(line) - len(body)]
        found.append(line if lexer.open else indentation.expandtabs(TAB) + body)
        lexer.read(line)
    return found


def _stand_in(text: str, stem: str, hidden: dict[str, str]) -> str:
    """The line, or lines joined by backslashes, with what is not Python replaced."""
    body = text.lstrip(" \t")
    indentation = text[: len(text) - len(body)]
    content = body.rstrip("\r\n")
    end = body[len(content) :]
    name = f"{stem}{len(hidden)}_"
    word = content[1:].split(maxsplit=1)[:1]
    if content[0] == "%" and content[1:2] != "%" and word and word[0] in PYTHON_ARGUMENTS:
        argument = content[1 + len(word[0]) :].lstrip()
        if argument and argument[0] not in "-!%":
            before = content[: len(content) - len(argument)]
            hidden[f"{name}; "] = before
            return f"{indentation}{name}; {argument}{end}"
    start = content.index("=") + 1 if content[0] not in "%!?" and _assigns(content) else 0
    while start and content[start : start + 1] in (" ", "\t"):
        start += 1
    rows = content.count("\n")
    if rows:
        newline = "\r\n" if "\r\n" in content else "\n"
        name = f"({name}{newline * rows})"
    hidden[name] = content[start:]
    return f"{indentation}{content[:start]}{name}{end}"


def _statements(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Parts of a cell, each with its number of lines: "magic" or "python"."""
    at = 0
    lexer = _Lexer()
    while at < len(lines):
        count = 1
        if not lexer.open and _kind(lines[at]) == "magic":
            while at + count < len(lines) and _goes_on(lines[at + count - 1]):
                count += 1
            yield "magic", count
        else:
            lexer.read(lines[at])
            yield "python", count
        at += count


def _goes_on(line: str) -> bool:
    return line.rstrip("\r\n").endswith("\\")


def _kind(line: str) -> str:
    """Whether a line at the beginning of a statement is IPython's."""
    content = line.strip()
    if not content:
        return "python"
    if content[0] in "%!?":
        return "magic"
    if content.endswith("?") and not _Lexer().reads_to_text(content):
        return "magic"
    return "magic" if _assigns(content) else "python"


def _assigns(content: str) -> bool:
    """Whether it is `x = !command` or `x = %magic`."""
    target, equals, value = content.partition("=")
    value = value.lstrip()
    plain = target.strip().replace(",", "").replace(".", "").replace(" ", "")
    if not equals or not plain.isidentifier():
        return False
    return value[:1] == "!" or (value[:1] == "%" and value[1:2].isalpha())


class _Lexer:
    """As much of Python's as tells whether a statement goes on in the next line."""

    def __init__(self) -> None:
        self.quote = ""
        self.depth = 0
        self.continued = False

    @property
    def open(self) -> bool:
        return bool(self.quote) or self.depth > 0 or self.continued

    def reads_to_text(self, line: str) -> bool:
        """Whether the end of a line is in a string or a comment."""
        return self.read(line) or bool(self.quote)

    def read(self, line: str) -> bool:
        """Read a line; whether it ends in a comment."""
        at = 0
        self.continued = False
        while True:
            if self.quote:
                at = self._end_of_string(line, at)
            found = None if self.quote else TELLING.search(line, at)
            if found is None:
                break
            sign, at = found[0], found.end()
            if sign == "#":
                return True
            if sign in OPENING:
                self.depth += 1
            elif sign in CLOSING:
                self.depth = max(0, self.depth - 1)
            else:
                self.quote = sign * 3 if line.startswith(sign * 3, at - 1) else sign
                at += len(self.quote) - 1
        self.continued = _goes_on(line)
        if len(self.quote) == 1 and not self.continued:
            self.quote = ""  # a string that does not end: Python will say so
        return False

    def _end_of_string(self, line: str, at: int) -> int:
        """Where the string that is open ends; the end of the line if it does not."""
        while at < len(line):
            escape, end = line.find("\\", at), line.find(self.quote, at)
            if end >= 0 and not 0 <= escape < end:
                at = end + len(self.quote)
                self.quote = ""
                return at
            at = escape + 2 if escape >= 0 else len(line)
        return at
