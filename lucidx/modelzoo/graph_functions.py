"""Functions inside graphs: calls replaced by what they call, and names that do not clash.

TensorFlow differentiates a call only in the process that made the function, and loops and branches
only while nothing else in the process has functions of the same names. A graph from a file can
count on neither.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

import tensorflow as tf
from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.python.framework import op_def_registry

from lucidx.errors import CorruptFileError

GraphDef = tf.compat.v1.GraphDef
NodeDef = tf.compat.v1.NodeDef
Functions = Mapping[str, FunctionDef]
# From the name of an output in a function, "node:argument:index", to what its readers write.
Naming = Callable[[str, Mapping[str, NodeDef]], str]

# TensorFlow expands calls too: a few functions that call each other twice could fill the memory.
MOST_NODES = 200_000
DEEPEST = 100

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_serial_numbers = itertools.count()


def node_of(tensor_name: str) -> str:
    """Name of the node that makes a tensor: without `^` in front and `:output` behind."""
    return tensor_name.removeprefix("^").partition(":")[0]


def functions_of(node: NodeDef) -> set[str]:
    """Names of the functions in a node's attributes."""
    return {function.name for function in _references(node)}


def _references(node: NodeDef) -> Iterator[tf.compat.v1.NameAttrList]:
    for attr in node.attr.values():
        if attr.HasField("func"):
            yield attr.func
        yield from attr.list.func


def inline_calls(graph_def: GraphDef, source: str) -> None:
    """Replace, in place, calls of functions by the functions' operations.

    A called function's operations are named `<call>/<operation>`; the call becomes an identity.
    What loops and branches run stays a function, and functions that nothing runs go.

    Raises
    ------
    CorruptFileError : a function is there twice, calls itself, does not fit a call of it, or
        expands to more than `MOST_NODES` operations.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    if len(functions) < len(graph_def.library.function):
        raise CorruptFileError(f"{source} has several functions of one name.")
    try:
        for name in _callees_first(graph_def.node, functions):
            _inline_in(functions[name].node_def, functions, lambda output, _: output)
        _inline_in(graph_def.node, functions, _flat_name)
    except _Misfit as error:
        raise CorruptFileError(f"{source}: {error}") from error
    graph_def.library.ClearField("gradient")
    keep_used_functions(graph_def)


class _Misfit(Exception):
    pass


def _callees_first(nodes: Iterable[NodeDef], functions: Functions) -> list[str]:
    """The functions that `nodes` lead to, each behind those that it runs."""
    sizes: dict[str, int] = {}
    open_: list[str] = []

    def size_of(nodes: Iterable[NodeDef]) -> int:
        size = 0
        for node in nodes:
            size += 1
            for name in functions_of(node) | ({node.op} & functions.keys()):
                visit(name)
                size += sizes[name]
        if size > MOST_NODES:
            raise _Misfit(f"its functions expand to more than {MOST_NODES} operations.")
        return size

    def visit(name: str) -> None:
        if name in open_:
            raise _Misfit(f"the function {name!r} calls itself.")
        if len(open_) == DEEPEST:
            raise _Misfit(f"functions call each other more than {DEEPEST} levels deep.")
        if name not in sizes:
            open_.append(name)
            sizes[name] = size_of(functions[name].node_def)
            open_.pop()

    size_of(nodes)
    return list(sizes)


def _inline_in(nodes: list[NodeDef], functions: Functions, naming: Naming) -> None:
    called = {node.name: _callee(node, functions) for node in nodes}
    if not any(called.values()):
        return
    taken = set(called)
    expanded: list[NodeDef] = []
    for node in nodes:
        function = called[node.name]
        expanded += [node] if function is None else _expand(node, function, naming, taken)
    # Assigning to a slice is not for fields of messages.
    kept = [NodeDef.FromString(node.SerializeToString()) for node in expanded]
    del nodes[:]
    nodes.extend(kept)


def _callee(node: NodeDef, functions: Functions) -> FunctionDef | None:
    """The function that a node calls; None if it calls none, or one that takes lists."""
    name = node.attr["f"].func.name if node.op in _CALLS else node.op
    function = functions.get(name)
    if function is None:
        return None
    arguments = (*function.signature.input_arg, *function.signature.output_arg)
    listed = any(arg.number_attr or arg.type_list_attr for arg in arguments)
    return None if listed else function


def _expand(call: NodeDef, function: FunctionDef, naming: Naming, taken: set[str]) -> list[NodeDef]:
    given = [name for name in call.input if not name.startswith("^")]
    arguments = [argument.name for argument in function.signature.input_arg]
    if len(given) != len(arguments):
        raise _Misfit(
            f"{call.name!r} gives {len(given)} inputs to the function "
            f"{function.signature.name!r}, which takes {len(arguments)}."
        )
    prefix = f"{call.name}/"
    while any(f"{prefix}{node.name}" in taken for node in function.node_def):
        prefix += "_"
    bound = dict(zip(arguments, given, strict=True))
    body = {node.name: node for node in function.node_def}
    settings = call.attr["f"].func.attr if call.op in _CALLS else call.attr

    def outside(name: str) -> str:
        """What an input of a node in the function is called where the function is called."""
        control = "^" if name.startswith("^") else ""
        node, _, rest = name.removeprefix("^").partition(":")
        if node in bound and rest in ("", "0"):
            return f"^{node_of(bound[node])}" if control else bound[node]
        if node not in body:
            raise _Misfit(f"the function {function.signature.name!r} lacks {node!r}.")
        return f"{control}{prefix}{node}" if control else prefix + naming(name, body)

    copies = []
    for node in function.node_def:
        copy = NodeDef()
        copy.CopyFrom(node)
        copy.name = prefix + node.name
        copy.input[:] = map(outside, node.input)
        for key, value in copy.attr.items():
            if value.placeholder in settings:
                copy.attr[key].CopyFrom(settings[value.placeholder])
        copies.append(copy)
    taken.update(copy.name for copy in copies)
    return [*copies, _identity(call, function, outside)]


def _identity(call: NodeDef, function: FunctionDef, outside: Callable[[str], str]) -> NodeDef:
    """What stands where the call stood, with the call's name and outputs."""
    outputs = function.signature.output_arg
    missing = [output.name for output in outputs if output.name not in function.ret]
    if missing:
        raise _Misfit(f"the function {function.signature.name!r} does not return {missing[0]!r}.")
    identity = NodeDef(name=call.name, op={0: "NoOp", 1: "Identity"}.get(len(outputs), "IdentityN"))
    identity.input.extend(outside(function.ret[output.name]) for output in outputs)
    identity.input.extend(name for name in call.input if name.startswith("^"))
    types = [call.attr[o.type_attr].type if o.type_attr else o.type for o in outputs]
    if identity.op == "Identity":
        identity.attr["T"].type = types[0]
    elif types:
        identity.attr["T"].list.type.extend(types)
    return identity


