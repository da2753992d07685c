"""Programs that were exported from notebooks: magics and shell lines are calls there."""

from __future__ import annotations

import libcst as cst

from lucidx.compat.porting import magics
from lucidx.compat.porting.cells import PYTHON_BODIES
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program

CALL = "get_ipython()."
# Methods of IPython's shell: how the line was written that each stands for.
LINES = {"system": "!", "getoutput": "!", "run_line_magic": "%", "magic": "%"}


class Exported(Pass):
    """Ports what such calls are given, as in notebooks."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether there are such calls."""
        return CALL in program.text

    def leave_Expr(self, original_node: cst.Expr, updated_node: cst.Expr) -> cst.Expr:
        """Such as `get_ipython().system('pip install lucid')`."""
        match original_node.value:
            case cst.Call(
                func=cst.Attribute(
                    value=cst.Call(func=cst.Name(value="get_ipython")),
                    attr=cst.Name(value=method),
                ),
                args=[*_, cst.Arg(value=cst.SimpleString())] as args,
            ):
                words = [arg.value for arg in args]
            case _:
                return updated_node
        if not all(isinstance(word, cst.SimpleString) for word in words):
            return updated_node
        texts = [word.evaluated_value for word in words]
        if method == "run_cell_magic" and texts[0] in PYTHON_BODIES:
            what = f"the code that %%{texts[0]} runs, which is a string here"
            self.left(original_node, what, "port it by hand, or port the notebook")
        if method not in LINES:
            return updated_node
        line = LINES[method] + " ".join(texts)
        self.program.tensorflow1 |= line.startswith("%tensorflow_version 1")
        ported = magics.port_line(line)
        if ported.change is None:
            return updated_node
        self.changed(original_node, ported.change)
        if ported.is_comment:
            return self.comment_out(original_node)
        before = " ".join([*texts[:-1], ""]) if method == "run_line_magic" else ""
        now = ported.text.lstrip("!%").removeprefix(before)
        return updated_node.with_deep_changes(words[-1], value=repr(now))
