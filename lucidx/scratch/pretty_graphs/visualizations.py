"""Drawings of networks in notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any

from lucidx.errors import UnknownLayerError, did_you_mean
from lucidx.misc.io.json_values import script_json
from lucidx.misc.io.showing import _display_html
from lucidx.modelzoo.vision_base import Model
from lucidx.scratch.pretty_graphs.format_graph import Box, complete_render_model_graph

_MARGIN = 12
_TIP_STYLE = (
    "position:fixed;display:none;pointer-events:none;z-index:9;padding:4px 8px;border-radius:4px;"
    "background:#333;color:#fff;font:12px sans-serif"
)
_TIPS = """<script>(() => {
  const { nodes, attribute, container, tips, style } = %s;
  const tip = document.body.appendChild(document.createElement("div"));
  tip.style.cssText = style;
  const root = document.querySelector(container) || document.body;
  root.addEventListener("mousemove", (event) => {
    const node = event.target.closest(nodes);
    const key = node && node.getAttribute(attribute);
    const text = key && (tips ? tips[key] : key);
    tip.style.display = text ? "block" : "none";
    if (!text) return;
    tip.textContent = text;
    tip.style.left = `${event.clientX + 12}px`;
    tip.style.top = `${event.clientY + 12}px`;
  });
})();</script>"""


def display_model(
    model: Model,
    tooltips: Mapping[str, str] | None = None,
    *,
    custom_ops: Iterable[str] | None = None,
) -> None:
    """Draw a model; pointing at a node tells what it is.

    Parameters
    ----------
    model, custom_ops : see `format_graph.complete_render_model_graph`.
    tooltips : what to tell of nodes, by their names, in place of their names.

    Raises
    ------
    InvalidValueError : the graph is more entangled than sequences and branches are.
    """
    rendered = complete_render_model_graph(model, custom_ops)
    width, height = rendered["shape"]
    _display_html(_svg(rendered["svg_inner"], width, height))
    if tooltips is not None:
        display_tooltips("[data-tf-name]", "data-tf-name", tooltips)


def _svg(inner: str, width: float, height: float) -> str:
    box = f"{-_MARGIN} {-_MARGIN} {width + 2 * _MARGIN:g} {height + 2 * _MARGIN:g}"
    size = f'width="{width + 2 * _MARGIN:g}" height="{height + 2 * _MARGIN:g}"'
    return f'<svg viewBox="{box}" {size}>{inner}</svg>'


def display_tooltips_name(
    node_selector: str, tooltip_key_attr: str, container_selector: str = "#output-body"
) -> None:
    """Let elements tell the value of an attribute when they are pointed at.

    Parameters
    ----------
    node_selector : CSS selector of the elements.
    tooltip_key_attr : name of the attribute.
    container_selector : CSS selector of what they are in; the whole page if there is none.
    """
    _display_tips(node_selector, tooltip_key_attr, container_selector, None)


def display_tooltips(
    node_selector: str,
    tooltip_key_attr: str,
    tooltips: Mapping[str, str],
    container_selector: str = "#output-body",
) -> None:
    """Let elements tell something when they are pointed at.

    Parameters
    ----------
    node_selector, tooltip_key_attr, container_selector : as for `display_tooltips_name`.
    tooltips : what to tell, as plain text, by the value of the attribute.
    """
    _display_tips(node_selector, tooltip_key_attr, container_selector, dict(tooltips))


def _display_tips(nodes: str, attribute: str, container: str, tips: Any) -> None:
    settings = {
        "nodes": nodes,
        "attribute": attribute,
        "container": container,
        "tips": tips,
        "style": _TIP_STYLE,
    }
    _display_html(_TIPS % script_json(settings))


def get_box(render: Mapping[str, Any], name: str) -> Box:
    """Left, top, right and bottom of a node in a rendered model.

    Raises
    ------
    UnknownLayerError : the drawing has no such node.
    """
    boxes = render["node_boxes"]
    if name not in boxes:
        raise UnknownLayerError(f"No node {name!r} is drawn. {did_you_mean(name, boxes)}")
    return boxes[name]


def p(point: tuple[float, float], dy: float = 0) -> str:
    """Point of an SVG path, moved down by `dy`."""
    return f"{point[0]:g} {point[1] + dy:g}"


def model_align_display(
    model1: Model,
    model2: Model,
    lines: Mapping[tuple[str, str], float],
    middle_sep: float = 150,
    *,
    custom_ops: Iterable[str] | None = None,
) -> None:
    """Draw two models, one above the other, and lines between nodes that correspond.

    Parameters
    ----------
    model1, model2 : above and below.
    lines : how visible a line is, 0..1, by the names of a node of each model.
    middle_sep : distance between the two.
    custom_ops : as for `display_model`, for both.

    Raises
    ------
    InvalidValueError : a graph is more entangled than sequences and branches are.
    UnknownLayerError : a line is from or to a node that is not drawn.
    """
    custom_ops = list(custom_ops or ())
    above, below = (complete_render_model_graph(model, custom_ops) for model in (model1, model2))
    top = above["shape"][1] + middle_sep
    paths = [
        _line(get_box(above, a), get_box(below, b), top, weight) for (a, b), weight in lines.items()
    ]
    inner = f'{above["svg_inner"]}<g transform="translate(0 {top:g})">{below["svg_inner"]}</g>'
    width = max(above["shape"][0], below["shape"][0])
    _display_html(_svg(inner + "".join(paths), width, top + below["shape"][1]))


def _line(upper: Box, lower: Box, top: float, weight: float) -> str:
    start = ((upper[0] + upper[2]) / 2, upper[3])
    end = ((lower[0] + lower[2]) / 2, lower[1] + top)
    bend = (end[1] - start[1]) / 2
    path = f"M{p(start)}C{p(start, bend)} {p(end, -bend)} {p(end)}"
    opacity = html.escape(f"{float(weight):g}")
    return f'<path d="{path}" fill="none" stroke="#888" stroke-opacity="{opacity}"/>'


def vpad(space: float) -> None:
    """Leave `space` pixels of room below what was displayed."""
    _display_html(f'<div style="height:{float(space):g}px"></div>')
