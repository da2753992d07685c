"""Commands of notebooks that install what lucidx stands in for, without that."""

from __future__ import annotations

import ast
import shlex

from lucidx.compat.porting.packages import revised

_LINE_MAGICS = {"pip", "conda", "mamba"}
_CELL_MAGICS = {"bash", "sh"}


class Installing(ast.NodeTransformer):
    """Leaves Lucid, TensorFlow 1 and the like out of what IPython is asked to install.

    IPython makes calls of `!pip install x`, `%pip install x` and `%%bash` cells; so do programs
    that were exported from notebooks.
    """

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Such as `get_ipython().system("pip install lucid moviepy")`."""
        self.generic_visit(node)
        match node:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Call(func=ast.Name(id="get_ipython")) as shell, attr=method
                ),
                args=[*_, ast.Constant(value=str(text)) as argument],
            ):
                pass
            case _:
                return node
        before = [each.value for each in node.args[:-1] if isinstance(each, ast.Constant)]
        match method, before:
            case (("system" | "getoutput"), []):
                argument.value = _of_today(text)
            case "run_cell_magic", [magic, _] if magic in _CELL_MAGICS:
                lines = text.splitlines(keepends=True)
                argument.value = "".join(map(_of_today, lines))
            case "run_line_magic", [magic] if magic in _LINE_MAGICS:
                command = _of_today(f"{magic} {text}")
                if command.startswith(f"{magic} "):
                    argument.value = command.removeprefix(f"{magic} ")
                else:
                    node.func, node.args = ast.Attribute(shell, "system", ast.Load()), [argument]
                    argument.value = command
        return node


def _of_today(command: str) -> str:
    return revised(command, _say).text


def _say(command: str) -> str:
    command = " ".join(command.replace("\\\n", " ").split())
    return f"echo {shlex.quote(f'lucidx.compat: not needed, so not run: {command}')}"
