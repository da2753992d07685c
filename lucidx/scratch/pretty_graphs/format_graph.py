"""Networks as SVG: nodes from left to right, branches above each other, blocks on a background."""

from __future__ import annotations

import html
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lucidx.errors import InvalidValueError
from lucidx.misc.graph_analysis import series_parallel
from lucidx.modelzoo.vision_base import Model
from lucidx.scratch.pretty_graphs.graph import (
    Graph,
    Node,
    filter_graph,
    filter_graph_collapse_sequence,
    filter_graph_cut_shapes,
    filter_graph_dynamic,
    find_groups,
    standard_include_ops,
)

Shape = tuple[float, float]
Box = tuple[float, float, float, float]

_HEXAGON = (20, 20), '<path d="M0 10L5 0H15L20 10L15 20H5Z" fill="#b7a3d0"/>'
_BAR = (14, 20), '<rect x="4" width="6" height="20" rx="2" fill="#8fa8bf"/>'
_TAPERED = (10, 20), '<path d="M0 0L10 4V16L0 20Z" fill="#e0a872"/>'
_CIRCLE = (20, 20), '<circle cx="10" cy="10" r="7" fill="#8fbf9a"/>'
_RECTANGLE = (10, 20), '<rect width="10" height="20" rx="2" fill="#7fa3d1"/>'
_LOOKS = {
    **dict.fromkeys(("Placeholder", "Softmax"), _HEXAGON),
    **dict.fromkeys(("Concat", "ConcatV2"), _BAR),
    **dict.fromkeys(("MaxPool", "AvgPool"), _TAPERED),
    **dict.fromkeys(("Add", "AddV2"), _CIRCLE),
}
_COLLAPSED = (["Conv2D", "Relu"], ["Conv2D", "Relu6"])


class Fragment:
    """Drawing of one node.

    Attributes
    ----------
    svg : elements, drawn from (0, 0) to the right and downwards.
    shape : width and height.
    node : `Node` that is drawn, or None.
    offset : where it is.
    """

    def __init__(self, svg: str, shape: Shape, node: Node | None, offset: Shape | None = None):
        self.svg = svg
        self.shape = shape
        self.node = node
        self.offset = offset or (0, 0)

    def render(self) -> str:
        """SVG of the drawing in its place."""
        x, y = self.offset
        place = f'transform="translate({x:g} {y:g})"'
        if self.node is None:
            return f"<g {place}>{self.svg}</g>"
        name, op, shown = map(html.escape, (self.node.name, self.node.op, self.node.pretty_name))
        about = f'data-tf-name="{name}" data-tf-op="{op}"'
        return f"<g {place} {about}><title>{shown} ({op})</title>{self.svg}</g>"

    def shift(self, delta: Shape) -> Fragment:
        """Drawing moved by `delta`."""
        x, y = self.offset
        return Fragment(self.svg, self.shape, self.node, (x + delta[0], y + delta[1]))

    @property
    def fragments(self) -> list[Fragment]:
        """Itself."""
        return [self]

    @property
    def box(self) -> Box:
        """Left, top, right and bottom."""
        (x, y), (width, height) = self.offset, self.shape
        return x, y, x + width, y + height


class FragmentContainer:
    """Drawings that are moved together.

    Attributes
    ----------
    children : `Fragment`s and containers, in their places.
    shape : width and height.
    """

    def __init__(self, children: Sequence[Fragment | FragmentContainer], shape: Shape):
        self.children = list(children)
        self.shape = shape

    def shift(self, delta: Shape) -> FragmentContainer:
        """All moved by `delta`."""
        return FragmentContainer([child.shift(delta) for child in self.children], self.shape)

    def pad(self, pad: Shape) -> FragmentContainer:
        """The same with room on both sides: `pad` is horizontal and vertical."""
        width, height = self.shape
        padded = self.shift(pad)
        return FragmentContainer(padded.children, (width + 2 * pad[0], height + 2 * pad[1]))

    @property
    def fragments(self) -> list[Fragment]:
        """All drawings in it."""
        return [fragment for child in self.children for fragment in child.fragments]

    @property
    def box(self) -> Box:
        """Left, top, right and bottom of what is drawn."""
        return _around(fragment.box for fragment in self.fragments)

    def show(self, show_bounds: bool = False) -> None:
        """Display it in a notebook, with the outlines of nodes if told."""
        from lucidx.misc.io.showing import _display_html

        outlines = [_rectangle(f.box, 'fill="none" stroke="red"') for f in self.fragments]
        inner = "".join(fragment.render() for fragment in self.fragments)
        inner += "".join(outlines) if show_bounds else ""
        width, height = self.shape
        _display_html(f'<svg width="{width:g}" height="{height:g}">{inner}</svg>')


