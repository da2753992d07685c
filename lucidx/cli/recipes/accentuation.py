"""`lucidx recipe accentuation`."""

from __future__ import annotations

from typing import Any

import click

from lucidx.cli.options import PICTURES, model_option
from lucidx.cli.terminal import (
    check_output,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)

EXAMPLES = """\b
lucidx recipe accentuation photo.jpg tabby
lucidx recipe accentuation photo.jpg mixed4d:236 -m InceptionV1 --strength 1 --alone
"""


@click.command(epilog=EXAMPLES)
@click.argument("photo", type=click.Path(exists=True, dir_okay=False))
@click.argument("objective")
@model_option
@click.option(
    "--layer",
    help="That shall go on seeing the photo.  [default: one in the first third of the model]",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1000),
    default=0.5,
    show_default=True,
    help="Of what keeps the photo as it is, relative to the feature.",
)
@click.option("--steps", type=click.IntRange(1), default=100, show_default=True)
@click.option(
    "--size",
    type=click.IntRange(32, 4096),
    default=512,
    show_default=True,
    help="Longest side in pixels; larger photos are made smaller.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--alone", is_flag=True, help="Only the accentuated photo, no sheet.")
@click.option(
    "-o",
    "--output",
    default="accentuation.png",
    show_default=True,
    help="png, jpg or webp: the photo, the same accentuated, and accentuated only where the "
    "feature asked for it.",
)
@interruptible("Stopped; nothing was written.")
def accentuation(
    photo: str,
    objective: str,
    model: str,
    layer: str | None,
    alone: bool,
    output: str,
    **settings: Any,
) -> None:
    """Change a photo into more of what a feature looks for.

    OBJECTIVE is a channel, such as mixed4d:236, or a class by its label. Ctrl-C stops early and
    keeps the picture so far.
    """
    check_output(output, PICTURES, [photo])
    from lucidx.cli.recipes.photos import as_channels_of, read_photo

    picture = read_photo(photo)
    loaded = load_model(model)
    from lucidx.misc.io import save
    from lucidx.misc.io.contact_sheet import contact_sheet
    from lucidx.recipes.accentuation import accentuate

    picture = as_channels_of(loaded, picture)
    with warnings_as_lines():
        made = accentuate(loaded, picture, objective, regularization_layer=layer, **settings)
    result = made.image
    if not alone:
        mask = made.mask[..., None]
        where = mask * made.image + (1 - mask) * made.photo
        cells = [made.photo, made.image, where]
        result = contact_sheet(cells, ["photo", objective, "only where it counts"], columns=3)
    with writing(output):
        save(result, output, domain=(0, 1))
    click.echo(output)
