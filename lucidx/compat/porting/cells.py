"""Lines of a cell that are IPython's, not Python's: hidden while it is rewritten, then put back."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# Cell magics whose body is Python that runs in the notebook.
PYTHON_BODIES = {"time", "timeit", "capture", "prun", "memit", "mprun", "lprun"}
# Magics whose argument is, after options: which letters of these take a value.
PYTHON_ARGUMENTS = {"time": "", "timeit": "nrp", "prun": "lsTD", "memit": "rti"}
PYTHON_ARGUMENTS |= {"lprun": "fmTDu", "mprun": "fT"}
CELL_MAGIC = "cell_magic_"  # how stand-ins for those end
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


def mask(source: str, stem: str, *, arguments: bool = True) -> Masked:
    """Replace magics (`%time x`), shell lines (`!ls`, `x = !ls`) and help (`f?`) by stand-ins.

    Every line keeps its number.

    Parameters
    ----------
    source : a cell.
    stem : beginning of the stand-ins, which occurs nowhere in the source.
    arguments : whether those of magics such as `%timeit` are left to be seen as Python.
    """
    hidden: dict[str, str] = {}
    lines = io.StringIO(source, newline="").readlines()
    magic = cell_magic(source)
    if magic is not None and magic not in PYTHON_BODIES:
        return Masked(None, {})
    python, at = [], 0
    for kind, count in _statements(lines):
        text = "".join(lines[at : at + count])
        at += count
        python.append(_stand_in(text, stem, hidden, arguments) if kind == "magic" else text)
    return Masked("".join(python), hidden)


def cell_magic(source: str) -> str | None:
    """Name of the magic that a cell begins with; None if it does with none."""
    first = next((line for line in source.splitlines() if line.strip()), "")
    return first[2:].split()[0] if first.startswith("%%") and first[2:3].strip() else None


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


def _stand_in(text: str, stem: str, hidden: dict[str, str], arguments: bool) -> str:
    """The line, or lines joined by backslashes, with what is not Python replaced."""
    body = text.lstrip(" \t")
    indentation = text[: len(text) - len(body)]
    content = body.rstrip("\r\n")
    end = body[len(content) :]
    name = f"{stem}{len(hidden)}_" + (CELL_MAGIC if content.startswith("%%") else "")
    start = content.index("=") + 1 if content[0] not in "%!?" and _assigns(content) else 0
    while start and content[start : start + 1] in (" ", "\t"):
        start += 1
    at = start + _argument(content[start:])
    if arguments and at < len(content):
        hidden[f"{name}; "] = content[:at]
        return f"{indentation}{name}; {content[at:]}{end}"
    rows = content.count("\n")
    if rows:
        newline = "\r\n" if "\r\n" in content else "\n"
        name = f"({name}{newline * rows})"
    hidden[name] = content[start:]
    return f"{indentation}{content[:start]}{name}{end}"


def _argument(magic: str) -> int:
    """Where Python begins in a magic; its end if there is none."""
    words = list(re.finditer(r"\S+", magic.splitlines()[0].rstrip("\\")))
    name = words[0][0].lstrip("%") if magic.startswith("%") else ""
    if name not in PYTHON_ARGUMENTS:
        return len(magic)
    has_value = False
    for word in words[1:]:
        is_option = re.match(r"--?[A-Za-z]", word[0]) is not None
        if not is_option and not has_value:
            return word.start() if word[0][0] not in "!%" else len(magic)
        last = word[0][-1]
        has_value = is_option and len(word[0]) == 2 and last in PYTHON_ARGUMENTS[name]
    return len(magic)


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
