"""What a page shows: the results of a plan as panels of arrays and words, without any HTML.

Pure functions. The page's script draws a panel by its `"type"`; elements about the same thing share
a panel: all maps of a layer, icons and bars of the same content, groups with their effects, flows
that meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lucidx.interfaces import content as contents
from lucidx.interfaces import grammar, words
from lucidx.interfaces.compute import Results
from lucidx.interfaces.grammar import (
    INPUT,
    Activation,
    Atoms,
    Bars,
    Element,
    Flow,
    HeatMap,
    Icons,
    Top,
)
from lucidx.interfaces.grids import pooled
from lucidx.interfaces.planning import (
    ComputeActivations,
    DrawChannels,
    DrawGrid,
    DrawGroups,
    LinkPositions,
    chains,
)

Panel = dict[str, Any]
_INPUT_CELLS = 28  # cells per side of maps of attribution to the photo
_MOST_NUMBERS = 150_000  # in the maps of all channels of a layer


class Picture(NamedTuple):
    """An image to be shown, uint8 `[H, W, 3]`; of icons, how many are side by side."""

    pixels: np.ndarray
    columns: int = 1


def panels(elements: Iterable[Element], results: Results) -> list[Panel]:
    """Panels of an interface, in the order of its elements.

    Parameters
    ----------
    elements : of the interface.
    results : what its plan was to compute.

    Returns
    -------
    Dictionaries of strings, numbers, lists, arrays and `Picture`s.
    """
    elements = _with_both_ends(elements)
    drawn_in_flows = {
        atoms for e in elements if isinstance(e, Flow) for atoms in (e.of, e.to) if atoms
    }
    shared: dict[Any, list[Element]] = {}
    for element in elements:
        shared.setdefault(_panel_of(element, drawn_in_flows), []).append(element)
    return [_MAKE[key[0]](members, results) for key, members in shared.items()]


def _with_both_ends(elements: Iterable[Element]) -> tuple[Element, ...]:
    """Elements, and maps to point at of the layers that positions are linked to."""
    elements = tuple(elements)
    mapped = {e.of.layer for e in elements if isinstance(e, HeatMap)}
    ends = dict.fromkeys(e.to for e in elements if e.to and e.to.kind == grammar.POSITIONS)
    missing = [HeatMap(Activation(end)) for end in ends if end.layer not in mapped]
    return (*elements, *missing)


def _panel_of(element: Element, drawn_in_flows: set[Atoms]) -> tuple[Any, ...]:
    """Kind of panel that an element is shown in, and what distinguishes it from others of it."""
    if isinstance(element, HeatMap):
        return "map", element.of.layer
    if isinstance(element, Flow):
        return ("flow",)
    if element.of.kind == grammar.GROUPS:
        in_flow = isinstance(element, Icons) and element.of in drawn_in_flows
        return ("flow",) if in_flow else ("groups", element.of)
    if isinstance(element, Icons) and element.of.kind == grammar.POSITIONS:
        return "grid", element.of.layer
    if isinstance(element.content, Top):
        return ("dictionary" if element.of.kind == grammar.NEURONS else "ranking"), element.content
    kind = {grammar.CHANNELS: "profile", grammar.WHOLE: "total", grammar.CLASSES: "answer"}
    return kind[element.of.kind], element.content


def _panel(kind: str, elements: Sequence[Element], results: Results, **data: Any) -> Panel:
    return {
        "type": kind,
        "layer": elements[0].of.layer,
        "title": words.title(kind, elements),
        "caption": words.caption(kind, elements, results),
        **data,
    }


def _map(elements: list[Element], results: Results) -> Panel:
    maps = [_heat(element, results) for element in elements]
    return _panel("map", elements, results, maps=maps, grid=maps[0]["grid"])


def _heat(element: Element, results: Results) -> dict[str, Any]:
    layer, kind = element.of.layer, element.of.kind
    if element.to is not None and element.to.kind == grammar.POSITIONS:
        links = results[LinkPositions(layer, element.to.layer)].values
        rows, columns = links.shape[2:]
        return {
            "of": "links",
            "to": element.to.layer,
            "grid": [rows, columns],
            "above": list(links.shape[:2]),
            "values": _float32(links.reshape(-1, rows * columns)),
        }
    if element.to is not None:
        values = np.stack([found.spatial() for found in results.class_attributions(layer)])
        if layer == INPUT:
            values = np.stack([pooled(v[..., np.newaxis], _INPUT_CELLS)[..., 0] for v in values])
        shown = "classes"
        if element.to.kind == grammar.DIFFERENCE:
            shown = "difference"
        return {"of": shown, "grid": list(values.shape[1:]), "values": _float32(values)}
    if kind == grammar.GROUPS:
        spatial = np.moveaxis(results.groups(element.of).spatial[0], -1, 0)
        return {
            "of": "groups",
            "key": repr(element.of),
            "number": element.of.number,
            "grid": list(spatial.shape[1:]),
            "values": _float32(spatial),
        }
    acts = results[ComputeActivations(layer)]
    if kind == grammar.CHANNELS:
        members = _shown_channels(layer, results)
        return {
            "of": "channels",
            "grid": list(acts.shape[:2]),
            "members": list(members),
            "values": _float32(np.moveaxis(acts[..., list(members)], -1, 0)),
        }
    norms = np.linalg.norm(acts, axis=-1)
    return {"of": "positions", "grid": list(acts.shape[:2]), "values": _float32(norms[np.newaxis])}


def _shown_channels(layer: str, results: Results) -> Sequence[int]:
    """Channels whose maps a page holds: all, or if that is too much those with icons."""
    shape = results[ComputeActivations(layer)].shape
    if np.prod(shape) <= _MOST_NUMBERS:
        return range(shape[-1])
    drawn = _drawn(layer, results)
    if drawn is not None:
        return drawn.members
    means = contents.channel_values(Activation(grammar.channels(layer)), results)[0]
    return sorted(np.argsort(-means)[: results.quality.most_icons].tolist())


def _drawn(layer: str, results: Results) -> Any:
    for task, found in results.found.items():
        if isinstance(task, DrawChannels) and task.layer == layer:
            return found
    return None


def _dictionary(elements: list[Element], results: Results) -> Panel:
    found = contents.neurons_at(elements[0].content, results)
    return _panel(
        "dictionary",
        elements,
        results,
        **_presented(elements, results),
        grid=list(found.channels.shape[:2]),
        channels=found.channels.astype(np.int32),
        values=found.values,
    )


def _ranking(elements: list[Element], results: Results) -> Panel:
    rankings = contents.rankings(elements[0].content, results)
    to = elements[0].to
    return _panel(
        "ranking",
        elements,
        results,
        **_presented(elements, results),
        by=to.kind if to else "activation",
        rankings=[r._asdict() for r in rankings],
    )


def _presented(elements: Sequence[Element], results: Results) -> dict[str, Any]:
    """Whether there are bars, and the icons of channels if there are."""
    presented: dict[str, Any] = {"bars": any(isinstance(e, Bars) for e in elements)}
    if any(isinstance(e, Icons) for e in elements):
        drawn = _drawn(elements[0].of.layer, results)
        if drawn.members:
            presented["icons"] = {"members": list(drawn.members), "sheet": _sheet(drawn.icons)}
    return presented


def _groups(elements: list[Element], results: Results) -> Panel:
    atoms = elements[0].of
    data: dict[str, Any] = {"key": repr(atoms), "number": atoms.number}
    for element in elements:
        if isinstance(element, Icons):
            data["icons"] = _sheet(results[DrawGroups(atoms)])
        elif element.to is None:
            spatial = results.groups(atoms).spatial[0]
            data["amounts"] = _float32(spatial.mean((0, 1)))
        else:
            data["by"] = element.to.kind
            data.update(_effects(atoms, results))
    return _panel("groups", elements, results, **data)


def _effects(atoms: Atoms, results: Results) -> dict[str, Any]:
    found = results.groups(atoms)
    by_class = [a.groups(found) for a in results.class_attributions(atoms.layer)]
    return {
        "effects": _float32(np.stack([effect.effects for effect in by_class])),
        "rest": [float(effect.rest) for effect in by_class],
    }


def _grid(elements: list[Element], results: Results) -> Panel:
    layer = elements[0].of.layer
    acts = pooled(results[ComputeActivations(layer)], results.quality.cells)
    pixels = np.round(results[DrawGrid(layer)] * 255).astype(np.uint8)
    return _panel(
        "grid",
        elements,
        results,
        grid=list(acts.shape[:2]),
        picture=Picture(pixels),
        norms=_float32(np.linalg.norm(acts, axis=-1)),
    )


def _profile(elements: list[Element], results: Results) -> Panel:
    content = elements[0].content
    to = elements[0].to
    return _panel(
        "profile",
        elements,
        results,
        by=to.kind if to else "activation",
        values=_float32(contents.channel_values(content, results)),
    )


def _total(elements: list[Element], results: Results) -> Panel:
    found = results.class_attributions(elements[0].of.layer)
    return _panel(
        "total",
        elements,
        results,
        by=elements[0].to.kind,
        totals=[a.total for a in found],
        without=[a.baseline_score for a in found],
        missed=[-a.gap for a in found],
    )


def _answer(elements: list[Element], results: Results) -> Panel:
    return _panel("answer", elements, results)


def _flow(elements: list[Element], results: Results) -> Panel:
    flows = [e for e in elements if isinstance(e, Flow)]
    icons = {e.of: _sheet(results[DrawGroups(e.of)]) for e in elements if isinstance(e, Icons)}
    columns = [atoms for chain in chains(flows) for atoms in chain]
    columns += dict.fromkeys(e.to for e in flows if e.to.kind == grammar.CLASSES)
    return _panel(
        "flow",
        flows,
        results,
        columns=[
            {
                "layer": atoms.layer,
                "key": repr(atoms),
                "number": atoms.number or len(results.classes.indices),
                **({"icons": icons[atoms]} if atoms in icons else {}),
            }
            for atoms in columns
        ],
        links=[
            {
                "from": columns.index(e.of),
                "to": columns.index(e.to),
                "values": _float32(_link(e, results)),
            }
            for e in flows
        ],
    )


def _link(flow: Element, results: Results) -> np.ndarray:
    """What each group did for each thing it flows to, `[K, K']`."""
    if flow.to.kind == grammar.CLASSES:
        return _effects(flow.of, results)["effects"].T
    return results.group_effects(flow.of, flow.to)


def _sheet(icons: np.ndarray) -> Picture:
    from lucidx.icons import sprite

    columns = max(1, min(12, len(icons)))
    sheet, _ = sprite(icons, columns)
    return Picture(np.round(sheet * 255).astype(np.uint8), columns)


def _float32(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)


_MAKE = {
    "map": _map,
    "dictionary": _dictionary,
    "ranking": _ranking,
    "groups": _groups,
    "grid": _grid,
    "profile": _profile,
    "total": _total,
    "answer": _answer,
    "flow": _flow,
}
