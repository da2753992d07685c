"""A graph as an outline: its nodes by name scope, in the order of the graph."""

from __future__ import annotations

import collections
import html
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lucidx.misc.io.sanitizing import one_line

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef
    from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto

_DEEPEST = 4  # levels; deeper scopes stay part of the names
_MOST_NODES = 5000  # in HTML, for the sake of browsers
_MOST_LINES = 100  # in a terminal
_STYLE = "max-height: 620px; overflow: auto; font: 13px/1.5 monospace;"
_INDENT = "margin-left: 1.5em;"


def as_html(graph_def: GraphDef) -> str:
    """HTML element with an outline that opens and closes, without scripts.

    Parameters
    ----------
    graph_def : graph; constants whose content was replaced by text show this text.
    """
    nodes = graph_def.node[:_MOST_NODES]
    left_out = len(graph_def.node) - len(nodes)
    more = f"<div>... and {left_out:,} more nodes</div>" if left_out else ""
    outline = "".join(_html_of([(node.name.split("/", _DEEPEST - 1), node) for node in nodes]))
    return (
        f'<div style="{_STYLE}"><b>{html.escape(_count(graph_def.node))}</b>\n{outline}{more}</div>'
    )


def as_text(graph_def: GraphDef) -> str:
    """Lines of text: the number of nodes, and one line for each outermost scope or node."""
    scopes = collections.defaultdict(list)
    for node in graph_def.node:
        scopes[node.name.partition("/")[0]].append(node)
    lines = [
        f"{scope}: {_of_node(nodes[0]) if _is_single(scope, nodes) else _count(nodes)}"
        for scope, nodes in scopes.items()
    ]
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"... and {len(lines) - _MOST_LINES:,} more"]
    return "\n".join(one_line(line) for line in [_count(graph_def.node), *lines])


def _is_single(name: str, nodes: Sequence[NodeDef]) -> bool:
    return len(nodes) == 1 and nodes[0].name == name


def _count(nodes: Sequence[NodeDef]) -> str:
    """How many nodes there are, and of which ops, the most frequent first."""
    ops = collections.Counter(node.op for node in nodes).most_common()
    listed = ", ".join(f"{count} {op}" if count > 1 else op for op, count in ops[:8])
    more = ", ..." if len(ops) > 8 else ""
    return f"{len(nodes):,} node{'s' * (len(nodes) != 1)}: {listed}{more}"


def _html_of(entries: Sequence[tuple[list[str], NodeDef]]) -> Iterator[str]:
    """Outline of nodes, each given with what is left of its name, by scopes."""
    scopes = collections.defaultdict(list)
    for (first, *rest), node in entries:
        scopes[first].append((rest, node))
    for scope, inner in scopes.items():
        inside = [(rest, node) for rest, node in inner if rest]
        for rest, node in inner:
            if not rest:
                described = html.escape(_of_node(node))
                yield f'<div style="{_INDENT}"><b>{html.escape(scope)}</b> {described}</div>\n'
        if inside:
            count = html.escape(_count([node for _, node in inside]))
            yield (
                f'<details style="{_INDENT}"><summary><b>{html.escape(scope)}/</b> {count}'
                f"</summary>\n{''.join(_html_of(inside))}</details>\n"
            )


def _of_node(node: NodeDef) -> str:
    """What a node does, and to which others."""
    described = [node.op, *_details(node)]
    if node.input:
        described.append(f"of {', '.join(node.input)}")
    return " ".join(described)


def _details(node: NodeDef) -> Iterator[str]:
    if "value" in node.attr:
        tensor = node.attr["value"].tensor
        yield _type_name(tensor.dtype)
        yield _shape(tensor.tensor_shape)
        if tensor.tensor_content.startswith(b"<stripped "):
            yield tensor.tensor_content.decode("ascii", "replace")
        elif (value := _small_value(tensor)) is not None:
            yield f"= {value}"
        return
    if "dtype" in node.attr:
        yield _type_name(node.attr["dtype"].type)
    if "shape" in node.attr:
        yield _shape(node.attr["shape"].shape)
    for name in ("ksize", "strides"):
        if name in node.attr:
            yield f"{name} {list(node.attr[name].list.i)}"
    if "padding" in node.attr:
        yield node.attr["padding"].s.decode("ascii", "replace")


def _type_name(number: int) -> str:
    from tensorflow.core.framework.types_pb2 import DataType

    known = DataType.DESCRIPTOR.values_by_number.get(number)
    return known.name.removeprefix("DT_").lower() if known else f"type {number}"


def _shape(shape: TensorShapeProto) -> str:
    if shape.unknown_rank:
        return "[...]"
    return f"[{', '.join('?' if dim.size < 0 else str(dim.size) for dim in shape.dim)}]"


def _small_value(tensor: object) -> object | None:
    """The value of a constant if it is short and sound, or None."""
    import tensorflow as tf

    sizes = [dim.size for dim in tensor.tensor_shape.dim]
    if min(sizes, default=0) < 0 or math.prod(sizes) > 16 or tensor.ByteSize() > 1024:
        return None
    try:
        return tf.make_ndarray(tensor).tolist()
    except Exception:  # it raises nearly anything for what is no tensor
        return None