def _around(boxes: Iterable[Box]) -> Box:
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _rectangle(box: Box, attributes: str) -> str:
    left, top, right, bottom = box
    size = f'width="{right - left:g}" height="{bottom - top:g}"'
    return f'<rect x="{left:g}" y="{top:g}" {size} {attributes}/>'


class LayoutComponent:
    """Part of a drawing.

    Attributes
    ----------
    inner_spacing : distance between the parts that it consists of.
    pad : room around it, horizontal and vertical.
    """

    def __init__(self):
        self.inner_spacing: float = 0
        self.pad: Shape = (0, 0)

    def render(self) -> FragmentContainer:
        """Drawings in their places."""
        raise NotImplementedError

    @property
    def contained_nodes(self) -> list[Node]:
        """Nodes that are drawn in it."""
        raise NotImplementedError


class LayoutNode(LayoutComponent):
    """One node."""

    def __init__(self, node: Node):
        super().__init__()
        self.node = node

    @property
    def contained_nodes(self) -> list[Node]:
        """The node."""
        return [self.node]

    def render(self) -> FragmentContainer:
        """Its drawing."""
        shape, svg = _LOOKS.get(self.node.op, _RECTANGLE)
        return FragmentContainer([one_fragement(svg, shape, self.node)], shape).pad(self.pad)


class LayoutBranch(LayoutComponent):
    """Parts above each other.

    Attributes
    ----------
    branches : parts; None for a direct way, which takes no room.
    alignment : "start", "middle" or "end", for those that are less wide.
    """

    def __init__(self, branches: Sequence[LayoutComponent | None]):
        super().__init__()
        self.branches = [branch for branch in branches if branch is not None]
        self.alignment = "middle"
        self.inner_spacing = 4

    @property
    def contained_nodes(self) -> list[Node]:
        """Nodes of all branches."""
        return [node for branch in self.branches for node in branch.contained_nodes]

    def render(self) -> FragmentContainer:
        """Drawings in their places."""
        parts = [branch.render() for branch in self.branches]
        width = max(part.shape[0] for part in parts)
        align = alignment_func(self.alignment)
        y, placed = 0, []
        for part in parts:
            placed.append(part.shift((align(width, part.shape[0]), y)))
            y += part.shape[1] + self.inner_spacing
        return FragmentContainer(placed, (width, y - self.inner_spacing)).pad(self.pad)


class LayoutSeq(LayoutComponent):
    """Parts from left to right.

    Attributes
    ----------
    nodes : parts.
    alignment : "start", "middle" or "end", for those that are less high.
    """

    def __init__(self, nodes: Sequence[LayoutComponent]):
        super().__init__()
        self.nodes = list(nodes)
        self.alignment = "middle"
        self.inner_spacing = 12

    @property
    def contained_nodes(self) -> list[Node]:
        """Nodes of all parts."""
        return [node for part in self.nodes for node in part.contained_nodes]

    def render(self) -> FragmentContainer:
        """Drawings in their places."""
        return self.spaced([self.inner_spacing] * (len(self.nodes) - 1))

    def spaced(self, gaps: Sequence[float]) -> FragmentContainer:
        """Drawings in their places, with gaps of their own between them."""
        parts = [part.render() for part in self.nodes]
        height = max(part.shape[1] for part in parts)
        align = alignment_func(self.alignment)
        x, placed = 0, []
        for part, gap in zip(parts, [*gaps, 0], strict=True):
            placed.append(part.shift((x, align(height, part.shape[1]))))
            x += part.shape[0] + gap
        return FragmentContainer(placed, (x, height)).pad(self.pad)


def one_fragement(
    svg: str, shape: Shape, node: Node | None = None, inner_shape: Shape | None = None
) -> Fragment:
    """Drawing in the middle of `shape`.

    Parameters
    ----------
    svg : elements that fill `inner_shape`, by default all of `shape`.
    """
    if inner_shape is not None:
        x, y = ((outer - inner) / 2 for outer, inner in zip(shape, inner_shape, strict=True))
        svg = f'<g transform="translate({x:g} {y:g})">{svg}</g>'
    return Fragment(svg, shape, node)


def alignment_func(name: str) -> Callable[[float, float], float]:
    """Function from the room there is and the room something needs to where it goes.

    Parameters
    ----------
    name : "start", "middle" or "end".

    Raises
    ------
    InvalidValueError : another name.
    """
    part = {"start": 0.0, "middle": 0.5, "end": 1.0}
    if name not in part:
        raise InvalidValueError(f"An alignment is one of {', '.join(part)}, not {name!r}.")
    return lambda room, needed: part[name] * (room - needed)


