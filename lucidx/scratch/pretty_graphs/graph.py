"""Graphs of operations, simplified until they can be drawn."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import tensorflow as tf

from lucidx.errors import InvalidValueError, UnknownLayerError, did_you_mean
from lucidx.misc.graph_analysis import filter_overlay
from lucidx.misc.graph_analysis.overlay_graph import dot
from lucidx.misc.graph_analysis.series_parallel import reachable

standard_include_ops = [op for op in filter_overlay.standard_include_ops if op != "EwZXy"]
_BLOCK_ENDS = ("Concat", "ConcatV2", "Add", "AddV2")


class Node:
    """An operation.

    Attributes
    ----------
    name, op : of the operation, and its type.
    graph : `Graph` that it is part of.
    pretty_name : what people are shown; the name by default.
    """

    def __init__(self, name: str, op: str, graph: Graph, pretty_name: str | None = None):
        self.name = name
        self.op = op
        self.graph = graph
        self.pretty_name = pretty_name or name

    def __repr__(self) -> str:
        return f"<{self.name}: {self.op}>"

    @property
    def inputs(self) -> list[Node]:
        """Nodes with an edge to this one."""
        return [self.graph[name] for name in self.graph.node_to_inputs[self.name]]

    @property
    def consumers(self) -> list[Node]:
        """Nodes with an edge from this one."""
        return [self.graph[name] for name in self.graph.node_to_consumers[self.name]]

    def copy(self) -> Node:
        """Node that is the same and another object."""
        return Node(self.name, self.op, self.graph, self.pretty_name)


class Graph:
    """Nodes in order, inputs before their consumers, and edges between them.

    Attributes
    ----------
    nodes, name_map : nodes in order, and by name.
    node_to_inputs, node_to_consumers : lists of names, by name.
    """

    def __init__(self):
        self.nodes: list[Node] = []
        self.name_map: dict[str, Node] = {}
        self.node_to_inputs: dict[str, list[str]] = {}
        self.node_to_consumers: dict[str, list[str]] = {}

    def add_node(self, node: Node) -> None:
        """Add a node behind the others.

        Raises
        ------
        InvalidValueError : there is one of that name already.
        """
        if node.name in self.name_map:
            raise InvalidValueError(f"The graph has a node {node.name!r} already.")
        self.nodes.append(node)
        self.name_map[node.name] = node
        self.node_to_inputs[node.name] = []
        self.node_to_consumers[node.name] = []

    def add_edge(self, node1: str | Node, node2: str | Node) -> None:
        """Make one node an input of another."""
        source, target = self[node1].name, self[node2].name
        self.node_to_inputs[target].append(source)
        self.node_to_consumers[source].append(target)

    def __getitem__(self, index: str | Node) -> Node:
        name = index.name if isinstance(index, Node) else index
        if name not in self.name_map:
            raise UnknownLayerError(
                f"The graph has no node {name!r}. {did_you_mean(str(name), self.name_map)}"
            )
        return self.name_map[name]

    def graphviz(self, groups: Mapping[str, Sequence[str]] | None = None) -> None:
        """Print the graph in the language of Graphviz's `dot`.

        Parameters
        ----------
        groups : names of nodes to box together, as `find_groups` gives them.
        """
        labels = {node.name: f"{node.pretty_name} {node.op}" for node in self.nodes}
        print(dot(labels, self.node_to_inputs, groups or {}))

    @staticmethod
    def from_graphdef(graphdef: tf.compat.v1.GraphDef) -> Graph:
        """Graph of a GraphDef's operations. Control dependencies are no edges."""
        graph = Graph()
        for node in graphdef.node:
            graph.add_node(Node(node.name, node.op, graph))
        for node in graphdef.node:
            data = (name for name in node.input if not name.startswith("^"))
            for source in dict.fromkeys(re.sub(r":\d+$", "", name) for name in data):
                graph.add_edge(source, node.name)
        return graph


