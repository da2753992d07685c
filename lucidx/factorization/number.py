"""How many groups: what is left of the activations, against the number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lucidx.errors import InvalidValueError
from lucidx.factorization import factors, groups

if TYPE_CHECKING:
    from lucidx.modelzoo.layer import Layer
    from lucidx.modelzoo.vision_base import Model

_WIDTH, _HEIGHT = 480, 280
_MARGIN = 48
_PAPER, _GRID, _INK, _LINE = "white", "#ddd", "#444", "#d95f02"


class GroupsError(NamedTuple):
    """How good groups are, by their number.

    Attributes
    ----------
    numbers : numbers of groups, ascending.
    errors : `NeuronGroups.error` for each.
    """

    numbers: tuple[int, ...]
    errors: tuple[float, ...]


def groups_error(
    model: Model,
    images: np.ndarray,
    layer: str | Layer,
    numbers: Sequence[int] = (2, 4, 6, 8, 10),
    method: str = "NMF",
    *,
    attribution: Any = None,
    seed: int = 0,
) -> GroupsError:
    """What different numbers of groups leave of a layer's activations.

    A number is of "human scale" where a person can read all groups, and more would leave hardly
    less; `plot_error` draws it.

    Parameters
    ----------
    numbers : of groups.
    model, images, layer, method, attribution, seed : as for `neuron_groups`.

    Raises
    ------
    InvalidValueError, UnknownLayerError : as for `neuron_groups`; or there are no numbers.
    """
    if not len(numbers):
        raise InvalidValueError("numbers is empty: name numbers of groups, such as [2, 4, 6].")
    given = groups.prepare(model, images, layer, method, attribution)
    numbers = tuple(sorted({given.checked(number) for number in numbers}))
    errors = []
    for number in numbers:
        found = factors.take_apart(given.rows, number, method, seed, given.attributed)
        errors.append(factors.relative_error(given.rows, found))
    return GroupsError(numbers, tuple(errors))


def plot_error(error: GroupsError) -> np.ndarray:
    """Picture of the error against the number of groups: float32 `[H, W, 3]` in 0..1."""
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), _PAPER)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=13)
    numbers, errors = error
    lowest, highest = numbers[0], max(numbers[-1], numbers[0] + 1)
    top = max(1.0, max(errors))

    def x(number: float) -> float:
        return _MARGIN + (number - lowest) / (highest - lowest) * (_WIDTH - 2 * _MARGIN)

    def y(value: float) -> float:
        return _HEIGHT - _MARGIN - value / top * (_HEIGHT - 2 * _MARGIN)

    for value in np.linspace(0, top, 5):
        draw.line([(_MARGIN, y(value)), (_WIDTH - _MARGIN, y(value))], _GRID)
        draw.text((_MARGIN - 6, y(value)), f"{value:.2f}", _INK, font, anchor="rm")
    for number in numbers:
        draw.text((x(number), _HEIGHT - _MARGIN + 6), str(number), _INK, font, anchor="mt")
    points = [(x(number), y(value)) for number, value in zip(numbers, errors, strict=True)]
    draw.line(points, _LINE, width=2)
    for px, py in points:
        draw.ellipse([px - 4, py - 4, px + 4, py + 4], _LINE)
    draw.text((_MARGIN, _MARGIN - 10), "relative error", _INK, font, anchor="lb")
    draw.text((_WIDTH / 2, _HEIGHT - 8), "groups", _INK, font, anchor="mb")
    return np.asarray(picture, np.float32) / 255
