"""`lucidx recipe feature-inversion`."""

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
lucidx recipe feature-inversion photo.jpg
lucidx recipe feature-inversion photo.jpg -m InceptionV1 --layers mixed3a,mixed5b --strengths 1
"""


@click.command(epilog=EXAMPLES)
@click.argument("photo", type=click.Path(exists=True, dir_okay=False))
@model_option
@click.option(
    "--layers", type=Names(), help="With commas between.  [default: four, from edges to objects]"
)
@click.option(
    "--strengths",
    type=Numbers(1e6),
    default="0.1,1,10",
    show_default=True,
    help="Of the preference for natural images: with little they are noisier, with much they lose "
    "what the layer hardly knows.",
)
@click.option("--steps", type=click.IntRange(1), default=256, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option(
    "-o",
    "--output",
    default="feature-inversion.png",
    show_default=True,
    help="png, jpg or webp: a labelled sheet, a row for each layer.",
)
@interruptible("Stopped; nothing was written.")
def feature_inversion(
    photo: str,
    model: str,
    layers: list[str] | None,
    strengths: list[float],
    steps: int,
    seed: int,
    output: str,
) -> None:
    """Find pictures that layers cannot tell from a photo, to see what they know of it.

    The photo is cropped to the model's proportions. Says how far from the photo's the activations
    are, in lengths of the photo's. Ctrl-C stops early and keeps the pictures so far.
    """
    check_output(output, PICTURES, [photo])
    from lucidx.cli.recipes.photos import read_photo

    picture = read_photo(photo)
    loaded = load_model(model)
    from lucidx.interfaces import photos
    from lucidx.interfaces.usual import usual_layers
    from lucidx.misc.io import save
    from lucidx.misc.io.contact_sheet import contact_sheet
    from lucidx.recipes.feature_inversion import invert

    names = layers or usual_layers(loaded)
    image = photos.read(picture, loaded).image
    with warnings_as_lines():
        found = invert(loaded, image, names, strengths=strengths, steps=steps, seed=seed)
    cells, labels = [], []
    for name, row, distances in zip(names, found.images, found.distances, strict=False):
        cells += [found.photo, *row]
        labels += ["photo", *(f"{name}, {strength:g}" for strength in strengths)]
        listed = (f"{d:.2f} (strength {s:g})" for d, s in zip(distances, strengths, strict=True))
        click.echo(f"{name}: distance {', '.join(listed)}")
    with writing(output):
        save(contact_sheet(cells, labels, columns=1 + len(strengths)), output, domain=(0, 1))
    click.echo(output)
