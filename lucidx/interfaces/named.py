"""Presets on the layers of a model, with what can be wrong about those and about classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from lucidx import value_range
from lucidx.attribution.feeding import check_between
from lucidx.errors import InvalidValueError
from lucidx.interfaces import presets
from lucidx.interfaces.grammar import DIFFERENCE, Interface
from lucidx.interfaces.grouping import method_for
from lucidx.interfaces.usual import usual_layers
from lucidx.modelzoo.vision_base import Layer, Model

_ABOUT_NO_CLASSES = ("semantic-dictionary", "activation-grid")


def interface(
    name: str, model: Model, image: np.ndarray, layers: Sequence[str | Layer] | str | Layer | None
) -> Interface:
    """A preset on layers of a model, grouped by methods that they can be grouped by.

    Parameters
    ----------
    name : one of `presets.PRESETS`.
    image : `[H, W, C]`, as the model takes it.
    layers : the lowest first, or one; by default such that stand for the model.

    Raises
    ------
    InvalidValueError : no such preset; another number of layers; or they are in the wrong order.
    UnknownLayerError : the model has no such layer.
    """
    presets.check_name(name)
    if layers is None:
        names = presets.usual_layers(name, usual_layers(model))
    else:
        several = [layers] if isinstance(layers, str | Layer) else layers
        names = [getattr(layer, "name", layer) for layer in several]
    presets.check_number(name, names)
    if name in presets.ASCENDING:
        _check_order(name, model, names)
    if name not in presets.GROUPED:
        return presets.preset(name, names)
    return presets.preset(name, names, [method_for(model, image, layer) for layer in names])


def check_classes(name: str, shown: Interface, model: Model, labels: Sequence[str]) -> None:
    """Refuse a preset that is about more classes than there are.

    Parameters
    ----------
    name : of the preset.
    shown : the preset.
    labels : of the classes that it is to be about.

    Raises
    ------
    InvalidValueError
    """
    if not shown.of_classes:
        return
    if value_range.class_scores(model) is None:
        raise InvalidValueError(
            f"{name} is about classes, and {model.name} has no layer of class scores. "
            f"{' and '.join(_ABOUT_NO_CLASSES)} show what is active, which needs none."
        )
    two = any(e.to is not None and e.to.kind == DIFFERENCE for e in shown)
    if len(labels) < (2 if two else 1):
        given = " and ".join(map(repr, labels)) or "none"
        raise InvalidValueError(
            f"{name} {'compares two classes' if two else 'is about classes'}: {given} given. Name "
            f"{'two' if two else 'one'} or more, or leave the choice to the model."
        )


def _check_order(name: str, model: Model, layers: Sequence[str]) -> None:
    """Refuse layers that would be in order if they were in another."""
    ascending = sorted(layers, key=lambda layer: sum(_is_before(model, n, layer) for n in layers))
    in_order = all(_is_before(model, *pair) for pair in pairwise(ascending))
    if in_order and ascending != list(layers):
        raise InvalidValueError(
            f"{name} goes from layer to layer, so layers go lowest first: try "
            f"{','.join(ascending)}."
        )


def _is_before(model: Model, below: str, above: str) -> bool:
    try:
        check_between(model, below, [above], above)
    except InvalidValueError:
        return False
    return below != above
