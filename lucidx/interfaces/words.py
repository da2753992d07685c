"""What a page says: what is shown, how it was computed, and what it does not mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lucidx.icons import QUALITIES as ICONS
from lucidx.interfaces import grammar
from lucidx.interfaces.grammar import INPUT, Element
from lucidx.interfaces.grouping import fit_each_other
from lucidx.interfaces.planning import (
    AttributeClass,
    ComputeActivations,
    DrawChannels,
    DrawGrid,
    DrawGroups,
    FindGroups,
    LinkPositions,
    Plan,
    Task,
    steps,
)

if TYPE_CHECKING:
    from lucidx.interfaces.compute import Results


class Note(NamedTuple):
    """How something was made, and what may not be read from it."""

    term: str
    how: str
    limits: str


def title(kind: str, elements: Sequence[Element]) -> str:
    """Heading of a panel."""
    layer = elements[0].of.layer
    number = elements[0].of.number
    by_difference = elements[0].to is not None and elements[0].to.kind == grammar.DIFFERENCE
    match kind:
        case "map":
            return "The photo" if layer == INPUT else f"In the photo: {layer}"
        case "dictionary":
            return f"Strongest channels here, {layer}"
        case "ranking" if elements[0].to is None:
            return f"Most active channels, {layer}"
        case "ranking" if by_difference:
            return f"Channels that decide between them, {layer}"
        case "ranking":
            return f"Channels for and against, {layer}"
        case "groups":
            return f"{number} groups of neurons, {layer}"
        case "grid":
            return layer
        case "profile":
            return f"All channels of {layer}"
        case "total":
            return f"Evidence in {layer}, added up"
        case "answer":
            return "What the network answers"
        case _:
            return "What flows through groups"


def caption(kind: str, elements: Sequence[Element], results: Results) -> str:
    """What the marks of a panel mean, and what they leave out."""
    return f"{_meaning(kind, elements, results)} {_passing(elements, results)}".strip()


def _passing(elements: Sequence[Element], results: Results) -> str:
    """How much of the evidence for classes passes the layers of attributions by."""
    layers = dict.fromkeys(
        e.of.layer for e in elements if e.to is not None and e.to.layer == grammar.OUTPUT
    )
    shares = {layer: results.bypass(layer) for layer in layers}
    return " ".join(
        f"{_percent(share).capitalize()} of the change passes around {layer}, and is not shown."
        for layer, share in shares.items()
        if share
    )


def _meaning(kind: str, elements: Sequence[Element], results: Results) -> str:
    match kind:
        case "map":
            return ""  # its key says it, and changes with what is pointed at
        case "dictionary":
            cells = _averaged(elements[0].of.layer, results)
            return f"Length of bars: activation{cells}. Icons: what excites each channel."
        case "ranking" | "profile" if elements[0].to is None:
            return "Length of bars: mean activation."
        case "ranking" | "profile":
            return "Length of bars: how much a channel moved the score, up or down."
        case "groups" if any(e.to for e in elements):
            return "Bars: how much each group moved the score of each class, up or down."
        case "groups":
            return "Bars: how active each group is in the photo."
        case "grid":
            cells = _averaged(elements[0].of.layer, results)
            return f"Each cell is drawn by the direction of its activations{cells}."
        case "total":
            return (
                "The score is what it would be without the layer, plus what the layer moved it by; "
                "what attributions miss of that is a row of its own."
            )
        case "answer":
            return "Probability that the network gives, over all its classes."
        case _:
            return (
                "Width of bands: how much one gave to the other; dashed bands took away. Each "
                "column of bands is scaled by itself. Choose a group or class for numbers."
            )


def _averaged(layer: str, results: Results) -> str:
    rows, columns = results[ComputeActivations(layer)].shape[:2]
    cells = results.quality.cells
    if max(rows, columns) <= cells:
        return ""
    return (
        f", averaged from {rows} by {columns} to {min(rows, cells)} by {min(columns, cells)} places"
    )


def notes(plan: Plan, results: Results) -> list[Note]:
    """How everything on the page was made."""
    height, width = results.photo.image.shape[:2]
    found = [
        Note(
            "Photo",
            f"{results.photo.name}, cropped about its middle and resized to {width} by {height} "
            f"pixels, which is what {results.model.name} takes.",
            "What was cut off, the network did not see.",
        )
    ]
    for kinds, write in _WRITE:
        tasks = [task for task in plan.tasks if isinstance(task, kinds)]
        note = write(tasks, results) if tasks else None
        if note:
            found.append(note)
    return found


def _attribution_note(tasks: Sequence[AttributeClass], results: Results) -> Note:
    layers = list(dict.fromkeys(task.layer for task in tasks))
    hidden = [layer for layer in layers if layer != INPUT]
    how = ["What each part did for the class's score before the softmax."]
    limits = [
        "It is an estimate: removing a channel or place for real may change the score by another "
        "amount. It says what was used, not whether it was right to use it."
    ]
    if hidden:
        how += [
            "In layers: gradient of the score, averaged while the layer's activations grow from "
            "zero, times activation.",
            *(_missed(layer, results) for layer in hidden),
            "Steps are weighted so that attributions add up to the change in score from silencing "
            "the layer. That they do is therefore no evidence that they are accurate; what they "
            "would miss without weights tells more.",
        ]
    if any(results.bypass(layer) for layer in hidden):
        how.append(
            "What passes around a layer: with the layer silenced, the part of the scores' distance "
            "from those of a black photo that is still there."
        )
    if INPUT in layers:
        missed = _at_most([found.relative_gap for found in results.class_attributions(INPUT)])
        how.append(
            "In the photo: gradient of the score, averaged over noisy copies of the photo "
            f"(SmoothGrad), times pixel. It misses {missed} of the change in score since a black "
            "photo."
        )
        limits.append(
            "In the photo, pixels count by their brightness: black parts get nothing, whatever "
            "they show."
        )
    return Note("Attribution to classes", " ".join(how), " ".join(limits))


def _missed(layer: str, results: Results) -> str:
    """How far attributions to a layer are from adding up."""
    found = results.class_attributions(layer)
    taken = steps(results.model, layer, results.quality)
    return (
        f"{layer}: {taken} steps miss {_at_most([a.relative_gap for a in found])} of the change in "
        f"score, without weights {_at_most([a.unweighted_gap for a in found])}."
    )


def _at_most(gaps: Iterable[float]) -> str:
    shown = _percent(max(map(abs, gaps)))
    return shown if " " in shown else f"up to {shown}"


def _percent(share: float) -> str:
    if share < 0.005:
        return "less than 1%"
    return f"{share:.0%}" if np.isfinite(share) and share < 10 else "more than 1000%"


def _links_note(tasks: Sequence[LinkPositions], results: Results) -> Note:
    return Note(
        "Attribution between layers",
        "For each position of the later layer: gradient of the length of its activation vector, "
        "times activation in the earlier layer, added up over channels. Gradients of max pooling "
        "are smoothed.",
        "A first-order estimate. Only layers named on this page are linked.",
    )


_GROUPED = {
    "NMF": "non-negative matrix factorization",
    "KMeans": "k-means, by which each place is in one group",
    "PCA": "principal components, which also subtract",
}


def _groups_note(tasks: Sequence[FindGroups], results: Results) -> Note:
    chains = [task.chain for task in tasks]
    methods: dict[str, list[str]] = {}
    for atoms in (atoms for chain in chains for atoms in chain):
        methods.setdefault(atoms.method, []).append(atoms.layer)
    how = [
        f"Of {' and '.join(dict.fromkeys(layers))}, for this photo, by "
        f"{_GROUPED.get(method, method)}."
        for method, layers in methods.items()
    ]
    if any(fit_each_other(chain) for chain in chains):
        how.append(
            "Groups of the earlier layer are split by what they feed, so that each feeds few "
            "groups of the later one."
        )
    found = [results.groups(atoms) for chain in chains for atoms in chain]
    errors = ", ".join(f"{_percent(g.error)} in {g.layer}" for g in found)
    how.append(f"What the groups leave unexplained (relative error): {errors}.")
    return Note(
        "Groups",
        " ".join(how),
        "Groups are found for this photo alone; another number of groups would cut it up "
        "differently. They are not units of the network.",
    )


def _flow_note(tasks: Sequence[FindGroups], results: Results) -> Note | None:
    if all(len(task.chain) == 1 for task in tasks):
        return None
    return Note(
        "Flow between groups",
        "From group to group: gradient of the activity of the group above, which is the sum of the "
        "layer's activations weighted by the group's share in them, times activation in the group "
        "below. From groups to classes: as attribution to classes. These are two units, so each "
        "column of bands is scaled by its own widest.",
        "From group to group it is a first-order estimate; what part of a group's activity comes "
        "from no group below is not shown.",
    )


def _icons_note(tasks: Sequence[Task], results: Results) -> Note:
    quality = ICONS[results.quality.icons]
    return Note(
        "Icons",
        f"Pictures optimised from noise in {quality.steps} steps to excite one channel, or the "
        f"direction of one group, as much as can be (seed {results.seed}).",
        "An icon shows what excites a channel most; it may respond to other things too, and in "
        "the photo it may have responded to something else.",
    )


def _grid_note(tasks: Sequence[DrawGrid], results: Results) -> Note:
    return Note(
        "Activation grids",
        f"One picture, optimised from noise in {results.quality.grid_steps} steps so that every "
        "cell excites the combination of channels that is active there in the photo (seed "
        f"{results.seed}). Neighbouring cells are seen together by the network.",
        "Colours and details that the network does not use are made up by the optimisation. All "
        "cells are drawn with equal force, whether much or little is active there.",
    )


_WRITE: tuple[tuple[Any, Any], ...] = (
    ((DrawChannels, DrawGroups), _icons_note),
    (DrawGrid, _grid_note),
    (AttributeClass, _attribution_note),
    (LinkPositions, _links_note),
    (FindGroups, _groups_note),
    (FindGroups, _flow_note),
)


def summary(elements: Iterable[Element]) -> str:
    """Title of an interface that was given none."""
    layers = dict.fromkeys(
        e.of.layer for e in elements if e.of.layer not in (INPUT, grammar.OUTPUT)
    )
    return f"Inside {', '.join(layers)}" if layers else "Inside a network"
