"""The page of a sweep: all its pictures, from the files beside it."""

from __future__ import annotations

import base64
import hashlib
import urllib.parse
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from lucidx.sweep.plan import Plan, draws_directions
from lucidx.sweep.store import DIRECTIONS, INDEX, PAGE, PLAN, Picture, write_text


def write(
    out: Path,
    plan: Plan,
    pictures: Sequence[Picture],
    names: Mapping[tuple[str, int], str],
    failed: Mapping[str, str],
) -> None:
    """Write the page of a sweep.

    It loads nothing but the pictures, as they come into view, and works from disk.

    Parameters
    ----------
    out : the sweep's directory.
    plan : what was to be drawn.
    pictures : that are there.
    names : from `plan.names`.
    failed : of the batches that failed, the reasons.
    """
    write_text(out / PAGE, html(plan, pictures, names, failed))


def html(
    plan: Plan,
    pictures: Sequence[Picture],
    names: Mapping[tuple[str, int], str],
    failed: Mapping[str, str],
) -> str:
    """The page; parameters as in `write`."""
    static = resources.files("lucidx.sweep") / "static"
    style, script, template = (
        (static / f"gallery.{kind}").read_text("utf-8") for kind in ("css", "js", "html")
    )
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(
        model=plan.model["name"],
        settings=plan.settings,
        layers=_layers(plan, pictures, names),
        named=bool(plan.settings.get("basis")),
        directions=draws_directions(plan.settings),
        number=len(pictures),
        planned=plan.pictures,
        failed=failed,
        files=(INDEX, PLAN, *([DIRECTIONS] if draws_directions(plan.settings) else [])),
        # Both are ours.
        style=Markup(style),
        script=Markup(script),
        style_hash=_source_hash(style),
        script_hash=_source_hash(script),
    )


def _layers(
    plan: Plan, pictures: Sequence[Picture], names: Mapping[tuple[str, int], str]
) -> list[dict[str, Any]]:
    of: dict[str, list[dict[str, Any]]] = {layer.layer: [] for layer in plan.layers}
    for picture in pictures:
        more = {
            "address": urllib.parse.quote(picture.file),
            "name": names[picture.layer, picture.channel],
        }
        of[picture.layer].append(picture._asdict() | more)
    return [
        {"name": layer.layer, "width": layer.width, "height": layer.height, "pictures": found}
        for layer in plan.layers
        if (found := of[layer.layer])
    ]


def _source_hash(source: str) -> str:
    digest = hashlib.sha256(source.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
