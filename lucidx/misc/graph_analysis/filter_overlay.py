"""Leave out of an overlay what does not help to understand the network."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lucidx.misc.graph_analysis.overlay_graph import OverlayGraph, OverlayNode, OverlayStructure

# Lucid's. In graphs of TensorFlow 2 "AddV2" adds, also where people would not draw it.
standard_include_ops = [
    *("Placeholder", "Relu", "Relu6", "Add", "Split", "Softmax", "Concat", "ConcatV2"),
    *("Conv2D", "MaxPool", "AvgPool", "MatMul", "EwZXy"),
]


def ops_whitelist(
    graph: OverlayGraph, include_ops: Collection[str] = standard_include_ops
) -> OverlayGraph:
    """Keep operations of some types, by default those that people draw."""
    return graph.filter([node for node in graph.nodes if node.op in include_ops])


def cut_shapes(graph: OverlayGraph) -> OverlayGraph:
    """Leave out the computation of shapes: nothing is joined through it."""
    return graph.filter([node for node in graph.nodes if node.op != "Shape"], pass_through=False)


def is_dynamic(graph: OverlayGraph) -> OverlayGraph:
    """Keep what depends on the first node, which is usually the input; the rest is constant."""
    if not graph.nodes:
        return graph
    first = graph.nodes[0]
    return graph.filter([first, *first.extended_consumers])


def collapse_sequence(graph: OverlayGraph, sequence: Sequence[str]) -> OverlayGraph:
    """Collapse each chain of such operations into its last one.

    Parameters
    ----------
    sequence : types of operations that follow each other without forks in between, such as
        `["Conv2D", "Relu"]`.
    """
    structures: dict[str | OverlayNode, OverlayStructure] = {}
    taken: set[str] = set()
    for node in graph.nodes:
        chain = _chain_to(node, sequence)
        names = {member.name for member in chain}
        if len(chain) > 1 and not names & taken:
            taken |= names
            structures[node] = OverlayStructure("Sequence", {"children": chain})
    return graph.collapse_structures(structures)


def _chain_to(node: OverlayNode, sequence: Sequence[str]) -> list[OverlayNode]:
    """Chain of the types in `sequence` that ends in `node`, or nothing."""
    chain: list[OverlayNode] = []
    for op in reversed(sequence):
        if chain:
            inputs = chain[0].inputs
            if len(inputs) != 1 or len(inputs[0].consumers) != 1:
                return []
            node = inputs[0]
        if node.op != op:
            return []
        chain.insert(0, node)
    return chain
