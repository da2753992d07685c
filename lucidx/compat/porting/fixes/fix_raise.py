"""fissix's fixer of `raise E, x`, which makes exceptions of strings."""

from __future__ import annotations

from typing import Any

from fissix.fixer_util import Comma, Name, parenthesize, syms
from fissix.fixes import fix_raise
from fissix.pgen2 import token
from fissix.pytree import Node


class FixRaise(fix_raise.FixRaise):
    """`raise E, x` becomes `raise E(x)`; `raise "e", x`, `raise Exception("e", x)`."""

    def transform(self, node: Any, results: dict[str, Any]) -> Any:
        """The tree of a statement; None for one that stays."""
        said = results["exc"]
        if said.type == token.STRING and "val" in results:
            value = results["val"].clone()
            results["exc"] = Name("Exception", prefix=said.prefix)
            said = said.clone()
            said.prefix = ""
            results["val"] = parenthesize(Node(syms.testlist_gexp, [said, Comma(), value]))
        return super().transform(node, results)
