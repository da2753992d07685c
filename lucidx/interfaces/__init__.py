"""Interfaces: a person points at a photo and sees what the network found, where, and what for.

An interface is a union of elements, values that say what is shown. `build` computes what it needs,
each thing once, and makes one HTML file of it.

    from lucidx import interfaces as ui

    entry = ui.Top(ui.Activation(ui.neurons("mixed4d")), 5)
    where = ui.HeatMap(ui.Attribution(ui.positions("mixed4d"), ui.classes()))
    interface = where | ui.Icons(entry) | ui.Bars(entry)
    ui.build(interface, lucidx.load("InceptionV1"), "dog_cat.jpg").save("page.html")

The interfaces of "The Building Blocks of Interpretability" (Olah et al., Distill 2018) are there by
name: `build("semantic-dictionary", model, photo)`. Importing this does not import TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lucidx.interfaces.grammar import (
    INPUT,
    Activation,
    Attribution,
    Bars,
    Element,
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
from lucidx.interfaces.presets import PRESETS, preset

if TYPE_CHECKING:
    from lucidx.interfaces.building import build
    from lucidx.interfaces.page import Page
    from lucidx.interfaces.planning import Plan, plan

__all__ = [
    "INPUT",
    "PRESETS",
    "Activation",
    "Attribution",
    "Bars",
    "Element",
    "Flow",
    "HeatMap",
    "Icons",
    "Interface",
    "Page",
    "Plan",
    "Top",
    "build",
    "channels",
    "classes",
    "difference",
    "groups",
    "neurons",
    "plan",
    "positions",
    "preset",
    "whole",
]


_NEED_TENSORFLOW = {"Page": "page", "Plan": "planning", "build": "building", "plan": "planning"}


def __getattr__(name: str) -> Any:
    if name not in _NEED_TENSORFLOW:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_NEED_TENSORFLOW[name]}"), name)
