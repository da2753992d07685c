"""`lucidx recipe maco`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.options import PICTURES, model_option
from lucidx.cli.render import as_picture
from lucidx.cli.terminal import (
    Size,
    check_output,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)

if TYPE_CHECKING:
    import numpy as np

    from lucidx.modelzoo.vision_base import Model

WITHOUT_OPACITY = (".jpg", ".jpeg")
EXAMPLES = """\b
lucidx recipe maco espresso
lucidx recipe maco mixed5b:20 mixed5b:10 -m InceptionV1 --transparent
lucidx recipe maco logits:281 --like photos/ --batch 4 -o tabby.png
"""


@click.command(epilog=EXAMPLES)
@click.argument("objectives", nargs=-1, required=True, metavar="OBJECTIVE...")
@model_option
@click.option(
    "--size",
    type=Size(32, 4096),
    help="In pixels: 320 or, width by height, 480x320.  [default: 3/2 of the model's own]",
)
@click.option(
    "--batch", type=click.IntRange(1), default=1, show_default=True, help="Pictures of each."
)
@click.option("--steps", type=click.IntRange(1), default=256, show_default=True)
@click.option(
    "--crops",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Windows that the model looks through, in each step.",
)
@click.option(
    "--like",
    multiple=True,
    type=click.Path(exists=True),
    help="A photo, or a directory of photos, to take the spectrum of. The more, the better.",
)
@click.option("--seed", type=click.IntRange(0, 2**62), default=0, show_default=True)
@click.option("--transparent", is_flag=True, help="Let what got no attention be transparent.")
@click.option(
    "-o",
    "--output",
    default="maco.png",
    show_default=True,
    help="png, jpg or webp. Several pictures make one labelled sheet.",
)
@interruptible("Stopped; nothing was written.")
def maco(
    objectives: tuple[str, ...],
    model: str,
    batch: int,
    like: tuple[str, ...],
    size: tuple[int, int] | None,
    transparent: bool,
    output: str,
    **settings: Any,
) -> None:
    """Draw what deep layers and classes look for, with the spectrum of natural images.

    OBJECTIVEs are channels, such as mixed5b:20, or classes by their labels. Ctrl-C stops early and
    keeps the pictures so far.
    """
    check_output(output, PICTURES, like)
    if transparent and Path(output).suffix.lower() in WITHOUT_OPACITY:
        raise click.UsageError("A jpg cannot be --transparent: name a png or webp with -o.")
    loaded = load_model(model)
    import numpy as np

    from lucidx.misc.io import save
    from lucidx.misc.io.contact_sheet import contact_sheet
    from lucidx.recipes import maco as recipe

    size = size or recipe.usual_size(loaded)
    magnitude = _magnitude(loaded, like, size) if like else None
    with warnings_as_lines():
        made = recipe.maco(loaded, objectives, size, batch=batch, magnitude=magnitude, **settings)
    pictures = [as_picture(image) for image in made.images]
    if transparent:
        pictures = [
            np.dstack([np.broadcast_to(picture, (*mask.shape, 3)), mask])
            for picture, mask in zip(pictures, made.masks, strict=True)
        ]
    labels = [name for name in objectives for _ in range(batch)][: len(pictures)]
    sheet = pictures[0] if len(labels) == 1 else contact_sheet(pictures, labels)
    with writing(output):
        save(sheet, output, domain=(0, 1))
    click.echo(output)


def _magnitude(model: Model, photos: tuple[str, ...], size: tuple[int, int]) -> np.ndarray:
    """Mean amplitudes of photos, each cropped to the proportions of `size`."""
    from lucidx.modelzoo.pictures import find_images, read_image
    from lucidx.optvis import param

    width, height = size
    shape = (height, width, model.image_shape[-1] or 3)
    files = find_images(photos, shape[-1])
    return param.magnitude_of([read_image(file, shape) for file in files])