def filter_graph(
    graph: Graph, keep_nodes: Iterable[str | Node], pass_through: bool = True
) -> Graph:
    """Graph with only some of the nodes.

    Parameters
    ----------
    keep_nodes : those to keep.
    pass_through : join what the others are between.
    """
    keep = {graph[node].name for node in keep_nodes}
    filtered = Graph()
    for node in graph.nodes:
        if node.name in keep:
            filtered.add_node(Node(node.name, node.op, filtered, node.pretty_name))
    for node in filtered.nodes:
        for source in _kept_before(graph, node.name, keep, pass_through):
            filtered.add_edge(source, node.name)
    return filtered


def _kept_before(graph: Graph, name: str, keep: Collection[str], pass_through: bool) -> list[str]:
    found: dict[str, None] = {}
    seen: set[str] = set()
    waiting = list(reversed(graph.node_to_inputs[name]))
    while waiting:
        source = waiting.pop()
        if source in keep:
            found[source] = None
        elif pass_through and source not in seen:
            waiting.extend(reversed(graph.node_to_inputs[source]))
        seen.add(source)
    return list(found)


def filter_graph_ops(graph: Graph, include_ops: Collection[str] = standard_include_ops) -> Graph:
    """Keep operations of some types, by default those that people draw."""
    return filter_graph(graph, [node for node in graph.nodes if node.op in include_ops])


def filter_graph_cut_shapes(graph: Graph) -> Graph:
    """Leave out the computation of shapes: nothing is joined through it."""
    return filter_graph(graph, [n for n in graph.nodes if n.op != "Shape"], pass_through=False)


def filter_graph_dynamic(graph: Graph) -> Graph:
    """Keep what depends on the first node, which is usually the input; the rest is constant."""
    if not graph.nodes:
        return graph
    first = graph.nodes[0].name
    return filter_graph(graph, {first} | reachable([first], graph.node_to_consumers))


def filter_graph_collapse_sequence(graph: Graph, sequence: Sequence[str]) -> Graph:
    """Keep of each chain of such operations only the last one.

    Parameters
    ----------
    sequence : types of operations that follow each other without forks in between.
    """
    gone: set[str] = set()
    for node in graph.nodes:
        chain = _chain_to(node, sequence)
        if not gone & set(chain):
            gone |= set(chain[:-1])
    return filter_graph(graph, [node for node in graph.nodes if node.name not in gone])


def _chain_to(node: Node, sequence: Sequence[str]) -> list[str]:
    chain: list[str] = []
    for op in reversed(sequence):
        if chain:
            if len(node.inputs) != 1 or len(node.inputs[0].consumers) != 1:
                return []
            node = node.inputs[0]
        if node.op != op:
            return []
        chain.insert(0, node.name)
    return chain


def clip_node_names(graph: Graph, prefix: str) -> Graph:
    """Graph whose nodes are shown to people without `prefix`; their names stay."""
    clipped = filter_graph(graph, graph.nodes)
    for node in clipped.nodes:
        node.pretty_name = node.pretty_name.removeprefix(prefix)
    return clipped


def find_groups(graph: Graph) -> dict[str, list[str]]:
    """Blocks of a network: what is between a fork and the concatenation or sum that ends it.

    Returns
    -------
    Names of the nodes of each block, in order, by the name of the node that ends it. Blocks that
    are part of another one are left out.
    """
    position = {node.name: n for n, node in enumerate(graph.nodes)}
    groups: dict[str, list[str]] = {}
    taken: set[str] = set()
    for node in reversed(graph.nodes):
        if node.op in _BLOCK_ENDS and len(node.inputs) > 1 and node.name not in taken:
            members = sorted(_block(graph, node, position), key=position.get)
            groups[node.name] = members
            taken |= set(members)
    return {name: groups[name] for name in reversed(groups)}


def _block(graph: Graph, end: Node, position: Mapping[str, int]) -> set[str]:
    before = [{s.name} | reachable([s.name], graph.node_to_inputs) for s in end.inputs]
    common = set.intersection(*before)
    inside = set.union(*before) - common
    if common:
        fork = max(common, key=position.get)
        inside &= reachable([fork], graph.node_to_consumers)
    return inside | {end.name}
