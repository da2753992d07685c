"""`lucidx recipe style`."""

from __future__ import annotations

from typing import Any

import click

from lucidx.cli.ignored import refuse_ignored
from lucidx.cli.options import PICTURES, model_option
from lucidx.cli.recipes.lists import Names
from lucidx.cli.terminal import (
    check_output,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)

OF_PARTS = {"content": ("content_layers",), "style": ("style_layers", "style_size")}
EXAMPLES = """\b
lucidx recipe style photo.jpg painting.jpg
lucidx recipe style photo.jpg painting.jpg -m InceptionV1 --size 640 --style-weight 4
lucidx recipe style photo.jpg bark.jpg -m InceptionV1 --content-layers mixed4a --style-size 200
"""


@click.command(epilog=EXAMPLES)
@click.argument("content", type=click.Path(exists=True, dir_okay=False))
@click.argument("style", type=click.Path(exists=True, dir_okay=False))
@model_option
@click.option(
    "--content-layers",
    type=Names(),
    help="In which to be like the content.  [default: an early one, such as mixed3b]",
)
@click.option(
    "--style-layers",
    type=Names(),
    help="In which to be like the style; input is the colours.  [default: several, small and "
    "large]",
)
@click.option("--content-weight", type=click.FloatRange(0, 1e6), default=1.0, show_default=True)
@click.option(
    "--style-weight",
    type=click.FloatRange(0, 1e6),
    default=1.0,
    show_default=True,
    help="Only the proportion of the two counts.",
)
@click.option(
    "--size",
    type=click.IntRange(32, 4096),
    default=384,
    show_default=True,
    help="Longest side in pixels; larger content is made smaller.",
)
@click.option(
    "--style-size",
    type=click.IntRange(32, 4096),
    help="The same for the style: the smaller, the finer the strokes.  [default: --size]",
)
@click.option(
    "--start",
    type=click.Choice(["noise", "content"]),
    default="noise",
    show_default=True,
    help="From the content, more of its colours are kept.",
)
@click.option("--steps", type=click.IntRange(1), default=256, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("-o", "--output", default="style.png", show_default=True, help="png, jpg or webp.")
@interruptible("Stopped; nothing was written.")
def style(content: str, style: str, model: str, output: str, **settings: Any) -> None:
    """Make a picture with the content of one and the style of another.

    Ctrl-C stops early and keeps the picture so far.
    """
    check_output(output, PICTURES, [content, style])
    if not settings["content_weight"] and not settings["style_weight"]:
        raise click.UsageError("--content-weight and --style-weight cannot both be 0.")
    for part, options in OF_PARTS.items():
        if not settings[f"{part}_weight"]:
            refuse_ignored(options, f"with --{part}-weight 0")
    from lucidx.cli.recipes.photos import as_channels_of, read_photo

    pictures = [read_photo(path) for path in (content, style)]
    loaded = load_model(model)
    from lucidx.misc.io import save
    from lucidx.recipes.style_transfer import style_transfer

    photos = [as_channels_of(loaded, picture) for picture in pictures]
    with warnings_as_lines():
        made = style_transfer(loaded, *photos, **settings)
    with writing(output):
        save(made, output, domain=(0, 1))
    click.echo(output)
