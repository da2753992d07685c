"""Fixer of tuples as parameters of lambdas; fissix's knows those with one parameter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fissix import fixer_base
from fissix.fixer_util import Name, syms
from fissix.pgen2 import token

LAMBDAS = (syms.lambdef, syms.old_lambdef)


class FixLambdaTuples(fixer_base.BaseFix):
    """`lambda (a, b), c: a + c` becomes `lambda a_b, c: a_b[0] + c`."""

    def match(self, node: Any) -> bool:
        """Whether it is such a lambda."""
        return node.type in LAMBDAS and any(True for _ in _tuples(node))

    def transform(self, node: Any, results: dict[str, Any]) -> None:
        """Change it in place: parameters, and what they are in the body."""
        for parameter in list(_tuples(node)):
            places = dict(_places(parameter.children[1]))
            if parameter.children[1].type == token.NAME:  # (a), which is no tuple
                (name,) = places
            else:
                name = self.new_name("_".join(filter(str.isalnum, places)) or "parts")
            for leaf in list(node.children[-1].leaves()):
                if leaf.value in places and _is_variable(leaf):
                    leaf.replace(Name(f"{name}{places[leaf.value]}", prefix=leaf.prefix))
            parameter.replace(Name(name, prefix=parameter.prefix or " "))


def _tuples(node: Any) -> Iterator[Any]:
    """Parameters in parentheses."""
    given = node.children[1]
    parameters = [given] if given.type == syms.vfpdef else given.children
    return (each for each in parameters if each.type == syms.vfpdef)


def _places(node: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Names in a tuple, and where each is, such as "[0][1]"."""
    if node.type == token.NAME:
        yield node.value, before
    elif node.type == syms.vfpdef:
        yield from _places(node.children[1], before)
    else:
        items = [child for child in node.children if child.type != token.COMMA]
        for at, item in enumerate(items):
            yield from _places(item, f"{before}[{at}]")


def _is_variable(leaf: Any) -> bool:
    """Whether a name is no attribute, and no keyword of a call."""
    if leaf.type != token.NAME:
        return False
    before, after = leaf.prev_sibling, leaf.next_sibling
    names_argument = leaf.parent.type == syms.argument and after is not None and str(after) == "="
    return not (names_argument or (before is not None and str(before).strip() == "."))
