"""What a page says: what is shown, how it was computed, and what it does not mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lucidx.icons import QUALITIES as ICONS
from lucidx.interfaces import grammar
from lucidx.interfaces.grammar import INPUT, Element
from lucidx.interfaces.planning import (
    Activations,
    ChannelIcons,
    ClassAttribution,
    Grid,
    GroupIcons,
    Grouping,
    Plan,
    PositionLinks,
    Task,
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
    """A sentence under a panel that says what its marks mean."""
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
            return "How much the whole layer moved the score."
        case "answer":
            return "Probability that the network gives, over all its classes."
        case _:
            return "Width of bands: how much one gave to the other. Dashed bands took away."


def _averaged(layer: str, results: Results) -> str:
    rows, columns = results[Activations(layer)].shape[:2]
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
        if tasks:
            found.append(write(tasks, results))
    return found


def _attribution_note(tasks: Sequence[ClassAttribution], results: Results) -> Note:
    hidden = [task for task in tasks if task.layer != INPUT]
    how = ["What each part did for the class's score before the softmax."]
    if hidden:
        how += [
            "In layers: gradient of the score, averaged while the layer's activations grow from "
            f"zero ({results.quality.gradients} steps), times activation.",
            _gaps([abs(results[task].relative_gap or 0.0) for task in hidden]),
        ]
    if len(hidden) < len(tasks):
        how.append(
            "In the photo: gradient of the score, averaged over noisy copies of the photo "
            "(SmoothGrad), times pixel."
        )
    return Note(
        "Attribution to classes",
        " ".join(how),
        "It is an estimate: removing a channel or place for real may change the score by another "
        "amount. It says what was used, not whether it was right to use it.",
    )


def _gaps(gaps: Sequence[float]) -> str:
    low, high = (_percent(gap) for gap in (min(gaps), max(gaps)))
    shown = low if low == high else f"{low} to {high}"
    return (
        f"Completeness gap: all attributions of a layer together miss the change in score from "
        f"silencing it by {shown}."
    )


def _percent(share: float) -> str:
    if share < 0.005:
        return "less than 1%"
    return f"{share:.0%}" if np.isfinite(share) and share < 10 else "more than 1000%"


def _links_note(tasks: Sequence[PositionLinks], results: Results) -> Note:
    return Note(
        "Attribution between layers",
        "For each position of the later layer: gradient of the length of its activation vector, "
        "times activation in the earlier layer, added up over channels. Gradients of max pooling "
        "are smoothed.",
        "A first-order estimate. Only layers named on this page are linked.",
    )


def _groups_note(tasks: Sequence[Grouping], results: Results) -> Note:
    groups = [results.groups(atoms) for task in tasks for atoms in task.chain]
    errors = ", ".join(f"{_percent(g.error)} in {g.layer}" for g in groups)
    fitting = ""
    if any(len(task.chain) > 1 for task in tasks):
        fitting = (
            " Groups of the earlier layer are split by what they feed, so that each feeds few "
            "groups of the later one."
        )
    return Note(
        "Groups",
        f"Non-negative matrix factorization of the activations for this photo.{fitting} What the "
        f"groups leave unexplained (relative error): {errors}.",
        "Groups are found for this photo alone; another number of groups would cut it up "
        "differently. They are not units of the network.",
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


def _grid_note(tasks: Sequence[Grid], results: Results) -> Note:
    return Note(
        "Activation grids",
        f"One picture, optimised from noise in {results.quality.grid_steps} steps so that every "
        "cell excites the combination of channels that is active there in the photo (seed "
        f"{results.seed}). Neighbouring cells are seen together by the network.",
        "Colours and details that the network does not use are made up by the optimisation. All "
        "cells are drawn with equal force, whether much or little is active there.",
    )


_WRITE: tuple[tuple[Any, Any], ...] = (
    ((ChannelIcons, GroupIcons), _icons_note),
    (Grid, _grid_note),
    (ClassAttribution, _attribution_note),
    (PositionLinks, _links_note),
    (Grouping, _groups_note),
)


def summary(elements: Iterable[Element]) -> str:
    """Title of an interface that was given none."""
    layers = dict.fromkeys(
        e.of.layer for e in elements if e.of.layer not in (INPUT, grammar.OUTPUT)
    )
    return f"Inside {', '.join(layers)}" if layers else "Inside a network"
