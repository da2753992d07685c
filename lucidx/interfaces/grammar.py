"""The grammar of interfaces: values that say what is shown of a network, not how it is computed.

An interface is a union of elements. An element is a presentation (icons, a heat map over the photo,
bars, a flow) of content (activation, or attribution to something later) of the atoms of a layer
(neurons, positions, channels, groups, or all of it). The idea is that of "The Building Blocks of
Interpretability" (Olah et al., Distill 2018).

    dictionary = Top(Activation(neurons("mixed4d")), 5)
    interface = HeatMap(Activation(positions("mixed4d"))) | Icons(dictionary) | Bars(dictionary)

Everything here is an immutable value, equal to any other that says the same. Combinations that mean
nothing are refused where they are made. Importing this module does not import TensorFlow.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lucidx.errors import InvalidTypeError, InvalidValueError

INPUT = "input"
OUTPUT = "output"

NEURONS, POSITIONS, CHANNELS, GROUPS, WHOLE = "neurons", "positions", "channels", "groups", "whole"
CLASSES, DIFFERENCE = "classes", "difference"
GROUPED_BY = "NMF"


@dataclass(frozen=True)
class Atoms:
    """A layer, and the parts it is taken to be made of; made by the functions below.

    Attributes
    ----------
    kind : `"neurons"`, `"positions"`, `"channels"`, `"groups"` or `"whole"`; for the output
        `"classes"` or `"difference"`.
    layer : its name; `"input"` is the photo, `"output"` the class scores.
    number : of groups; 0 for other atoms, which a layer has as many of as it has.
    method : by which groups are found; empty for other atoms.
    """

    kind: str
    layer: str
    number: int = 0
    method: str = ""

    def __repr__(self) -> str:
        if self.layer == OUTPUT:
            return f"{self.kind}()"
        number = f", {self.number}" if self.number else ""
        method = f", {self.method!r}" if self.method not in ("", GROUPED_BY) else ""
        return f"{self.kind}({self.layer!r}{number}{method})"


def neurons(layer: Any) -> Atoms:
    """Each channel at each position of a hidden layer."""
    return Atoms(NEURONS, _hidden(layer, NEURONS))


def positions(layer: Any) -> Atoms:
    """The positions of a layer, each with the vector of all its channels; also of `INPUT`."""
    return Atoms(POSITIONS, _layer(layer))


def channels(layer: Any) -> Atoms:
    """The channels of a hidden layer, each over all positions."""
    return Atoms(CHANNELS, _hidden(layer, CHANNELS))


def groups(layer: Any, number: int = 6, method: str = GROUPED_BY) -> Atoms:
    """Groups of neurons of a hidden layer that are active together in the photo.

    Parameters
    ----------
    layer : a layer, or its name.
    number : how many groups.
    method : one of `lucidx.factorization.neuron_groups`. `"NMF"` is for layers that are not
        negative, such as those behind a ReLU; `"KMeans"`, where each position is in one group, and
        `"PCA"` are for any.
    """
    if not isinstance(method, str) or not method:
        raise InvalidTypeError(f"A method for groups is a name, such as 'KMeans'; got {method!r}.")
    number = _count("A number of groups", number)
    return Atoms(GROUPS, _hidden(layer, GROUPS), number, method)


def whole(layer: Any) -> Atoms:
    """All of a layer as one thing; also of `INPUT`."""
    return Atoms(WHOLE, _layer(layer))


def classes() -> Atoms:
    """The classes that an interface is about; which, is said when it is built."""
    return Atoms(CLASSES, OUTPUT)


def difference() -> Atoms:
    """The score of one class minus that of another, both chosen by the reader."""
    return Atoms(DIFFERENCE, OUTPUT)


@dataclass(frozen=True)
class Activation:
    """How strongly atoms respond to the photo."""

    of: Atoms

    def __post_init__(self) -> None:
        _expect(self.of, Atoms, "Activation is of atoms, such as channels('mixed4d')")
        if self.of.layer == INPUT:
            raise InvalidValueError("The photo has no activations: it is what layers respond to.")
        if self.of.kind in (WHOLE, DIFFERENCE):
            raise InvalidValueError(
                f"{self.of!r} has no activation of its own. Take its parts: positions, channels, "
                "groups, or classes()."
            )

    def __repr__(self) -> str:
        return f"Activation({self.of!r})"


@dataclass(frozen=True)
class Attribution:
    """What atoms did for something later: for classes, or for the atoms of a later layer.

    Attributes
    ----------
    of : positions, channels, groups, or the whole of a layer.
    to : `classes()`, `difference()`; positions of another layer, for positions; groups of another
        layer, for groups.
    """

    of: Atoms
    to: Atoms = Atoms(CLASSES, OUTPUT)

    def __post_init__(self) -> None:
        for atoms in (self.of, self.to):
            _expect(atoms, Atoms, "Attribution is of atoms, such as channels('mixed4d'), to atoms")
        if self.of.layer == OUTPUT:
            raise InvalidValueError(
                "Nothing comes after the classes that they could do anything for."
            )
        if self.of.kind == NEURONS:
            raise InvalidValueError(
                "Attribution of every single neuron is too much to show. Take channels or "
                "positions, which add neurons up."
            )
        if self.to.layer == OUTPUT:
            return
        if self.to.layer in (self.of.layer, INPUT):
            raise InvalidValueError(
                f"Attribution goes to a later layer, not from {self.of.layer!r} to "
                f"{self.to.layer!r}."
            )
        if self.of.kind != self.to.kind or self.of.kind not in (POSITIONS, GROUPS):
            raise InvalidValueError(
                f"Between layers, attribution goes from positions to positions or from groups to "
                f"groups; not from {self.of!r} to {self.to!r}."
            )
        if self.of.layer == INPUT:
            raise InvalidValueError(
                "Attribution of the photo's positions is to classes(), not to hidden layers."
            )

    def __repr__(self) -> str:
        return f"Attribution({self.of!r}, to={self.to!r})"


@dataclass(frozen=True)
class Top:
    """The strongest members of content: its `number` largest, and of attribution also against.

    Of neurons, those at the position that the reader points at.
    """

    content: Activation | Attribution
    number: int = 5

    def __post_init__(self) -> None:
        _expect(self.content, (Activation, Attribution), "Top is of Activation or Attribution")
        object.__setattr__(self, "number", _count("Top's number", self.number))
        if self.of.kind not in (NEURONS, CHANNELS):
            raise InvalidValueError(f"Top chooses among neurons or channels, not {self.of!r}.")

    @property
    def of(self) -> Atoms:
        """Whose content it is."""
        return self.content.of

    def __repr__(self) -> str:
        return f"Top({self.content!r}, {self.number})"


Content = Activation | Attribution | Top


@dataclass(frozen=True)
class Element:
    """A presentation of content. Elements and interfaces unite by `|`."""

    content: Content

    def __post_init__(self) -> None:
        _expect(
            self.content,
            (Activation, Attribution, Top),
            f"{type(self).__name__} shows content: Activation, Attribution or Top of one",
        )
        reason = self._refusal()
        if reason:
            raise InvalidValueError(f"{self!r} is impossible: {reason}")

    def _refusal(self) -> str:
        raise NotImplementedError

    @property
    def of(self) -> Atoms:
        """The atoms that are shown."""
        return self.content.of

    @property
    def to(self) -> Atoms | None:
        """What attribution is to; None for activation."""
        return getattr(getattr(self.content, "content", self.content), "to", None)

    def __or__(self, other: Any) -> Interface:
        return Interface((self,)) | other

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.content!r})"


@dataclass(frozen=True, repr=False)
class Icons(Element):
    """Feature visualization: pictures of what atoms respond to.

    Of positions, a grid in which each cell is drawn by the vector that is active there.
    """

    def _refusal(self) -> str:
        if self.of.layer == INPUT:
            return "the photo is its own picture; icons are of hidden layers."
        if self.of.layer == OUTPUT:
            return "icons are of hidden layers; classes are shown by Bars."
        if self.of.kind == WHOLE:
            return (
                "a whole layer has no one direction to draw. Take its positions, channels or "
                "groups."
            )
        if self.of.kind == POSITIONS and self.to:
            return "positions are drawn by their activations; show attribution to them by HeatMap."
        if self.of.kind == CHANNELS and not isinstance(self.content, Top):
            return "a layer has too many channels to draw all. Choose some: Top(..., 6)."
        if self.of.kind == NEURONS and not isinstance(self.content, Top):
            return "a position has too many neurons to draw all. Choose some: Top(..., 5)."
        return ""


@dataclass(frozen=True, repr=False)
class HeatMap(Element):
    """Where: content as a map over the photo; of channels and groups, of the one pointed at."""

    def _refusal(self) -> str:
        if self.of.layer == OUTPUT or self.of.kind == WHOLE:
            return "it has no positions."
        if self.of.kind == NEURONS or isinstance(self.content, Top):
            return "a map shows positions, channels or groups of a layer, each in its place."
        if self.of.kind in (CHANNELS, GROUPS) and self.to:
            return f"the map of {self.of.kind} is of their activation; what they did, Bars shows."
        return ""


@dataclass(frozen=True, repr=False)
class Bars(Element):
    """How much: content as numbers and bars. Without `Top`, all channels as one line of bars."""

    def _refusal(self) -> str:
        if self.of.kind == POSITIONS:
            return "positions are shown in their places, by HeatMap."
        if self.of.kind == NEURONS and not isinstance(self.content, Top):
            return "a position has too many neurons for a bar each. Choose some: Top(..., 5)."
        if self.to and self.to.layer != OUTPUT:
            return "attribution between layers is shown by HeatMap (positions) or Flow (groups)."
        return ""


@dataclass(frozen=True, repr=False)
class Flow(Element):
    """Attribution of groups to the groups of a later layer, or to classes, as bands."""

    def _refusal(self) -> str:
        if self.of.kind != GROUPS or self.to is None:
            return "a flow is of Attribution of groups, to groups or classes()."
        if self.to.kind == DIFFERENCE:
            return "a flow ends in classes(), one band each."
        return ""


@dataclass(frozen=True)
class Interface:
    """A union of elements; what elements share, is linked.

    Attributes
    ----------
    elements : in the order in which they are shown, none twice.
    title, lead : what a page says on top; by default what the elements say of themselves.
    """

    elements: tuple[Element, ...]
    title: str = ""
    lead: str = ""

    def __post_init__(self) -> None:
        elements = tuple(dict.fromkeys(self.elements))
        for element in elements:
            _expect(element, Element, "An interface is a union of Icons, HeatMap, Bars and Flow")
        if not elements:
            raise InvalidValueError("An interface has at least one element.")
        object.__setattr__(self, "elements", elements)

    @property
    def of_classes(self) -> bool:
        """Whether it is about classes, so that some have to be chosen."""
        ends = (atoms for e in self.elements for atoms in (e.of, e.to) if atoms is not None)
        return any(atoms.layer == OUTPUT for atoms in ends)

    def titled(self, title: str, lead: str = "") -> Interface:
        """The same interface under a title, and with a sentence on what it is for."""
        return dataclasses.replace(self, title=title, lead=lead)

    def __or__(self, other: Any) -> Interface:
        if isinstance(other, Element):
            other = Interface((other,))
        if not isinstance(other, Interface):
            return NotImplemented
        return Interface(
            self.elements + other.elements, self.title or other.title, self.lead or other.lead
        )

    def __iter__(self) -> Iterator[Element]:
        return iter(self.elements)

    def __repr__(self) -> str:
        return " | ".join(map(repr, self.elements))


def _layer(layer: Any) -> str:
    name = getattr(layer, "name", layer)
    if not isinstance(name, str) or not name:
        raise InvalidTypeError(f"Layers are named by strings; got {name!r}.")
    if name == OUTPUT:
        raise InvalidValueError("The output's atoms are classes() and difference().")
    return name


def _hidden(layer: Any, kind: str) -> str:
    name = _layer(layer)
    if name == INPUT:
        raise InvalidValueError(
            f"The photo has no {kind} to show: take positions(INPUT), or a hidden layer."
        )
    return name


def _count(what: str, number: Any) -> int:
    try:
        number = operator.index(number)
    except TypeError:
        raise InvalidTypeError(f"{what} is a whole number, not {number!r}.") from None
    if number < 1:
        raise InvalidValueError(f"{what} is at least 1, not {number}.")
    return number


def _expect(value: Any, kinds: Any, what: str) -> None:
    if not isinstance(value, kinds):
        raise InvalidTypeError(f"{what}; got {value!r}.")
