"""`lucidx recipe caricature`."""

from __future__ import annotations

import click

from lucidx.cli.options import PICTURES, model_option
from lucidx.cli.recipes.lists import Names, Numbers
from lucidx.cli.terminal import (
    check_output,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)

EXAMPLES = """\b
lucidx recipe caricature photo.jpg
lucidx recipe caricature photo.jpg -m InceptionV1 --layers mixed3b,mixed4d --cossim-pow 0,1,2
"""


@click.command(epilog=EXAMPLES)
@click.argument("photo", type=click.Path(exists=True, dir_okay=False))
@model_option
@click.option(
    "--layers", type=Names(), help="With commas between.  [default: four, from edges to objects]"
)
@click.option(
    "--cossim-pow",
    "powers",
    type=Numbers(32),
    default="0,1",
    show_default=True,
    help="From 0 to 32, a row for each: with 0 pictures surpass the photo, with more they agree "
    "with it.",
)
@click.option("--steps", type=click.IntRange(1), default=256, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option(
    "-o",
    "--output",
    default="caricature.png",
    show_default=True,
    help="png, jpg or webp: a labelled sheet.",
)
@interruptible("Stopped; nothing was written.")
def caricature(
    photo: str,
    model: str,
    layers: list[str] | None,
    powers: list[float],
    steps: int,
    seed: int,
    output: str,
) -> None:
    """Exaggerate what layers see in a photo.

    The photo is cropped to the model's proportions. Ctrl-C stops early and keeps the pictures so
    far.
    """
    check_output(output, PICTURES, [photo])
    from lucidx.cli.recipes.photos import read_photo

    picture = read_photo(photo)
    loaded = load_model(model)
    from lucidx.interfaces import photos
    from lucidx.interfaces.usual import usual_layers
    from lucidx.misc.io import save
    from lucidx.misc.io.contact_sheet import contact_sheet
    from lucidx.recipes import caricature as recipe

    names = layers or usual_layers(loaded)
    with warnings_as_lines():
        start, *images = recipe.caricature(
            photos.read(picture, loaded).image, loaded, names, steps, powers, False, seed=seed
        )
    cells, labels = [], []
    for row, power in enumerate(powers):
        cells += [start, *images[row * len(names) : (row + 1) * len(names)]]
        labels += ["photo", *(f"{name}, {power:g}" for name in names)]
    with writing(output):
        save(contact_sheet(cells, labels, columns=1 + len(names)), output, domain=(0, 1))
    click.echo(output)