def _flat_name(output: str, nodes: Mapping[str, NodeDef]) -> str:
    """Name in a graph, `node:number`, of an output in a function, `node:argument:index`."""
    name, _, place = output.partition(":")
    if not place:
        return name
    argument, _, index = place.partition(":")
    node, number = nodes[name], int(index) if index.isdecimal() and len(index) < 6 else 0
    definition = op_def_registry.get(node.op)
    for output_arg in definition.output_arg if definition else ():
        if output_arg.name == argument:
            return f"{name}:{number}"
        if output_arg.number_attr:
            number += node.attr[output_arg.number_attr].i
        elif output_arg.type_list_attr:
            number += len(node.attr[output_arg.type_list_attr].list.type)
        else:
            number += 1
    raise _Misfit(f"the operation {name!r} ({node.op}) has no output {argument!r}.")


def keep_used_functions(graph_def: GraphDef) -> None:
    """Drop, in place, the functions that no node leads to."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    if not functions:
        return
    used: set[str] = set()
    stack = list(graph_def.node)
    while stack:
        node = stack.pop()
        for name in (functions_of(node) | {node.op}) & functions.keys() - used:
            used.add(name)
            stack.extend(functions[name].node_def)
    kept = [f for f in graph_def.library.function if f.signature.name in used]
    if len(kept) < len(functions):
        kept = [FunctionDef.FromString(f.SerializeToString()) for f in kept]
        graph_def.library.ClearField("function")
        graph_def.library.function.extend(kept)


def with_own_functions(graph_def: GraphDef) -> GraphDef:
    """The graph, its functions renamed to what no other graph of the process calls its own."""
    if not graph_def.library.function:
        return graph_def
    renamed = GraphDef()
    renamed.CopyFrom(graph_def)
    functions = renamed.library.function
    number = next(_serial_numbers)
    names = {f.signature.name: f"{f.signature.name}_lucidx{number}" for f in functions}
    for function in functions:
        function.signature.name = names[function.signature.name]
    for node in (*renamed.node, *(node for f in functions for node in f.node_def)):
        node.op = names.get(node.op, node.op)
        for reference in _references(node):
            reference.name = names.get(reference.name, reference.name)
    return renamed