def parse_graph(graph: Graph) -> LayoutSeq:
    """Layout of a graph that consists of sequences and branches.

    Raises
    ------
    InvalidValueError : it is empty, or more entangled.
    """
    inputs = {node.name: list(graph.node_to_inputs[node.name]) for node in graph.nodes}
    layouts: dict[str, list[LayoutComponent]] = {
        node.name: [LayoutNode(node)] for node in graph.nodes
    }
    count = None
    while count != len(inputs):
        count = len(inputs)
        for chain in series_parallel.chains(inputs):
            layouts[chain[-1]] = [part for name in chain for part in layouts[name]]
            inputs = _without(inputs, chain[:-1])
        for found in series_parallel.branches(inputs):
            members = [name for name in found.members if name is not None]
            parts = [_one_of(layouts[name]) for name in members]
            at = layouts[found.at]
            if found.dead_end:  # below where it starts, so that it is not on the way
                heads = LayoutBranch([at[-1], *parts])
                heads.alignment = "start"
                layouts[found.at] = [*at[:-1], heads]
            else:
                layouts[found.at] = [LayoutBranch(parts), *at]
            inputs = _without(inputs, members)
    if len(inputs) != 1:
        raise InvalidValueError(
            f"Only networks of sequences and branches can be drawn; {len(inputs)} parts of this "
            f"one are entangled, such as {list(inputs)[:3]}. Where ways meet in operations that "
            "are not drawn, say which, such as custom_ops=['Mul']."
        )
    return LayoutSeq(layouts[next(iter(inputs))])


def _one_of(parts: Sequence[LayoutComponent]) -> LayoutComponent:
    return parts[0] if len(parts) == 1 else LayoutSeq(parts)


def _without(inputs: Mapping[str, list[str]], gone: Iterable[str]) -> dict[str, list[str]]:
    gone = set(gone)

    def kept(sources: Iterable[str]) -> Iterable[str]:
        for source in sources:
            yield from kept(inputs[source]) if source in gone else [source]

    return {n: list(dict.fromkeys(kept(s))) for n, s in inputs.items() if n not in gone}


def render_with_groups(
    seq: LayoutSeq,
    groups: Mapping[str, Sequence[str]],
    bg_pad: float = 6,
    pad_diff: float = 8,
    pad_none: float = 2,
) -> dict[str, Any]:
    """Draw a network with a background for each block.

    Parameters
    ----------
    seq : its layout.
    groups : names of the nodes of each block, by the name of the block; see `graph.find_groups`.
    bg_pad : how far a background reaches above and below what is in it.
    pad_diff : gap between parts of which one at least is in a block that the other is not in.
    pad_none : gap between parts that are in no block.

    Returns
    -------
    "svg_inner", elements for an SVG of "shape", width and height; "node_boxes", left, top, right
    and bottom of each node by its name.
    """
    group_of = {name: group for group, members in groups.items() for name in members}
    found = [group_of.get(part.contained_nodes[0].name) for part in seq.nodes]
    gaps = [
        pad_diff if a != b else pad_none if a is None else seq.inner_spacing
        for a, b in itertools.pairwise(found)
    ]
    rendered = seq.spaced(gaps)
    boxes = {f.node.name: f.box for f in rendered.fragments if f.node is not None}
    sideways = max(pad_diff / 2 - 1, 0)
    backgrounds = [
        _background(group, [boxes[n] for n in members if n in boxes], sideways, bg_pad)
        for group, members in groups.items()
        if any(name in boxes for name in members)
    ]
    drawn = [fragment.render() for fragment in rendered.fragments]
    return {
        "svg_inner": "".join([*backgrounds, *drawn]),
        "shape": list(rendered.shape),
        "node_boxes": boxes,
    }


def _background(group: str, boxes: Sequence[Box], sideways: float, pad: float) -> str:
    left, top, right, bottom = _around(boxes)
    box = (left - sideways, top - pad, right + sideways, bottom + pad)
    return _rectangle(box, f'rx="4" fill="#0001" data-group-tf-name="{html.escape(group)}"')


def _is_residual(node: Node) -> bool:
    """Whether ways of the network meet in this sum; constants, such as biases, are no ways."""
    return node.op == "AddV2" and len(node.inputs) > 1


def complete_render_model_graph(
    model: Model, custom_ops: Iterable[str] | None = None
) -> dict[str, Any]:
    """Draw a model.

    Parameters
    ----------
    model : whose graph consists of sequences and branches.
    custom_ops : types of operations to draw beside `graph.standard_include_ops` and the sums of
        residual networks, such as "Mul" where ways of the network are multiplied.

    Returns
    -------
    As `render_with_groups`.

    Raises
    ------
    InvalidValueError : the graph is more entangled.
    """
    graph = Graph.from_graphdef(model.graph_def)
    graph = filter_graph_dynamic(filter_graph_cut_shapes(graph))
    drawn = {*standard_include_ops, *(custom_ops or ())}
    graph = filter_graph(graph, [n for n in graph.nodes if n.op in drawn or _is_residual(n)])
    for sequence in _COLLAPSED:
        graph = filter_graph_collapse_sequence(graph, sequence)
    return render_with_groups(parse_graph(graph), find_groups(graph))
