"""What becomes of IPython's magics and of shell lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from lucidx.compat.porting.packages import is_plain, revised

SHELL_CELLS = ("%%bash", "%%sh")
PIP = re.compile(r"pip[\d.]*(?=\s)")
PIP2 = re.compile(r"\bpip2[\d.]*(?=\s)")


class Ported(NamedTuple):
    """What a line becomes.

    Attributes
    ----------
    text : the line, or what the comment says that takes its place.
    is_comment : whether one does.
    change : what changed; None if nothing did.
    """

    text: str
    is_comment: bool = False
    change: str | None = None


def port_line(text: str, *, assigned: bool = False) -> Ported:
    """Port a magic, `%load_ext x`, or a shell line, `!pip install lucid`.

    Parameters
    ----------
    text : from its sign on; may have several lines, joined by backslashes.
    assigned : whether a name gets what it prints, as in `x = !pip list`; it stays a shell line.
    """
    words = text[1:].split()
    if text.startswith("%%") or not words:
        return Ported(text)
    if text[0] == "%" and words[0] == "tensorflow_version":
        return Ported(text, True, "%tensorflow_version -> comment")
    if text[0] == "%" and words == ["load_ext", "lucidx.compat"]:
        return Ported(text, True, "%load_ext lucidx.compat -> comment")
    if text[0] == "%" and words[0] == "aimport":
        return _aimport(text)
    return _pip(text, assigned)


def port_shell_cell(source: str) -> tuple[str, list[tuple[int, str]]]:
    """Port the lines of a `%%bash` cell; also what changed in which line, counted from 1."""
    lines, changes = source.split("\n"), []
    for at, line in enumerate(lines):
        if at == 0:
            continue
        ported = _pip("!" + line.lstrip())
        if ported.change:
            indentation = line[: len(line) - len(line.lstrip())]
            sign = "# " if ported.is_comment else ""
            command = ported.text.removeprefix("%").removeprefix("!")
            lines[at] = f"{indentation}{sign}{command}"
            changes.append((at + 1, ported.change))
    return "\n".join(lines), changes


def _aimport(text: str) -> Ported:
    words = _words(text)
    new = "".join(_renamed(word) for word in words)
    return Ported(new, change="lucid -> lucidx" if new != text else None)


def _renamed(word: str) -> str:
    sign, name = (word[:1], word[1:]) if word[:1] == "-" else ("", word)
    return f"{sign}lucidx{name[5:]}" if name.split(".")[0] == "lucid" else word


def _pip(text: str, assigned: bool = False) -> Ported:
    """Installs lucidx where Lucid was installed, and nothing of its time."""
    sign, line = text[: len(text) - len(text.lstrip("!%"))], text.lstrip("!%")
    after, is_idle = revised(line, lucid="lucidx")
    if after == line:
        return Ported(text)
    if is_idle and not assigned:
        action = "uninstall" if "uninstall" in line else "install"
        return Ported(text, True, f"{action} of what lucidx takes the place of -> comment")
    change = "pip install of lucid -> lucidx"
    if "lucidx" not in after:
        change = "packages of TensorFlow 1's time are not installed"
    if sign == "!" and not assigned and PIP.match(line) and is_plain(line):
        return Ported("%" + PIP.sub("pip", after, count=1), change=change)
    return Ported(sign + PIP2.sub("pip", after), change=change)


def _words(text: str) -> Sequence[str]:
    """Words and the space between them, in order; joined, they are the text."""
    parts: list[str] = []
    for character in text:
        if parts and parts[-1][-1].isspace() == character.isspace():
            parts[-1] += character
        else:
            parts.append(character)
    return parts
