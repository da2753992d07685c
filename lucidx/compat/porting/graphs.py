"""What TensorFlow 1 did by default: a graph to build in."""

from __future__ import annotations

from collections import defaultdict

import libcst as cst

from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.tensorflow_names import general
from lucidx.compat.porting.trees import dotted, imports_tensorflow, with_lines

# They fail, or make something else, where no graph is being built.
GRAPH_ONLY = {
    f"tensorflow.{name}"
    for name in """
    InteractiveSession Session get_collection get_default_graph get_variable global_variables
    global_variables_initializer gradients initialize_all_variables losses.add_loss
    losses.get_total_loss placeholder placeholder_with_default sparse_placeholder
    trainable_variables train.get_global_step train.get_or_create_global_step variable_scope
    variables_initializer
    """.split()
}
GRAPH_ONLY |= {"lucidx.misc.tfutil.create_session"}
GRAPH_ONLY |= {f"lucidx.optvis.render.{name}" for name in ("import_model", "make_vis_T")}
RUNNER = "tensorflow.app.run"  # it calls the program's main
GRAPH_METHODS = {"import_graph"}
# By which a program says itself how it is to be run.
SWITCHES = {
    f"tensorflow.{switch}_{what}"
    for switch in ("disable", "enable")
    for what in ("eager_execution", "v2_behavior")
}
SWITCH = "disable_eager_execution"
V1 = "tensorflow.compat.v1"
INITIALIZERS = ("__init__", "__new__")


class Builds(Pass):
    """Finds out whether a program builds in the default graph; changes nothing.

    It does if its module does, or calls what does; or if it has functions or classes that do, and
    that nothing in it mentions: other modules call those.
    """

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it is of TensorFlow 1."""
        return program.tensorflow1

    def __init__(self, program: Program):
        super().__init__(program)
        self._functions: list[str] = [""]  # that one is in; "" is the module
        self._within: list[str] = []  # functions and classes, by the names that they have
        self._inside = [0]  # in how many graphs, for each of the functions
        self._of_with: list[int] = []
        self._lambdas = 0  # that one is in: nothing in them happens here
        self._builds: set[str] = set()  # functions that build in the default graph
        self._calls: dict[str, set[str]] = defaultdict(set)
        self._entries: set[str] = set()  # that other modules may call
        self._mentions: set[str] = set()
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

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        """To call a class is to call its `__init__`, or that of what it inherits from."""
        name = node.name.value
        bases = (base.value for base in node.bases)
        self._calls[name] |= {base.value for base in bases if isinstance(base, cst.Name)}
        if len(self._functions) == 1:
            self._entries.add(name)
        self._within.append(name)

    def leave_ClassDef(
        self, original_node: cst.ClassDef, updated_node: cst.ClassDef
    ) -> cst.ClassDef:
        """Back to where the class is defined."""
        self._within.pop()
        return updated_node

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        """What is in a function happens where it is called."""
        name = node.name.value
        owner = self.parent(self.parent(node))
        is_method = isinstance(owner, cst.ClassDef)
        key = owner.name.value if is_method and name in INITIALIZERS else name
        # What decorates a function is given it, and may call it in a graph of its own.
        if len(self._functions) == 1 and (is_method or not node.decorators):
            self._entries.add(key)
        self._within.append(name)
        self._functions.append(key)
        self._inside.append(self._inside[-1])

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        """Back to where the function is defined."""
        self._within.pop()
        self._functions.pop()
        self._inside.pop()
        return updated_node

    def visit_Lambda(self, node: cst.Lambda) -> None:
        """Nothing in it happens here."""
        self._lambdas += 1

    def leave_Lambda(self, original_node: cst.Lambda, updated_node: cst.Lambda) -> cst.Lambda:
        """Back to where it is."""
        self._lambdas -= 1
        return updated_node

    def visit_Name(self, node: cst.Name) -> None:
        """Something is mentioned, but for definitions and by what is in them."""
        defined = isinstance(self.parent(node), cst.FunctionDef | cst.ClassDef)
        if not defined and node.value not in self._within:
            self._mentions.add(node.value)

    def visit_Call(self, node: cst.Call) -> None:
        """Something is built, or a function called that may build."""
        name = general(self.imported(node.func) or "")
        if name.startswith("lucid."):
            name = f"lucidx.{name.removeprefix('lucid.')}"
        self._asked |= name in SWITCHES
        if self._inside[-1] or self._lambdas:
            return
        match node.func:
            case cst.Name(value=called) | cst.Attribute(attr=cst.Name(value=called)):
                self._calls[self._functions[-1]].add(called)
                if called in GRAPH_METHODS:
                    self._builds.add(self._functions[-1])
        if name == RUNNER:
            self._calls[self._functions[-1]].add("main")
        if name in GRAPH_ONLY and not (name == "tensorflow.Session" and _names_graph(node)):
            self._builds.add(self._functions[-1])

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        """Say so."""
        self.program.builds = not self._asked and self._any_builds()
        return updated_node

    def _any_builds(self) -> bool:
        seen, waiting = set(), ["", *(self._entries - self._mentions)]
        while waiting:
            function = waiting.pop()
            if function in self._builds:
                return True
            seen.add(function)
            waiting += self._calls[function] - seen
        return False


class Graphs(Pass):
    """Programs that build in the default graph ask for one."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it does."""
        return program.builds

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        """Ask for a graph after TensorFlow is imported."""
        for statement in original_node.body:
            if isinstance(statement, cst.SimpleStatementLine) and any(
                map(imports_tensorflow, statement.body)
            ):
                self.changed(statement, f"{SWITCH}() added: it builds in the default graph")
                return with_lines(updated_node, _switch(statement), imports_tensorflow)
        if len(original_node.body) > 1:
            self.changed(original_node.body[1], f"{SWITCH}() added: it builds in the default graph")
        return with_lines(updated_node, _switch(None), _imports_lucidx)


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
                if name == V1:
                    return [f"{asname}.{SWITCH}()"]
    return [f"from tensorflow.compat.v1 import {SWITCH}", f"{SWITCH}()"]


def _imports_lucidx(statement: cst.BaseSmallStatement) -> bool:
    match statement:
        case cst.Import(names=names):
            return any(each.evaluated_name.split(".")[0] == "lucidx" for each in names)
        case cst.ImportFrom(module=module) if module:
            return (dotted(module) or "").split(".")[0] == "lucidx"
    return False
