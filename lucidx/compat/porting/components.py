"""Cells that define Svelte components, and whether `lucidx.scratch.web.svelte` can run them."""

from __future__ import annotations

import re
from typing import NamedTuple

MAGIC = "%%html_define_svelte"
ADVICE = "see lucidx.interfaces for pages that show the like"
BLOCKS = re.compile(r"<(script|style)\b[^>]*>(.*?)</\1>", re.DOTALL)
# What of Svelte is not run, in the markup and in the script of a component.
MARKUP = {
    r"<[A-Z]\w*": "it has other components in it",
    r"<:\w+": "it has special elements, <:...>, in it",
    r"<slot\b|\{\{\s*yield\b": "it has slots",
    r"\{\s*#await\b": "it awaits",
}
SCRIPT = {
    r"^\s*import\b": "its script imports",
    r"\bcomponents\s*:": "it has other components in it",
}


class Component(NamedTuple):
    """What a cell defines.

    Attributes
    ----------
    name : of the component.
    obstacle : why it cannot be run; None if it can, as far as one can see.
    """

    name: str
    obstacle: str | None


def component_of(source: str) -> Component | None:
    """The component that a cell defines, if it begins with the magic for that."""
    first, _, markup = source.lstrip("\n").partition("\n")
    if not first.startswith(MAGIC):
        return None
    name = first.removeprefix(MAGIC).strip()
    if not name.isidentifier():
        return Component(name, "its name is none that Python has")
    script = "\n".join(found[2] for found in BLOCKS.finditer(markup) if found[1] == "script")
    parts = ((MARKUP, BLOCKS.sub("", markup)), (SCRIPT, script))
    obstacles = (
        reason
        for patterns, text in parts
        for pattern, reason in patterns.items()
        if re.search(pattern, text, re.MULTILINE)
    )
    return Component(name, next(obstacles, None))
