"""Google Colab's own modules, which are nowhere else."""

from __future__ import annotations

import libcst as cst

from lucidx.compat.porting.own_names import has_name
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.trees import dotted, name_node

COLAB = "google.colab"
STAND_IN = "lucidx.compat.colab"


class Colab(Pass):
    """Imports of `google.colab` give `lucidx.compat.colab` where that is not installed."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it is named."""
        return COLAB in program.text

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement:
        """Try Colab's first."""
        match original_node:
            case cst.SimpleStatementLine(
                body=[cst.ImportFrom(module=cst.Attribute() as module, names=names, relative=[])]
            ) if not isinstance(names, cst.ImportStar):
                pass
            case _:
                return updated_node
        now = (dotted(module) or "").replace(COLAB, STAND_IN, 1)
        known = now == STAND_IN or now.startswith(f"{STAND_IN}.")
        if not known or self.guarded(original_node):
            return updated_node
        if not all(has_name(now, alias.evaluated_name) for alias in names):
            return updated_node
        self.changed(original_node, f"import of {COLAB} -> or of {STAND_IN}")
        (statement,) = updated_node.body
        other = cst.SimpleStatementLine([statement.with_changes(module=name_node(now))])
        return cst.Try(
            cst.IndentedBlock([updated_node.with_changes(leading_lines=[])]),
            [cst.ExceptHandler(cst.IndentedBlock([other]), cst.Name("ImportError"))],
            leading_lines=updated_node.leading_lines,
        )
