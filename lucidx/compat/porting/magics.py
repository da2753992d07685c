"""What becomes of IPython's magics and of shell lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SEPARATORS = {"&&", "||", "|", ";", "&", ">", ">>"}
PIP = (["pip"], ["pip3"], ["pip2"], ["python", "-m", "pip"], ["{sys.executable}", "-m", "pip"])
PIP += (["python3", "-m", "pip"],)
TENSORFLOW = ("tensorflow", "tensorflow-gpu", "tensorflow_gpu", "tf-nightly")
# Options of pip that take a value.
WITH_VALUE = {"-c", "-f", "-i", "-r", "-t", "--index-url", "--extra-index-url", "--find-links"}


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


def port_line(text: str) -> Ported:
    """Port a magic, `%load_ext x`, or a shell line, `!pip install lucid`.

    Parameters
    ----------
    text : from its sign on; may have several lines, joined by backslashes.
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
    if words[0] == "npm" and any("svelte" in word for word in words):
        return Ported(text, True, "npm install of svelte -> comment")
    return _pip(text)


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


def _pip(text: str) -> Ported:
    """Installs lucidx where Lucid was installed."""
    parts = _words(text[1:])  # words, and the space between them
    at = [i for i, part in enumerate(parts) if not part.isspace()]
    words = [parts[i] for i in at]
    before = next((p for p in PIP if words[: len(p)] == p), None)
    if before is None or "install" not in words:
        return Ported(text)
    start = words.index("install") + 1
    end = next((i for i, word in enumerate(words) if i >= start and word in SEPARATORS), len(words))
    found = [i for i in range(start, end) if _is_lucid(words[i])]
    if not found:
        return Ported(text)
    installed = {words[i]: "lucidx" for i in found}
    for i in range(start, end):
        if words[i] in installed:
            parts[at[i]] = installed[words[i]]
        elif _is_tensorflow(words[i]) and words[i - 1] not in WITH_VALUE:
            parts[at[i]] = ""
            parts[at[i] - 1] = ""
    sign = text[0] if end < len(words) or text[0] == "%" or before != ["pip"] else "%"
    return Ported(sign + "".join(parts), change="pip install of lucid -> lucidx")


def _is_lucid(word: str) -> bool:
    name = word.strip("\"'")
    if "tensorflow/lucid" in name:
        return True
    return name == "lucid" or (name.startswith("lucid") and name[5] in "<>=!~[;@ ")


def _is_tensorflow(word: str) -> bool:
    """Whether a requirement is of an old TensorFlow; lucidx brings its own."""
    name = word.strip("\"'")
    return any(name.startswith(f"{each}==1") for each in TENSORFLOW)


def _words(text: str) -> Sequence[str]:
    """Words and the space between them, in order; joined, they are the text."""
    parts: list[str] = []
    for character in text:
        if parts and parts[-1][-1].isspace() == character.isspace():
            parts[-1] += character
        else:
            parts.append(character)
    return parts
