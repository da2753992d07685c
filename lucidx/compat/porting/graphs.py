"""What TensorFlow 1 did by default: a graph to build in."""

from __future__ import annotations

from collections import defaultdict

import libcst as cst

from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.trees import dotted, imports_tensorflow, with_lines

V1 = "tensorflow.compat.v1."
# They fail, or make something else, where no graph is being built.
GRAPH_ONLY = {
    f"{V1}{name}"
    for name in """
    InteractiveSession Session get_collection get_default_graph get_variable global_variables
    global_variables_initializer initialize_all_variables losses.add_loss losses.get_total_loss
    placeholder placeholder_with_default sparse_placeholder trainable_variables
    train.get_global_step train.get_or_create_global_step variable_scope variables_initializer
    """.split()
}
GRAPH_ONLY |= {"tensorflow.gradients", "lucidx.misc.tfutil.create_session"}
GRAPH_ONLY |= {f"lucidx.optvis.render.{name}" for name in ("import_model", "make_vis_T")}
RUNNER = f"{V1}app.run"  # it calls the program's main
GRAPH_METHODS = {"import_graph"}
SWITCHES = {f"{V1}disable_eager_execution", f"{V1}disable_v2_behavior"}
SWITCH = "disable_eager_execution"


class Graphs(Pass):
    """Programs that build in the default graph ask for one."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it is of TensorFlow 1."""
        return program.tensorflow1

    def __init__(self, program: Program):
        super().__init__(program)
        self._functions: list[str] = [""]  # that one is in; "" is the module
        self._inside = [0]  # in how many graphs, for each of them
        self._of_with: list[int] = []
        self._builds: set[str] = set()  # functions that build in the default graph
        self._calls: dict[str, set[str]] = defaultdict(set)
        self._asked = False

    def visit_With(self, node: cst.With) -> None:
        """Remember how many graphs one is in."""
        self._of_with.append(self._inside[-1])

    def leave_WithItem(
        self, original_node: cst.WithItem, updated_node: cst.WithItem
    ) -> cst.WithItem:
        """A graph is entered."""
        match original_node.item:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="as_default"))):
                self._inside[-1] += 1
        return updated_node

    def leave_With(self, original_node: cst.With, updated_node: cst.With) -> cst.With:
        """Graphs are left."""
        self._inside[-1] = self._of_with.pop()
        return updated_node

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        """What is in a function happens where it is called."""
        self._functions.append(node.name.value)
        self._inside.append(self._inside[-1])

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        """Back to where the function is defined."""
        self._functions.pop()
        self._inside.pop()
        return updated_node

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        """Nothing in it happens here."""
        return False

    def visit_Call(self, node: cst.Call) -> None:
        """Something is built, or a function called that may build."""
        name = self.imported(node.func)
        self._asked |= name in SWITCHES
        if self._inside[-1]:
            return
        match node.func:
            case cst.Name(value=called) | cst.Attribute(attr=cst.Name(value=called)):
                self._calls[self._functions[-1]].add(called)
                if called in GRAPH_METHODS:
                    self._builds.add(self._functions[-1])
        if name == RUNNER:
            self._calls[self._functions[-1]].add("main")
        if name in GRAPH_ONLY and not (name == f"{V1}Session" and _names_graph(node)):
            self._builds.add(self._functions[-1])

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        """Ask for a graph after TensorFlow is imported."""
        if self._asked or not self._module_builds():
            return updated_node
        for statement in original_node.body:
            if isinstance(statement, cst.SimpleStatementLine) and any(
                map(imports_tensorflow, statement.body)
            ):
                self.changed(statement, f"{SWITCH}() added: it builds in the default graph")
                return with_lines(updated_node, _switch(statement), imports_tensorflow)
        if len(original_node.body) > 1:
            self.changed(original_node.body[1], f"{SWITCH}() added: it builds in the default graph")
        return with_lines(updated_node, _switch(None), _imports_lucidx)

    def _module_builds(self) -> bool:
        seen, waiting = set(), [""]
        while waiting:
            function = waiting.pop()
            if function in self._builds:
                return True
            seen.add(function)
            waiting += self._calls[function] - seen
        return False


def _names_graph(node: cst.Call) -> bool:
    return any(arg.keyword and arg.keyword.value == "graph" for arg in node.args)


def _switch(statement: cst.SimpleStatementLine | None) -> list[str]:
    """Statements that ask for a default graph, with the names a statement imports."""
    for part in statement.body if statement else ():
        if isinstance(part, cst.Import):
            for alias in part.names:
                name, asname = alias.evaluated_name, alias.evaluated_alias
                if name == "tensorflow" or (name.startswith("tensorflow.") and not asname):
                    return [f"{asname or 'tensorflow'}.compat.v1.{SWITCH}()"]
                if name == V1[:-1]:
                    return [f"{asname}.{SWITCH}()"]
    return [f"from tensorflow.compat.v1 import {SWITCH}", f"{SWITCH}()"]


def _imports_lucidx(statement: cst.BaseSmallStatement) -> bool:
    match statement:
        case cst.Import(names=names):
            return any(each.evaluated_name.split(".")[0] == "lucidx" for each in names)
        case cst.ImportFrom(module=module) if module:
            return (dotted(module) or "").split(".")[0] == "lucidx"
    return False
