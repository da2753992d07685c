"""Simplified views of TensorFlow graphs, which stay tied to the graph itself."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from lucidx.errors import InvalidTypeError, UnknownLayerError, did_you_mean
from lucidx.misc.graph_analysis.series_parallel import consumers_of, reachable

_GROUP_COLORS = ("#f3e8d8", "#dfe9f3", "#e4f0dd", "#f1dfe7", "#e8e4f2")


class OverlayNode:
    """A tensor of the graph, as the overlay shows it.

    Attributes
    ----------
    name : of the tensor, such as `"conv2d0:0"`.
    overlay_graph, tf_graph, tf_node : the overlay, its graph, and the tensor.
    sub_structure : `OverlayStructure` that this node stands for, or None.
    """

    def __init__(self, name: str, overlay_graph: OverlayGraph):
        self.name = name
        self.overlay_graph = overlay_graph
        self.tf_graph = overlay_graph.tf_graph
        self.tf_node = self.tf_graph.get_tensor_by_name(name)
        self.sub_structure: OverlayStructure | None = None

    @staticmethod
    def as_name(node: str | OverlayNode | tf.Tensor) -> str:
        """Name of the tensor that is meant.

        Raises
        ------
        InvalidTypeError : operations, which may have several tensors, and anything else.
        """
        if isinstance(node, str):
            return node
        if isinstance(node, OverlayNode | tf.Tensor):
            return node.name
        raise InvalidTypeError(
            f"A node is named by a tensor, its name, or an OverlayNode, not {node!r}."
        )

    def __repr__(self) -> str:
        return f"<{self.name}: {self.op}>"

    @property
    def op(self) -> str:
        """Type of the operation, such as `"Conv2D"`."""
        return self.tf_node.op.type

    @property
    def inputs(self) -> list[OverlayNode]:
        """Nodes that it is computed from, with nothing that is shown in between."""
        return self._sorted(self.overlay_graph.node_to_inputs[self.name])

    @property
    def consumers(self) -> list[OverlayNode]:
        """Nodes that are computed from it, with nothing that is shown in between."""
        return self._sorted(self.overlay_graph.node_to_consumers[self.name])

    @property
    def extended_inputs(self) -> list[OverlayNode]:
        """All nodes that it depends on."""
        return self._sorted(self.overlay_graph.node_to_extended_inputs[self.name])

    @property
    def extended_consumers(self) -> list[OverlayNode]:
        """All nodes that depend on it."""
        return self._sorted(self.overlay_graph.node_to_extended_consumers[self.name])

    @property
    def gcd(self) -> OverlayNode | None:
        """Where its inputs fork: see `OverlayGraph.gcd`."""
        return self.overlay_graph.gcd(self.inputs)

    @property
    def lcm(self) -> OverlayNode | None:
        """Where its consumers meet: see `OverlayGraph.lcm`."""
        return self.overlay_graph.lcm(self.consumers)

    def _sorted(self, names: Iterable[str]) -> list[OverlayNode]:
        return self.overlay_graph.sorted([self.overlay_graph[name] for name in names])


class OverlayStructure:
    """What a collapsed node stands for.

    Attributes
    ----------
    structure_type : "Sequence", "Branch" or "AuxilliaryHeadBranch".
    structure : nodes, and lists of nodes (None for a direct way), by the part they play.
    children : all nodes in it.
    """

    def __init__(self, structure_type: str, structure: Mapping[str, Any]):
        self.structure_type = structure_type
        self.structure = structure
        self.children = list(_nodes_in(structure.values()))

    def __contains__(self, item: str | OverlayNode | tf.Tensor) -> bool:
        return OverlayNode.as_name(item) in [child.name for child in self.children]


def _nodes_in(values: Iterable[Any]) -> Iterator[OverlayNode]:
    for value in values:
        if isinstance(value, OverlayNode):
            yield value
        elif value is not None:
            yield from _nodes_in(value)


class OverlayGraph:
    """Some tensors of a graph, joined where one is computed from the other.

    What is between two tensors and not shown is passed through. Overlays are not changed once they
    are made: `filter` and `collapse_structures` make new ones.

    Parameters
    ----------
    tf_graph : the graph.
    nodes : names of the tensors to show; by default all.
    no_pass_through : names of tensors that do not join what they are between.
    prev_overlay : overlay from which the new one was made, whose structures it keeps.

    Attributes
    ----------
    nodes : list of `OverlayNode`, in the order of the graph.
    name_map : nodes by name.
    node_to_inputs, node_to_consumers : sets of names by name, in one step.
    node_to_extended_inputs, node_to_extended_consumers : the same in any number of steps.

    Raises
    ------
    UnknownLayerError : the graph has no such tensor.
    """

    def __init__(
        self,
        tf_graph: tf.Graph,
        nodes: Iterable[str] | None = None,
        no_pass_through: Iterable[str] | None = None,
        prev_overlay: OverlayGraph | None = None,
    ):
        self.tf_graph = tf_graph
        self.no_pass_through = set(no_pass_through or ())
        self.prev_overlay = prev_overlay
        tensors = {t.name: t for op in tf_graph.get_operations() for t in op.outputs}
        shown = set(tensors if nodes is None else nodes)
        if missing := shown - set(tensors):
            name = min(missing)
            raise UnknownLayerError(
                f"The graph has no tensor {name!r}. {did_you_mean(name, tensors)}"
            )
        self.name_map = {name: OverlayNode(name, self) for name in tensors if name in shown}
        self.nodes = list(self.name_map.values())
        if prev_overlay is not None:
            for node in self.nodes:
                if node.name in prev_overlay.name_map:
                    node.sub_structure = prev_overlay[node].sub_structure
        self._position = {name: n for n, name in enumerate(self.name_map)}
        self._find_edges()

    def _find_edges(self) -> None:
        self.node_to_inputs = {node.name: self._inputs_of(node.tf_node) for node in self.nodes}
        consumers = consumers_of(self.node_to_inputs)
        self.node_to_consumers = {name: set(found) for name, found in consumers.items()}

    def _inputs_of(self, tensor: tf.Tensor) -> set[str]:
        found, seen = set(), set()
        waiting = list(tensor.op.inputs)
        while waiting:
            source = waiting.pop()
            if source.name in self.name_map:
                found.add(source.name)
            elif source.name not in seen and source.name not in self.no_pass_through:
                waiting.extend(source.op.inputs)
            seen.add(source.name)
        return found - {tensor.name}  # the last is of loops

    @functools.cached_property
    def node_to_extended_inputs(self) -> dict[str, set[str]]:
        """Names of all that each node depends on."""
        return {name: reachable([name], self.node_to_inputs) for name in self.name_map}

    @functools.cached_property
    def node_to_extended_consumers(self) -> dict[str, set[str]]:
        """Names of all that depend on each node."""
        return {name: reachable([name], self.node_to_consumers) for name in self.name_map}

    def __getitem__(self, index: str | OverlayNode | tf.Tensor) -> OverlayNode:
        name = OverlayNode.as_name(index)
        if name not in self.name_map:
            raise UnknownLayerError(
                f"The overlay does not show {name!r}. {did_you_mean(name, self.name_map)}"
            )
        return self.name_map[name]

    def __contains__(self, item: str | OverlayNode | tf.Tensor) -> bool:
        return OverlayNode.as_name(item) in self.name_map

    def get_tf_node(self, node: str | OverlayNode | tf.Tensor) -> tf.Tensor:
        """Tensor of a node."""
        return self.tf_graph.get_tensor_by_name(OverlayNode.as_name(node))

    def graphviz(self, groups: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Print the overlay in the language of Graphviz's `dot`.

        Parameters
        ----------
        groups : nodes to box together, as `parse_overlay.toplevel_group_data` gives them.
        """
        labels = {node.name: f"{node.name} {node.op}" for node in self.nodes}
        members = {name: sorted(group["all"]) for name, group in (groups or {}).items()}
        print(dot(labels, self.node_to_inputs, members))

    def filter(
        self, keep_nodes: Iterable[str | OverlayNode | tf.Tensor], pass_through: bool = True
    ) -> OverlayGraph:
        """Overlay that shows only some nodes.

        Parameters
        ----------
        keep_nodes : those to show.
        pass_through : join what the others are between.
        """
        keep = {OverlayNode.as_name(node) for node in keep_nodes}
        closed = set(self.no_pass_through)
        if not pass_through:
            closed |= set(self.name_map) - keep
        kept = [name for name in self.name_map if name in keep]
        return OverlayGraph(self.tf_graph, kept, closed, self)

    def gcd(self, branches: Iterable[str | OverlayNode | tf.Tensor]) -> OverlayNode | None:
        """Latest node that all branches are computed from, or are themselves; None if none is."""
        common = self._common(branches, self.node_to_inputs)
        return self.name_map[max(common, key=self._position.get)] if common else None

    def lcm(self, branches: Iterable[str | OverlayNode | tf.Tensor]) -> OverlayNode | None:
        """Earliest node that is computed from all branches, or is them; None if none is."""
        common = self._common(branches, self.node_to_consumers)
        return self.name_map[min(common, key=self._position.get)] if common else None

    def _common(self, branches: Iterable[Any], edges: Mapping[str, set[str]]) -> set[str]:
        names = [self[branch].name for branch in branches]
        ways = [{name} | reachable([name], edges) for name in names]
        return set.intersection(*ways) if ways else set()

    def sorted(self, items: Iterable[OverlayNode]) -> list[OverlayNode]:
        """Nodes in the order of the graph."""
        return sorted(items, key=lambda node: self._position[node.name])

    def collapse_structures(
        self, structure_map: Mapping[str | OverlayNode, OverlayStructure]
    ) -> OverlayGraph:
        """Overlay in which single nodes stand for structures.

        Parameters
        ----------
        structure_map : structures by the one of their nodes that stays.
        """
        structures = {OverlayNode.as_name(node): s for node, s in structure_map.items()}
        gone = {child.name for s in structures.values() for child in s.children} - set(structures)
        collapsed = self.filter([name for name in self.name_map if name not in gone])
        for name, structure in structures.items():
            collapsed[name].sub_structure = structure
        return collapsed


def dot(
    labels: Mapping[str, str],
    inputs: Mapping[str, Iterable[str]],
    groups: Mapping[str, Iterable[str]],
) -> str:
    """Graph in the language of Graphviz's `dot`.

    Parameters
    ----------
    labels : text of each node, by its name.
    inputs : names of each node's inputs.
    groups : names of nodes to box together, by the name of the group.
    """
    lines = [f"  {_quoted(name)} [label={_quoted(label)}];" for name, label in labels.items()]
    for n, members in enumerate(groups.values()):
        color = _GROUP_COLORS[n % len(_GROUP_COLORS)]
        inside = " ".join(f"{_quoted(member)};" for member in members)
        lines.append(f'  subgraph cluster_{n} {{ style=filled; color="{color}"; {inside} }}')
    for name in labels:
        lines += [f"  {_quoted(source)} -> {_quoted(name)};" for source in sorted(inputs[name])]
    return "\n".join(["digraph G {", *lines, "}"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
