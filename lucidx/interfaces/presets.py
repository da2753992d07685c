"""The interfaces of "The Building Blocks of Interpretability" (Distill 2018), by their names.

Each is made of the grammar and nothing else; so is one of your own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from lucidx.errors import InvalidValueError, did_you_mean
from lucidx.interfaces.grammar import (
    GROUPED_BY,
    INPUT,
    Activation,
    Attribution,
    Bars,
    Flow,
    HeatMap,
    Icons,
    Interface,
    Top,
    channels,
    classes,
    difference,
    groups,
    neurons,
    positions,
    whole,
)


def semantic_dictionary(layers: Sequence[str]) -> Interface:
    """Each position in the terms of its strongest channels."""
    (layer,) = layers
    entry = Top(Activation(neurons(layer)), 4)
    photo = HeatMap(Activation(positions(layer))) | HeatMap(Activation(channels(layer)))
    return (photo | Icons(entry) | Bars(entry)).titled(
        "Semantic dictionary",
        "Point at a place in the photo to see what the network found there: its strongest "
        "channels, each shown as a picture of what excites it.",
    )


def activation_grid(layers: Sequence[str]) -> Interface:
    """Each position drawn by what is active there, in several layers."""
    elements = tuple(Icons(Activation(positions(layer))) for layer in layers)
    return Interface(elements).titled(
        "Activation grid",
        "The photo as each layer sees it: every cell is drawn by what is active there. Point at a "
        "cell to see its place in the other layers.",
    )


def spatial_attribution(layers: Sequence[str]) -> Interface:
    """Where evidence for classes is, and how positions of layers affect each other."""
    to_classes = [HeatMap(Attribution(positions(layer), classes())) for layer in (INPUT, *layers)]
    between = [
        HeatMap(Attribution(positions(below), positions(above)))
        for below, above in combinations(layers, 2)
    ]
    return Interface((*to_classes, *between)).titled(
        "Spatial attribution",
        "Where in each layer is the evidence for a class? Point at a place to see what it was made "
        "of in the layers before, and what it went into in those after.",
    )


def channel_attribution(layers: Sequence[str]) -> Interface:
    """The channels that argue for a class and against it."""
    (layer,) = layers
    effects = Attribution(channels(layer), classes())
    place = HeatMap(Activation(channels(layer)))
    return (place | Icons(Top(effects, 6)) | Bars(Top(effects, 6)) | Bars(effects)).titled(
        "Channel attribution",
        "Which channels argued for a class, and which against it? Point at one to see where in the "
        "photo it is active.",
    )


def neuron_groups(layers: Sequence[str], methods: Sequence[str] = (GROUPED_BY,)) -> Interface:
    """A handful of groups of neurons, where they are, and their effect on classes."""
    (layer,), (method,) = layers, methods
    parts = groups(layer, 6, method)
    photo = HeatMap(Activation(parts))
    return (photo | Icons(Activation(parts)) | Bars(Attribution(parts, classes()))).titled(
        "Neuron groups",
        "What the network saw, in six groups of neurons that are active together. Point at a group "
        "to see where it is.",
    )


def compare_classes(layers: Sequence[str]) -> Interface:
    """Two classes, and the channels that argue for one rather than for the other."""
    (layer,) = layers
    effects = Attribution(channels(layer), difference())
    place = HeatMap(Activation(channels(layer)))
    evidence = Bars(Attribution(whole(layer), difference()))
    return (place | Icons(Top(effects, 5)) | Bars(Top(effects, 5)) | evidence).titled(
        "Compare two classes",
        "Why one class rather than the other? Choose two, and point at a channel to see where it "
        "found its evidence.",
    )


def group_flow(
    layers: Sequence[str], methods: Sequence[str] = (GROUPED_BY, GROUPED_BY)
) -> Interface:
    """Groups of two layers, and what flows through them to the classes."""
    lower, upper = (groups(layer, 6, how) for layer, how in zip(layers, methods, strict=True))
    flow = Flow(Attribution(lower, upper)) | Flow(Attribution(upper, classes()))
    icons = Icons(Activation(lower)) | Icons(Activation(upper))
    return (flow | icons | HeatMap(Activation(lower)) | HeatMap(Activation(upper))).titled(
        "Groups across layers",
        "How groups of neurons feed each other, and the classes. Point at a group or a class to "
        "follow what flows through it.",
    )


PRESETS: dict[str, Callable[..., Interface]] = {
    "semantic-dictionary": semantic_dictionary,
    "activation-grid": activation_grid,
    "spatial-attribution": spatial_attribution,
    "channel-attribution": channel_attribution,
    "neuron-groups": neuron_groups,
    "compare-classes": compare_classes,
    "group-flow": group_flow,
}

# Which of a model's four usual layers a preset shows by default, and how many it shows at all.
_EARLY, _MIDDLE, _LATE, _LAST = range(4)
USUAL: dict[str, tuple[int, ...]] = {
    "activation-grid": (_EARLY, _MIDDLE, _LATE, _LAST),
    "spatial-attribution": (_MIDDLE, _LATE, _LAST),
    "group-flow": (_MIDDLE, _LATE),
}
_ANY_NUMBER = ("activation-grid", "spatial-attribution")
GROUPED = ("neuron-groups", "group-flow")
ASCENDING = ("spatial-attribution", "group-flow")  # what they show goes from layer to layer


def preset(name: str, layers: Sequence[str], methods: Sequence[str] = ()) -> Interface:
    """A preset on layers.

    Parameters
    ----------
    name : one of `PRESETS`.
    layers : names of layers, the lowest first: any number for activation grids and spatial
        attribution, two for groups across layers, one for the others.
    methods : of those in `GROUPED`, how to group each layer; by default as `groups` does.

    Raises
    ------
    InvalidValueError : no such preset, or another number of layers.
    """
    check_name(name)
    check_number(name, layers)
    return PRESETS[name](layers, methods) if methods else PRESETS[name](layers)


def check_name(name: str) -> None:
    """Refuse what is no preset.

    Raises
    ------
    InvalidValueError
    """
    if name not in PRESETS:
        raise InvalidValueError(f"There is no interface {name!r}. {did_you_mean(name, PRESETS)}")


def check_number(name: str, layers: Sequence[str]) -> None:
    """Refuse another number of layers than a preset shows.

    Raises
    ------
    InvalidValueError
    """
    needed = len(USUAL.get(name, (_LATE,)))
    if layers and (len(layers) == needed or name in _ANY_NUMBER):
        return
    number = "1 layer" if needed == 1 else f"{needed} layers"
    given = f" ({', '.join(map(str, layers))})" if layers else ""
    raise InvalidValueError(f"{name} shows {number}; {len(layers)} given{given}.")


def usual_layers(name: str, usual: Sequence[str]) -> list[str]:
    """The layers that a preset shows by default, of four that stand for a model."""
    return list(dict.fromkeys(usual[k] for k in USUAL.get(name, (_LATE,))))
