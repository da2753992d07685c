"""Kernels as pictures, and a circuit as one."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lucidx import palette
from lucidx.misc.io.contact_sheet import contact_sheet
from lucidx.recipes.circuits.building import Circuit, Part
from lucidx.recipes.circuits.reducing import WeightGroups

_FIELD = 0.92  # how light a kernel's ground is, so that its edge shows on white
_SCALE = 0.14  # height of the bar of colours that is the scale, of its width


def heat(kernel: np.ndarray, largest: float) -> np.ndarray:
    """Weights as colours: what excites in one, what inhibits in another, stronger if larger.

    Parameters
    ----------
    kernel : `[h, w]`.
    largest : the weight that has full colour, greater than 0.

    Returns
    -------
    float32 `[h, w, 4]`, RGB and opacity, in 0..1.
    """
    colours = palette.rgb([palette.FOR, palette.AGAINST])[(kernel < 0).astype(int)]
    opacity = np.clip(np.abs(kernel) / largest, 0, 1)
    return np.concatenate([colours, opacity[..., None]], -1).astype(np.float32)


def mixed_colours(groups: WeightGroups, member: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """What groups a channel's weights are made of, place by place, in the colours of the groups.

    Parameters
    ----------
    groups : of channels.
    member : which of the K channels whose weights they were found in.

    Returns
    -------
    For what excites and for what inhibits, float32 `[h, w, 4]`, RGB and opacity, in 0..1, on one
    scale.
    """
    colours = palette.rgb([palette.group_color(g) for g in range(len(groups))])
    sides = [np.moveaxis(maps[member], 0, -1) for maps in (groups.excites, groups.inhibits)]
    largest = max(maps.sum(-1).max() for maps in sides)

    def colour(maps: np.ndarray) -> np.ndarray:
        total = maps.sum(-1, keepdims=True)
        rgb = maps @ colours / np.where(total > 0, total, 1)
        return np.concatenate([rgb, total / largest], -1).astype(np.float32)

    excites, inhibits = map(colour, sides)
    return excites, inhibits


def largest_weight(parts: tuple[Part, ...]) -> float:
    """The largest weight in some kernels, by its size; at least the smallest positive number."""
    return max([float(np.abs(p.kernel).max()) for p in parts] + [float(np.finfo(np.float32).tiny)])


def picture(circuit: Circuit) -> np.ndarray:
    """A circuit as one picture: channels for it in the upper rows, those against it in the lower.

    Below the icon of each channel are its weights: one square for each place of the receptive
    field, on one scale for all of them. On the left are the channel itself, and the groups that all
    weights are made of, with colours of their own for what excites and what inhibits.

    Returns
    -------
    float32 `[H, W, 3]` in 0..1.
    """
    side = circuit.icon.shape[0]
    shown = circuit.supporting + circuit.opposing
    largest = largest_weight(shown)
    excites, inhibits = mixed_colours(circuit.groups)
    rows = (
        (circuit.icon, circuit.name, excites, "all weights for", circuit.supporting, "+"),
        (
            _scale(largest, side),
            f"in {circuit.weights.layer_from}",
            inhibits,
            "all weights against",
            circuit.opposing,
            "-",
        ),
    )
    columns = 1 + max(len(circuit.supporting), len(circuit.opposing))
    cells, labels = [], []
    for first, name, colours, said, parts, sign in rows:
        blank = [np.ones([side, side, 3], np.float32)] * (columns - 1 - len(parts))
        cells += [first, *(part.icon for part in parts), *blank]
        labels += [name, *(f"{sign} {_short(part.name)}" for part in parts), *("" for _ in blank)]
        cells += [_square(colours, side), *(_square(heat(p.kernel, largest), side) for p in parts)]
        cells += blank
        labels += [said, *(f"{part.share:.1%} of all" for part in parts), *("" for _ in blank)]
    return contact_sheet(cells, labels, columns=columns)


def _short(name: str) -> str:
    """Name of a channel without its layer, which is the same for all."""
    return name.rpartition(":")[2]


def _square(colours: np.ndarray, side: int) -> np.ndarray:
    """Colours with opacity `[h, w, 4]`, each a square, in the middle of `[side, side, 3]`."""
    height, width, _ = colours.shape
    opacity = colours[..., 3:]
    rgb = colours[..., :3] * opacity + _FIELD * (1 - opacity)
    times = max(1, side // max(height, width))
    canvas = np.ones([side, side, 3], np.float32)
    if max(height, width) > side:
        shown = Image.fromarray(np.round(rgb * 255).astype(np.uint8))
        shown.thumbnail((side, side), Image.Resampling.BOX)
        rgb, times = np.asarray(shown, np.float32) / 255, 1
    rgb = rgb.repeat(times, 0).repeat(times, 1)
    top, left = ((side - length) // 2 for length in rgb.shape[:2])
    canvas[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return canvas


def scale_bar(width: int) -> np.ndarray:
    """The colours of weights from minus the largest to the largest: float32 `[1, width, 4]`."""
    return heat(np.linspace(-1, 1, width)[None], 1)


def _scale(largest: float, side: int) -> np.ndarray:
    """The scale of kernels with its numbers: `[side, side, 3]`."""
    bar = scale_bar(side).repeat(round(_SCALE * side), 0)
    rgb = bar[..., :3] * bar[..., 3:] + _FIELD * (1 - bar[..., 3:])
    canvas = Image.new("RGB", (side, side), "white")
    canvas.paste(Image.fromarray(np.round(rgb * 255).astype(np.uint8)), (0, side // 2))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(max(10, side // 9))
    ink, below = (90, 90, 90), side // 2 + len(bar) + 2
    draw.text((0, side // 2 - 3), "weight", ink, font, anchor="ls")
    for x, anchor, value in ((0, "la", -largest), (side // 2, "ma", 0), (side - 1, "ra", largest)):
        draw.text((x, below), f"{value:+.2g}" if value else "0", ink, font, anchor=anchor)
    return np.asarray(canvas, np.float32) / 255
