r"""Fixer of `ur"..."`, which Python 3 has not."""

from __future__ import annotations

import re
from typing import Any

from fissix import fixer_base
from fissix.pgen2 import token

START = re.compile(r"[uU]([rR])(?=['\"])")
ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")


class FixRawunicode(fixer_base.BaseFix):
    r"""`ur"\d"` becomes `r"\d"`; `\u20ac`, which means a character there, becomes that."""

    _accept_type = token.STRING

    def match(self, node: Any) -> bool:
        """Whether it is such a string."""
        return START.match(node.value) is not None

    def transform(self, node: Any, results: dict[str, Any]) -> Any:
        """The string."""
        new = node.clone()
        new.value = ESCAPE.sub(_character, START.sub(r"\1", node.value))
        return new


def _character(found: re.Match[str]) -> str:
    return found[1] + chr(int(found[2] or found[3], 16))
