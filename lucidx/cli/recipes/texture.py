"""`lucidx recipe texture`."""

from __future__ import annotations

from typing import Any

import click

from lucidx.cli.options import PICTURES, model_option
from lucidx.cli.recipes.lists import Names
from lucidx.cli.terminal import (
    Size,
    check_output,
    check_side,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)

LARGEST = 32768  # pixels of a side, which as an array take 3 GB
EXAMPLES = """\b
lucidx recipe texture bark.jpg
lucidx recipe texture bark.jpg -m InceptionV1 --size 512x256 --tiles 3
"""


@click.command(epilog=EXAMPLES)
@click.argument("style", metavar="PICTURE", type=click.Path(exists=True, dir_okay=False))
@model_option
@click.option(
    "--layers",
    type=Names(),
    help="In which to be like the picture; input is the colours.  [default: several, small and "
    "large]",
)
@click.option(
    "--size",
    type=Size(32, 4096),
    default="256",
    show_default=True,
    help="In pixels: 256 or, width by height, 512x256.",
)
@click.option(
    "--style-size",
    type=click.IntRange(32, 4096),
    help="Longest side of the picture, to which it is made smaller: the smaller, the finer the "
    "texture.  [default: the longest of --size]",
)
@click.option(
    "--tiles",
    type=click.IntRange(1, 16),
    default=1,
    show_default=True,
    help="Lay the result out that many times each way.",
)
@click.option("--steps", type=click.IntRange(1), default=256, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("-o", "--output", default="texture.png", show_default=True, help="png, jpg or webp.")
@interruptible("Stopped; nothing was written.")
def texture(style: str, model: str, tiles: int, output: str, **settings: Any) -> None:
    """Make more of a texture, which can be laid out as tiles without seams.

    Ctrl-C stops early and keeps the picture so far.
    """
    check_output(output, PICTURES, [style])
    side = tiles * max(settings["size"])
    if side > LARGEST:
        raise click.UsageError(
            f"--tiles {tiles} of {max(settings['size'])} pixels make {side}; {LARGEST} is the most."
        )
    check_side(output, side)
    from lucidx.cli.recipes.photos import as_channels_of, read_photo

    picture = read_photo(style)
    loaded = load_model(model)
    import numpy as np

    from lucidx.misc.io import save
    from lucidx.recipes.style_transfer import texture_synthesis

    with warnings_as_lines():
        made = texture_synthesis(loaded, as_channels_of(loaded, picture), **settings)
    with writing(output):
        save(np.tile(np.round(255 * made).astype(np.uint8), (tiles, tiles, 1)), output)
    click.echo(output)
