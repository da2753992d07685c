"""Commands that install packages, or remove them, and what of that is of the past.

That is Lucid, whose place lucidx takes; TensorFlow 1, since lucidx brings its own; and the compiler
that Lucid's widgets needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

# Space; what stands between commands; where output goes; words, which may have parts in quotes.
TOKENS = re.compile(
    r"""(?:\s|\\\r?\n)+ | &&|\|\||[;&|] | \d?>>?(?:&\d)?
    | (?:'[^']*'|"[^"]*"|\\[^\r\n]|[^\s;&|'"\\])+ | .""",
    re.VERBOSE | re.DOTALL,
)
SEPARATORS = {"&&", "||", "|", ";", "&"}
INSTALLER = re.compile(r"(?:\S*/)?(pip|conda|mamba|npm)[\d.]*")
BEFORE = re.compile(r"sudo|uv|-\w+|\w+=\S*|\S*python[\d.]*|\S*sys\.executable\S*")  # an installer
# Options that take a value.
WITH_VALUE = {"-c", "-f", "-i", "-r", "-t", "-n", "--index-url", "--extra-index-url"}
WITH_VALUE |= {"--find-links", "--requirement", "--constraint", "--target", "--channel"}
FROM_FILE = {"-r", "--requirement"}
EDITABLE = {"-e", "--editable"}
# A requirement: a name, and what must hold of it.
REQUIREMENT = re.compile(r"([\w.-]+?)\s*(?:\[[^]]*\])?\s*([<>=!~;@].*)?", re.DOTALL)
OF_GITHUB = "tensorflow/lucid"
WIDGETS = {"svelte", "svelte-cli"}
TENSORFLOW = {"tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly", "tf-nightly-gpu"}
ALWAYS_OLD = {"tensorflow-gpu", "tf-nightly-gpu"}  # they are no more
BEFORE_2 = re.compile(r"(?<![<>=!~])(?:={1,3}|~=|<=)\s*1\b|<\s*2(?![\d.]*[1-9])")
WHEEL_BEFORE_2 = re.compile(r"/tensorflow(?:_gpu|_cpu)?-1\.")


class Revised(NamedTuple):
    """A line of commands without the past.

    Attributes
    ----------
    text : the line.
    is_idle : whether none of its commands is left.
    """

    text: str
    is_idle: bool


def revised(
    line: str, instead: Callable[[str], str] = lambda command: "true", lucid: str | None = None
) -> Revised:
    """Commands without what is of the past; what else they install, they install.

    Parameters
    ----------
    line : for a shell.
    instead : gives a command for one that has nothing left to do.
    lucid : what to install in the place of Lucid; by default nothing.
    """
    texts, idle = [], []
    for separates, group in groupby(_tokens(line), SEPARATORS.__contains__):
        tokens = list(group)
        if separates or not any(map(_is_word, tokens)):
            texts += tokens
            continue
        kept = _without_the_past(tokens, lucid)
        idle.append(kept is None)
        if kept is None:
            text = "".join(tokens)
            command = text.strip()
            kept = [text.replace(command, instead(command), 1)]
        texts += kept
    return Revised("".join(texts), bool(idle) and all(idle))


def is_plain(line: str) -> bool:
    """Whether a line is one command whose output goes nowhere else."""
    return not any(each in SEPARATORS or _redirects(each) for each in _tokens(line))


def _tokens(line: str) -> list[str]:
    return TOKENS.findall(line)


def _is_word(token: str) -> bool:
    return token.strip("\\\r\n\t ") != ""


def _redirects(token: str) -> bool:
    return re.match(r"\d?>", token) is not None


def _without_the_past(tokens: Sequence[str], lucid: str | None) -> list[str] | None:
    """Tokens of a command after that; None if it has nothing left to do."""
    end = next((i for i, token in enumerate(tokens) if _redirects(token)), len(tokens))
    at = [i for i, token in enumerate(tokens[:end]) if _is_word(token)]
    words = [tokens[i] for i in at]
    start = _start_of_requirements(words)
    if start >= len(words):
        return list(tokens)
    removes = words[start - 1] == "uninstall"
    dropped, renamed, left = set(), {}, False
    for i in range(start, len(words)):
        before = words[i - 1]
        if words[i].startswith("-") or before in WITH_VALUE:
            left |= before in FROM_FILE
        elif _is_past(words[i], removed=removes):
            if lucid and not removes and not renamed and _is_lucid(words[i]):
                renamed[at[i]] = lucid
            else:
                dropped.add(at[i])
            if before in EDITABLE:
                dropped.add(at[i - 1])
        else:
            left = True
    if not dropped and not renamed:
        return list(tokens)
    if not left and not renamed:
        return None
    spaces = {i - 1 for i in dropped}
    return [renamed.get(i, token) for i, token in enumerate(tokens) if i not in dropped | spaces]


def _start_of_requirements(words: Sequence[str]) -> int:
    """Index after `pip install`, or the like; the number of words if that is not what they are."""
    installer = next((i for i, word in enumerate(words) if INSTALLER.fullmatch(word)), None)
    if installer is None or not all(BEFORE.fullmatch(word) for word in words[:installer]):
        return len(words)
    actions = (i for i in range(installer, len(words)) if words[i] in ("install", "uninstall"))
    return next(actions, len(words) - 1) + 1


def _is_past(word: str, removed: bool) -> bool:
    """Whether a requirement is of the past; what is to be removed is so in any version."""
    word = word.strip("\"'")
    if _is_lucid(word) or WHEEL_BEFORE_2.search(word):
        return True
    name, holds = _requirement(word)
    if name in TENSORFLOW:
        return removed or name in ALWAYS_OLD or BEFORE_2.search(holds) is not None
    return word.split("@")[0] in WIDGETS


def _is_lucid(word: str) -> bool:
    word = word.strip("\"'")
    return OF_GITHUB in word or _requirement(word)[0] == "lucid"


def _requirement(word: str) -> tuple[str, str]:
    """The name in a requirement, and the rest; nothing if it is a path, say."""
    found = REQUIREMENT.fullmatch(word)
    if found is None:
        return "", ""
    return re.sub(r"[-_.]+", "-", found[1]).lower(), found[2] or ""
