"""fissix's fixer of numbers, which reads `0777L`, too."""

from __future__ import annotations

from typing import Any

from fissix.fixer_util import Number
from fissix.fixes import fix_numliterals


class FixNumliterals(fix_numliterals.FixNumliterals):
    """`10L` becomes `10`, `0777` and `0777L` become `0o777`."""

    def transform(self, node: Any, results: dict[str, Any]) -> Any:
        """The number."""
        digits = node.value.rstrip("lL")
        octal = digits.startswith("0") and digits.isdigit() and digits.strip("0")
        return Number(f"0o{digits[1:]}" if octal else digits, prefix=node.prefix)
