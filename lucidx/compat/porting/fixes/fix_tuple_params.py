"""Fixer of tuples as parameters, on fissix's for functions."""

from __future__ import annotations

from fissix.fixes import fix_tuple_params


class FixTupleParams(fix_tuple_params.FixTupleParams):
    """`def f(a, (b, c)): ...` becomes `def f(a, parts): (b, c) = parts; ...`."""

    PATTERN = "funcdef< 'def' any parameters< '(' args=any ')' > ':' suite=any+ >"

    def new_name(self, template: str = "parts") -> str:
        """A name that is not used yet."""
        return super().new_name(template)
