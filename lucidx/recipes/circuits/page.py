"""A circuit as a page: one HTML file in the style of the interfaces' pages, without scripts."""

from __future__ import annotations

import base64
import functools
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from PIL import Image

import lucidx
from lucidx import palette
from lucidx.interfaces.page import Page, _source_hash
from lucidx.misc.io.serialize_array import encode_picture
from lucidx.recipes.circuits import words
from lucidx.recipes.circuits.building import Circuit, Part
from lucidx.recipes.circuits.drawing import (
    heat,
    largest_weight,
    mixed_colours,
    scale_bar,
)

_QUALITY = 88  # of icons, 0..100


@dataclass(frozen=True, eq=False, repr=False)
class CircuitPage(Page):
    """A circuit to look at; `.save("circuit.html")` writes it, `.show()` shows it in a notebook."""

    @functools.cached_property
    def html(self) -> str:
        """The page as one HTML file: it loads nothing, and works from disk."""
        ours = resources.files("lucidx.recipes.circuits") / "static"
        shared = resources.files("lucidx.interfaces") / "static"
        style = "\n".join(
            (folder / name).read_text("utf-8")
            for folder, name in ((shared, "page.css"), (ours, "circuit.css"))
        )
        environment = Environment(
            autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        # The style is ours.
        return environment.from_string((ours / "circuit.html").read_text("utf-8")).render(
            page=self.data, style=Markup(style), style_hash=_source_hash(style)
        )


def page_of(circuit: Circuit) -> CircuitPage:
    """A page that shows a circuit, how it was made, and how far to trust it."""
    weights = circuit.weights
    shown = circuit.supporting + circuit.opposing
    scales = [largest_weight(parts) for parts in (shown, circuit.group_parts)]
    most = max((part.share for part in shown), default=1.0)
    mixed = mixed_colours(circuit.groups)
    return CircuitPage(
        {
            "title": words.title(circuit),
            "lead": words.lead(circuit),
            "trust": words.trust(circuit),
            "model": weights.model,
            "layers": [weights.layer_from, weights.layer_to],
            "name": circuit.name,
            "icon": _icon(circuit.icon),
            "sides": [
                {
                    "title": said,
                    "parts": [_shown(part, scales[0], most) for part in parts],
                    "kind": kind,
                }
                for said, parts, kind in (
                    ("Excited by", circuit.supporting, "for"),
                    ("Inhibited by", circuit.opposing, "against"),
                )
            ],
            "groups": [
                {**_shown(part, scales[1], 1.0), "colour": palette.group_color(g)}
                for g, part in enumerate(circuit.group_parts)
            ],
            "mixed": [
                {"title": said, "src": _pixels(colours)}
                for said, colours in zip(("For it", "Against it"), mixed, strict=True)
            ],
            "scale": _pixels(scale_bar(101)),
            "largest": [[_number(-largest), _number(largest)] for largest in scales],
            "notes": words.notes(circuit),
            "made_with": f"lucidx {lucidx.__version__}",
        }
    )


def _shown(part: Part, largest: float, most: float) -> dict[str, Any]:
    return {
        "name": part.name,
        "icon": _icon(part.icon),
        "kernel": _pixels(heat(part.kernel, largest)),
        "share": f"{part.share:.1%}",
        "length": f"{100 * part.share / most:.2f}",
        "sum": _number(part.sum),
    }


def _icon(picture: np.ndarray) -> str:
    return _address(np.round(picture * 255).astype(np.uint8), "webp", quality=_QUALITY)


def _pixels(colours: np.ndarray) -> str:
    return _address(np.round(colours * 255).astype(np.uint8), "png")


def _address(pixels: np.ndarray, kind: str, **options: Any) -> str:
    content = encode_picture(Image.fromarray(pixels), kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _number(value: float) -> str:
    """A weight as text, with its sign."""
    return f"{value:+.2g}".replace("-", "\N{MINUS SIGN}")
