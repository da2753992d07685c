"""Read a network as people draw it: sequences of layers, branches, and blocks."""

from __future__ import annotations

from typing import Any

from lucidx.misc.graph_analysis import series_parallel
from lucidx.misc.graph_analysis.overlay_graph import OverlayGraph, OverlayNode, OverlayStructure

_MEETING = ("Concat", "ConcatV2")

Parsed = dict[str, Any]


def collapse_sequences(overlay: OverlayGraph) -> OverlayGraph:
    """Collapse each chain of nodes, without forks in between, into its last one."""
    return overlay.collapse_structures(
        {
            chain[-1]: OverlayStructure("Sequence", {"children": [overlay[n] for n in chain]})
            for chain in series_parallel.chains(_inputs(overlay))
        }
    )


def collapse_branches(overlay: OverlayGraph) -> OverlayGraph:
    """Collapse branches of one node each into the node where they meet.

    Branches that lead nowhere, auxiliary heads, are collapsed into the node where they start.
    """
    structures: dict[str | OverlayNode, OverlayStructure] = {}
    for found in series_parallel.branches(_inputs(overlay)):
        members = [None if name is None else overlay[name] for name in found.members]
        kind = "AuxilliaryHeadBranch" if found.dead_end else "Branch"
        parts = {"branches": members, "at": overlay[found.at]}
        structures[found.at] = OverlayStructure(kind, parts)
    return overlay.collapse_structures(structures)


def _inputs(overlay: OverlayGraph) -> dict[str, list[str]]:
    return {node.name: [source.name for source in node.inputs] for node in overlay.nodes}


def parse_structure(node: OverlayNode) -> Parsed:
    """What a node stands for, as nested dictionaries.

    Returns
    -------
    `{"type": "Node", "name": ...}`, `{"type": "Sequence", "children": [...]}`, or
    `{"type": "Branch", "children": [...]}`, in which None is a direct way; branches that lead
    nowhere also have `"subtype": "AuxilliaryHeadBranch"`.
    """
    structure = node.sub_structure
    if structure is None:
        return {"type": "Node", "name": node.name}
    if structure.structure_type == "Sequence":
        children = structure.structure["children"]
        return {"type": "Sequence", "children": [parse_structure(child) for child in children]}
    members = structure.structure["branches"]
    branch = {
        "type": "Branch",
        "children": [None if member is None else parse_structure(member) for member in members],
    }
    at = parse_structure(structure.structure["at"])
    if structure.structure_type == "Branch":
        return {"type": "Sequence", "children": [branch, at]}
    branch["subtype"] = structure.structure_type
    return {"type": "Sequence", "children": [at, branch]}


def flatten_sequences(structure: Parsed | None) -> Parsed | None:
    """Parsed structure in which no sequence is directly part of another."""
    if structure is None or structure["type"] == "Node":
        return structure
    children = [flatten_sequences(child) for child in structure["children"]]
    if structure["type"] == "Sequence":
        nested = [c["children"] if c["type"] == "Sequence" else [c] for c in children]
        children = [child for part in nested for child in part]
    return {**structure, "children": children}


def parse_overlay(overlay: OverlayGraph) -> Parsed | None:
    """Nested sequences and branches that a network consists of; see `parse_structure`.

    Returns
    -------
    None for networks that are more entangled than that.
    """
    count = None
    while count != len(overlay.nodes):
        count = len(overlay.nodes)
        overlay = collapse_branches(collapse_sequences(overlay))
    if count != 1:
        return None
    return flatten_sequences(parse_structure(overlay.nodes[0]))


def toplevel_group_data(overlay: OverlayGraph) -> dict[str, Parsed]:
    """Blocks that the network passes through one after the other, on the way to its last node.

    Returns
    -------
    By the name of the node where a block's branches meet (a concatenation) or fork (a split):
    "immediate", names of the nodes next to it in the block; "all", names of the nodes in the block;
    "direction", "backward" or "forward" for the two cases. Later blocks come first.
    """
    groups: dict[str, Parsed] = {}
    node = overlay.nodes[-1] if overlay.nodes else None
    while node is not None:
        fork = node.gcd
        if node.op in _MEETING:
            groups[node.name] = _block(overlay, fork, node, node.inputs, "backward")
        if fork is not None and any(c.op == "Split" for c in fork.consumers):
            groups[fork.name] = _block(overlay, fork, node, fork.consumers, "forward")
        node = fork
    return groups


def _block(
    overlay: OverlayGraph,
    fork: OverlayNode | None,
    meeting: OverlayNode,
    immediate: list[OverlayNode],
    direction: str,
) -> Parsed:
    inside = overlay.node_to_extended_inputs[meeting.name]
    if fork is not None:
        inside = inside & overlay.node_to_extended_consumers[fork.name]
    return {
        "immediate": [node.name for node in immediate],
        "all": [node.name for node in overlay.nodes if node.name in inside],
        "direction": direction,
    }
