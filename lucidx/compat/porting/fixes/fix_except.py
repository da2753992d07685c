"""fissix's fixer of `except E, e`, with a name that reads better where e is no name."""

from __future__ import annotations

from fissix.fixes import fix_except


class FixExcept(fix_except.FixExcept):
    """`except E, (a, b): ...` becomes `except E as caught: (a, b) = caught.args; ...`."""

    def new_name(self, template: str = "caught") -> str:
        """A name that is not used yet."""
        return super().new_name(template)
