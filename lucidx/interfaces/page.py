"""A page: what an interface shows, as data, and as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from PIL import Image

from lucidx.errors import InvalidValueError
from lucidx.interfaces.panels import Picture
from lucidx.misc.environment import is_notebook_environment
from lucidx.misc.io.json_values import script_json
from lucidx.misc.io.serialize_array import encode_picture
from lucidx.misc.io.showing import display_html
from lucidx.misc.io.writing import into_file

_SCRIPTS = "data state elements places maps channels groups grids numbers page".split()
_QUALITY = 82  # of lossy pictures, 0..100
_SMALL = 4096  # numbers in an array that is kept exact


@dataclass(frozen=True, eq=False, repr=False)
class Page:
    """What an interface shows of a model and a photo.

    Attributes
    ----------
    data : strings, numbers, lists and dictionaries of them, numpy arrays, and `Picture`s.
    """

    data: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", MappingProxyType(dict(self.data)))

    def __repr__(self) -> str:
        return f"<Page: {self.data['title']}, {self.data['model']}, {len(self.html) / 1e6:.1f} MB>"

    @functools.cached_property
    def html(self) -> str:
        """The page as one HTML file: it loads nothing, and works from disk."""
        static = resources.files("lucidx.interfaces") / "static"
        style, template = ((static / name).read_text("utf-8") for name in ("page.css", "page.html"))
        parts = [(static / "scripts" / f"{name}.js").read_text("utf-8") for name in _SCRIPTS]
        script = '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"
        environment = Environment(
            autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        # All are ours, and what they contain is not the user's.
        return environment.from_string(template).render(
            page=self.data,
            style=Markup(style),
            script=Markup(script),
            style_hash=_source_hash(style),
            script_hash=_source_hash(script),
            data=Markup(as_script_json(self.data)),
        )

    def save(self, path: str | os.PathLike) -> None:
        """Write the page to an .html file, which appears complete or not at all.

        Raises
        ------
        InvalidValueError : the name does not end in .html.
        OSError : the file cannot be written; its `filename` is the page's.
        """
        if not os.fsdecode(path).lower().endswith((".html", ".htm")):
            raise InvalidValueError(f"A page is saved as .html, not as {os.fsdecode(path)!r}.")
        content = self.html.encode("utf-8")
        try:
            with into_file(path) as file:
                file.write(content)
        except OSError as error:
            # Of the temporary file that was to become the page, nobody has heard.
            reason = f"{error.strerror or error}; the page was not written, save it elsewhere"
            raise OSError(error.errno, reason, os.fsdecode(path)) from error

    def show(self, height: int = 760) -> None:
        """Show the page in a notebook; elsewhere, say how large it is.

        Parameters
        ----------
        height : of the frame, in CSS pixels.
        """
        if is_notebook_environment():
            display_html(self._frame(height))
        else:
            print(f"{self!r}; save('page.html') writes it.")

    def _repr_html_(self) -> str:
        return self._frame(760)

    def _frame(self, height: int) -> str:
        title = html.escape(self.data["title"])
        return (
            # In an element of its own, since IPython warns of HTML that is all iframe.
            f'<div><iframe title="{title}" sandbox="allow-scripts" '
            f'style="width: 100%; height: {int(height)}px; border: 0;" '
            f'srcdoc="{html.escape(self.html)}"></iframe></div>'
        )


def as_script_json(value: Any) -> str:
    """JSON that is safe inside a script element, with arrays and pictures in base64.

    Arrays become `{"$": dtype, "shape", "data"}`: float32, or for large ones int16 with a `"scale"`
    to multiply by; pictures `{"src", "width", "height", "columns"}`.
    """
    return script_json(value, _encoded, allow_nan=False, separators=(",", ":"))


def _encoded(value: Any) -> Any:
    if isinstance(value, Picture):
        return _encode_picture(value)
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    # Lone surrogates, of file names that are not UTF-8, cannot be part of a page.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _encode_array(array: np.ndarray) -> dict[str, Any]:
    encoded: dict[str, Any] = {"shape": list(array.shape)}
    if array.dtype.kind == "f" and array.size > _SMALL:
        largest = float(np.abs(array).max())
        encoded["scale"] = largest / 32767 if largest else 1.0
        array = np.round(array / encoded["scale"]).astype(np.int16)
    elif array.dtype.kind == "f":
        array = array.astype(np.float32)
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    encoded["$"] = array.dtype.name
    encoded["data"] = base64.b64encode(little_endian.tobytes()).decode("ascii")
    return encoded


def _encode_picture(picture: Picture) -> dict[str, Any]:
    height, width = picture.pixels.shape[:2]
    content = encode_picture(Image.fromarray(picture.pixels), "webp", quality=_QUALITY)
    return {
        "src": f"data:image/webp;base64,{base64.b64encode(content).decode('ascii')}",
        "width": width,
        "height": height,
        "columns": picture.columns,
    }


def _source_hash(source: str) -> str:
    digest = hashlib.sha256(source.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
