"""What has to be computed for an interface: each thing once, however many elements need it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lucidx import value_range
from lucidx.attribution.feeding import check_between
from lucidx.basis import depth_of
from lucidx.errors import InvalidValueError, did_you_mean
from lucidx.factorization import factors
from lucidx.icons import QUALITIES as ICONS
from lucidx.interfaces import grammar
from lucidx.interfaces.grammar import INPUT, OUTPUT, Atoms, Element, Interface, Top
from lucidx.interfaces.usual import bypassed
from lucidx.modelzoo import model_io
from lucidx.modelzoo.vision_base import Model


@dataclass(frozen=True)
class Quality:
    """How much work goes into a page.

    Attributes
    ----------
    icons : name of the quality in `lucidx.icons`.
    icon_size : of channels' and groups' icons, in pixels.
    most_icons : of one layer; further channels are shown by their numbers.
    cells : activations at more positions than this per side are averaged for neurons and grids.
    grid_size, grid_steps : of activation grids, in pixels and steps of optimisation.
    gradients : along the path, of attribution to classes in hidden layers; twice as many in the
        first half of a network, where gradients change more on the way.
    """

    icons: str
    icon_size: int
    most_icons: int
    cells: int
    grid_size: int
    grid_steps: int
    gradients: int


QUALITIES = {
    "fast": Quality("fast", 64, 80, 7, 392, 40, 24),
    "full": Quality("full", 96, 160, 14, 560, 80, 40),
}


# At the photo itself gradients are noisy, so they are averaged over noisy copies of it.
AT_INPUT: dict[str, Any] = {"method": "smoothed", "samples": 16}


@dataclass(frozen=True)
class ComputeActivations:
    """Activations of a layer for the photo."""

    layer: str


@dataclass(frozen=True)
class AttributeClass:
    """Attribution of the score of a class to a layer."""

    layer: str
    index: int


@dataclass(frozen=True)
class MeasureBypass:
    """What the photo does to the scores of classes with a layer silenced, past that layer."""

    layer: str


@dataclass(frozen=True)
class LinkPositions:
    """Attribution from the positions of a layer to those of a later one."""

    below: str
    above: str


@dataclass(frozen=True)
class FindGroups:
    """Neuron groups of a layer, or of several, each made to fit those it flows into."""

    chain: tuple[Atoms, ...]


@dataclass(frozen=True)
class DrawChannels:
    """Feature visualizations of the channels that contents of a layer show."""

    layer: str
    contents: tuple[Top, ...]


@dataclass(frozen=True)
class DrawGroups:
    """Feature visualizations of groups."""

    groups: Atoms


@dataclass(frozen=True)
class DrawGrid:
    """Picture in which each position of a layer is drawn by what is active there."""

    layer: str


Task = (
    ComputeActivations
    | AttributeClass
    | MeasureBypass
    | LinkPositions
    | FindGroups
    | DrawChannels
    | DrawGroups
    | DrawGrid
)


@dataclass(frozen=True)
class Plan:
    """What is computed for an interface.

    Attributes
    ----------
    interface : what for.
    tasks : each once, in an order in which each finds what it needs.
    costs : of each, about, in forward passes of the network on one photo.
    """

    interface: Interface
    tasks: tuple[Task, ...]
    costs: tuple[float, ...]

    @property
    def cost(self) -> float:
        """Of all, about, in forward passes of the network on one photo, when nothing is cached."""
        return sum(self.costs)

    def __str__(self) -> str:
        rows = [
            f"{cost:8.0f}  {describe(task)}"
            for task, cost in zip(self.tasks, self.costs, strict=True)
        ]
        return "\n".join([*rows, f"{self.cost:8.0f}  passes of the network in all"])


def plan(
    interface: Interface | Element,
    model: Model,
    classes: Sequence[int] = (),
    quality: str = "fast",
) -> Plan:
    """Work out what an interface needs, and whether the model can give it.

    Parameters
    ----------
    interface : what to show.
    model : of which.
    classes : indices of the classes that it is about.
    quality : `"fast"` or `"full"`.

    Raises
    ------
    UnknownLayerError : the model has no such layer; the closest are offered.
    InvalidValueError : an element that the model cannot have, and why.
    """
    if isinstance(interface, Element):
        interface = Interface((interface,))
    settings = quality_of(quality)
    elements = tuple(interface)
    _check_classes(model, elements, classes)
    for element in elements:
        _check_element(model, element)
    tasks: dict[Task, None] = {}
    for layer in _layers(elements):
        tasks[ComputeActivations(layer)] = None
    for element in elements:
        for task in _attributions(model, element, classes):
            tasks[task] = None
    for chain in chains(elements):
        tasks[FindGroups(chain)] = None
    for task in _icons(elements):
        tasks[task] = None
    costs = tuple(float(_cost(task, model, settings)) for task in tasks)
    return Plan(interface, tuple(tasks), costs)


def quality_of(name: str) -> Quality:
    """The quality of that name.

    Raises
    ------
    InvalidValueError : there is none.
    """
    if name not in QUALITIES:
        raise InvalidValueError(
            f"There is no quality {name!r}. {did_you_mean(str(name), QUALITIES)}"
        )
    return QUALITIES[name]


def steps(model: Model, layer: str, quality: Quality) -> int:
    """How many gradients attribution to classes takes along the path, in a hidden layer."""
    names = [known.name for known in model.layers]
    early = layer in names[: len(names) // 2]
    return quality.gradients * (2 if early else 1)


def chains(elements: Iterable[Element]) -> list[tuple[Atoms, ...]]:
    """Groups of an interface, those that flow into each other together, the lowest first.

    Raises
    ------
    InvalidValueError : groups flow into the groups of two layers, or two into one.
    """
    elements = tuple(elements)
    above: dict[Atoms, Atoms] = {}
    for element in elements:
        to = element.to
        if to is None or to.kind != grammar.GROUPS:
            continue
        if above.setdefault(element.of, to) != to or _feeding(above, to) != [element.of]:
            raise InvalidValueError(
                f"{element!r} is impossible here: groups are made to fit the one layer that they "
                "flow into, from one layer. Show other flows in another interface."
            )
    found: list[tuple[Atoms, ...]] = []
    for atoms in dict.fromkeys(a for e in elements for a in (e.of, e.to) if a is not None):
        if atoms.kind != grammar.GROUPS or atoms in above.values():
            continue
        chain = [atoms]
        while chain[-1] in above:
            chain.append(above[chain[-1]])
        found.append(tuple(chain))
    return found


def describe(task: Task) -> str:
    """A task in words, for progress and plans."""
    match task:
        case ComputeActivations(layer):
            return f"activations of {layer}"
        case AttributeClass(layer, index):
            return f"attribution of class {index} to {layer}"
        case MeasureBypass(layer):
            return f"what passes {layer} by"
        case LinkPositions(below, above):
            return f"attribution from {below} to {above}"
        case FindGroups(chain):
            return "groups of " + " and ".join(atoms.layer for atoms in chain)
        case DrawChannels(layer):
            return f"icons of channels of {layer}"
        case DrawGroups(groups):
            return f"icons of {groups.number} groups of {groups.layer}"
        case DrawGrid(layer):
            return f"activation grid of {layer}"


def _feeding(above: dict[Atoms, Atoms], to: Atoms) -> list[Atoms]:
    return [below for below, upper in above.items() if upper == to]


def _check_classes(model: Model, elements: Sequence[Element], classes: Sequence[int]) -> None:
    for element in elements:
        ends = [a for a in (element.of, element.to) if a is not None and a.layer == OUTPUT]
        if not ends:
            continue
        if value_range.class_scores(model) is None:
            raise InvalidValueError(
                f"{element!r} needs classes, and {model.name} has no layer of class scores. "
                "Show activations, which need none."
            )
        needed = 2 if ends[0].kind == grammar.DIFFERENCE else 1
        if len(set(classes)) < needed:
            raise InvalidValueError(
                f"{element!r} needs {needed} classes or more; {len(set(classes))} given."
            )


def _check_element(model: Model, element: Element) -> None:
    ends = [atoms for atoms in (element.of, element.to) if atoms is not None]
    for atoms in ends:
        if atoms.layer not in (INPUT, OUTPUT):
            _check_atoms(model, atoms, element)
    if element.to is None or INPUT in (element.of.layer, element.to.layer):
        return
    above = element.to.layer if element.to.layer != OUTPUT else value_range.class_scores(model)
    check_between(model, element.of.layer, [above], f"what {element!r} is about")


def _check_atoms(model: Model, atoms: Atoms, element: Element) -> None:
    depth = depth_of(model, atoms.layer)
    dense = model_io.skeleton(model).layer(atoms.layer).shape.rank == 2
    in_places = atoms.kind in (grammar.NEURONS, grammar.POSITIONS, grammar.GROUPS)
    if dense and (in_places or isinstance(element, grammar.HeatMap)):
        raise InvalidValueError(
            f"{element!r} is impossible: {atoms.layer!r} of {model.name} is dense, it has channels "
            "but no positions. Take a convolutional layer."
        )
    if atoms.kind == grammar.GROUPS:
        factors.check_method(atoms.method)
    if atoms.number > depth:
        raise InvalidValueError(
            f"{atoms.layer!r} of {model.name} has {depth} channels; they cannot make "
            f"{atoms.number} groups."
        )


def _layers(elements: Iterable[Element]) -> list[str]:
    ends = [atoms for e in elements for atoms in (e.of, e.to) if atoms is not None]
    return list(dict.fromkeys(a.layer for a in ends if a.layer not in (INPUT, OUTPUT)))


def _attributions(model: Model, element: Element, classes: Sequence[int]) -> list[Task]:
    layer = element.of.layer
    if element.to is None:
        return []
    if element.to.layer == OUTPUT:
        found: list[Task] = [AttributeClass(layer, index) for index in dict.fromkeys(classes)]
        return [*found, MeasureBypass(layer)] if bypassed(model, layer) else found
    if element.to.kind == grammar.POSITIONS:
        return [LinkPositions(layer, element.to.layer)]
    return []


def _icons(elements: Iterable[Element]) -> list[Task]:
    drawn = [e for e in elements if isinstance(e, grammar.Icons)]
    by_layer: dict[str, list[Top]] = {}
    others: list[Task] = []
    for element in drawn:
        if element.of.kind == grammar.GROUPS:
            others.append(DrawGroups(element.of))
        elif element.of.kind == grammar.POSITIONS:
            others.append(DrawGrid(element.of.layer))
        else:
            by_layer.setdefault(element.of.layer, []).append(element.content)
    chosen = [DrawChannels(layer, tuple(tops)) for layer, tops in by_layer.items()]
    return [*chosen, *others]


def _cost(task: Task, model: Model, quality: Quality) -> float:
    photo = (model.image_shape[0] or 224) * (model.image_shape[1] or 224)
    per_icon = 3 * ICONS[quality.icons].steps * quality.icon_size**2 / photo
    match task:
        case ComputeActivations():
            return 1
        case AttributeClass(layer):
            return 3 * (AT_INPUT["samples"] if layer == INPUT else steps(model, layer, quality))
        case MeasureBypass():
            return 1
        case LinkPositions():
            return 100
        case FindGroups(chain):
            return 20 * len(chain)
        case DrawChannels(_, contents):
            return per_icon * min(quality.most_icons, sum(map(_icons_of, contents)))
        case DrawGroups(groups):
            return per_icon * groups.number
        case DrawGrid():
            return 3 * quality.grid_steps * quality.grid_size**2 / photo


def _icons_of(content: Top) -> int:
    """About how many channels a content shows."""
    return content.number * (16 if content.of.kind == grammar.NEURONS else 4)
