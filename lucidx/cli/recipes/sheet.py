"""`lucidx recipe sheet`."""

from __future__ import annotations

from typing import Any

import click

from lucidx.cli.options import PICTURES, model_option
from lucidx.cli.terminal import (
    check_output,
    check_side,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)

EXAMPLES = """\b
lucidx recipe sheet block2a/output
lucidx recipe sheet mixed4d -m InceptionV1 --size 48 --boxes mixed4d.json -o mixed4d.png
"""


@click.command(epilog=EXAMPLES)
@click.argument("layer")
@model_option
@click.option(
    "--columns",
    type=click.IntRange(1),
    help="Icons in a row.  [default: such that the sheet is about square]",
)
@click.option(
    "--size",
    type=click.IntRange(8, 1024),
    default=64,
    show_default=True,
    help="Of each icon, in pixels.",
)
@click.option("--steps", type=click.IntRange(1), default=128, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option(
    "--boxes",
    metavar="FILE",
    help="Also write a json file of where each channel is: x, y, width and height in pixels.",
)
@click.option("-o", "--output", default="sheet.png", show_default=True, help="png, jpg or webp.")
@interruptible("Stopped. Icons that were drawn are kept: the same command goes on there.")
def sheet(
    layer: str, model: str, output: str, boxes: str | None, size: int, **settings: Any
) -> None:
    """Draw all channels of a layer into one picture, without gaps and labels: a sprite sheet.

    For pages and programs that show parts of it. `lucidx sweep` draws layers as single files, with
    a page to look at them.
    """
    check_output(output, PICTURES)
    if boxes:
        check_output(boxes, (".json",))
    loaded = load_model(model)
    from lucidx.basis import depth_of
    from lucidx.icons import sprite_sheet
    from lucidx.misc.io import save

    _check_size(output, depth_of(loaded, layer), size, settings["columns"])
    with warnings_as_lines():
        picture, places = sprite_sheet(loaded, layer, size=size, **settings)
    with writing(output):
        save(picture, output, domain=(0, 1))
    click.echo(output)
    if boxes:
        with writing(boxes):
            save({name: list(box) for name, box in places.items()}, boxes)
        click.echo(boxes)


def _check_size(output: str, number: int, size: int, columns: int | None) -> None:
    """Refuse, before the work, a sheet that its format cannot hold."""
    import math

    columns = min(columns or math.ceil(math.sqrt(number)), number)
    check_side(output, size * max(columns, -(-number // columns)))
