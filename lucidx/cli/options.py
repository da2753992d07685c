"""Options that commands share, and what they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lucidx.errors import InvalidValueError

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model

DEFAULT_MODEL = "EfficientNetLite0"
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
PAGES = (".html", ".htm")
FINDINGS = (*PICTURES, ".npz", ".json")  # what can be written of what was found in photos

model_option = click.option(
    "-m",
    "--model",
    default=DEFAULT_MODEL,
    show_default=True,
    help="A model's name, or the .pb file of one.",
)


def default_layer(model: Model, interface: str) -> str:
    """The one layer that an interface shows of a model where none is named.

    Raises
    ------
    InvalidValueError : the model names no layer with positions.
    """
    from lucidx.interfaces import presets
    from lucidx.interfaces.usual import usual_layers

    try:
        (layer,) = presets.usual_layers(interface, usual_layers(model))
    except InvalidValueError as error:
        raise InvalidValueError(
            f"{model.name} names no layer with positions. Name another with --layer; "
            f"`lucidx models info {model.name}` lists what there is."
        ) from error
    return layer


def class_numbers(model: Model, text: str) -> list[int]:
    """Classes between commas, each by its label or else its number.

    Labels may be made of digits and contain commas: the longest that fits is meant.

    Raises
    ------
    InvalidValueError : no class is named, or one that the model does not have.
    """
    from lucidx.attribution.scores import class_index, class_labels

    labels = set(class_labels(model))
    parts, found = text.split(","), []
    while parts:
        names = {n: ",".join(parts[:n]).strip() for n in range(1, len(parts) + 1)}
        length = max((n for n, name in names.items() if name in labels), default=1)
        name, parts = names[length], parts[length:]
        if name:
            is_number = name.isdecimal() and name not in labels
            found.append(class_index(model, int(name) if is_number else name))
    if not found:
        raise InvalidValueError(
            f"--classes {text!r} names no class. Give labels or numbers, with commas between."
        )
    return list(dict.fromkeys(found))
