"""fissix's fixer of print statements, which leaves those that are calls already."""

from __future__ import annotations

from typing import Any

from fissix.fixes import fix_print
from fissix.pygram import python_symbols


class FixPrint(fix_print.FixPrint):
    """`print a` becomes `print(a)`; `print (a)` stays, and does not become `print((a))`."""

    def transform(self, node: Any, results: dict[str, Any]) -> Any:
        """The tree of a call; None for a statement that stays."""
        arguments = node.children[1:]
        if len(arguments) == 1 and _is_one_in_parentheses(arguments[0]):
            return None
        return super().transform(node, results)


def _is_one_in_parentheses(node: Any) -> bool:
    if node.type != python_symbols.atom or str(node.children[0]).strip() != "(":
        return False
    inner = node.children[1]
    return len(node.children) == 3 and all(str(child) != "," for child in inner.children)
