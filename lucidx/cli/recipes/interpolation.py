"""`lucidx recipe interpolation`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.options import PICTURES, model_option
from lucidx.cli.render import VIDEOS, as_picture
from lucidx.cli.terminal import (
    check_output,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)
from lucidx.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

MOVING = (".gif", *VIDEOS)
FRAMES_PER_SECOND = 8
EXAMPLES = """\b
lucidx recipe interpolation tabby "golden retriever"
lucidx recipe interpolation mixed4a:176 mixed4a:456 mixed4a:96 -m InceptionV1
lucidx recipe interpolation logits:281 logits:207 -n 24 -o both.gif
"""


@click.command(epilog=EXAMPLES)
@click.argument("objectives", nargs=-1, required=True, metavar="OBJECTIVE OBJECTIVE...")
@model_option
@click.option(
    "-n",
    "--number",
    type=click.IntRange(2, 256),
    default=6,
    show_default=True,
    help="Pictures from one to the next, both included.",
)
@click.option(
    "--size",
    type=click.IntRange(16, 4096),
    help="In pixels.  [default: 128, or the model's own where it takes no other]",
)
@click.option("--steps", type=click.IntRange(1), default=256, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option(
    "-o",
    "--output",
    default="interpolation.png",
    show_default=True,
    help="png, jpg or webp: a row from each objective to the next. gif, mp4, mov or webm: there "
    "and back.",
)
@interruptible("Stopped; nothing was written.")
def interpolation(
    objectives: tuple[str, ...], model: str, number: int, output: str, **settings: Any
) -> None:
    """Turn one feature into another, step by step.

    OBJECTIVEs are channels, such as mixed4a:176, or classes by their labels. Ctrl-C stops early and
    keeps the pictures so far.
    """
    check_output(output, (*PICTURES, *MOVING))
    extension = Path(output).suffix.lower()
    if extension in VIDEOS and not importlib.util.find_spec("imageio_ffmpeg"):
        raise MissingExtraError("imageio-ffmpeg", "video", "Writing a video")
    if len(objectives) < 2:
        raise click.UsageError("A way has two ends: name at least two objectives.")
    loaded = load_model(model)
    from lucidx.misc.io import save
    from lucidx.misc.io.animation import save_animation
    from lucidx.recipes.interpolation import interpolate

    with warnings_as_lines():
        images = interpolate(loaded, objectives, number, **settings)
    pictures = [as_picture(image) for image in images]
    with writing(output):
        if extension in MOVING:
            frames = [*pictures, *pictures[-2:0:-1]]
            save_animation(frames, output, fps=FRAMES_PER_SECOND)
        else:
            save(_rows(pictures, objectives, number), output, domain=(0, 1))
    click.echo(output)


def _rows(pictures: Sequence[np.ndarray], objectives: Sequence[str], number: int) -> np.ndarray:
    """A row of pictures from each objective to the next."""
    from lucidx.misc.io.contact_sheet import contact_sheet

    cells, labels = [], []
    for k in range(len(objectives) - 1):
        first = k * (number - 1)
        cells += pictures[first : first + number]
        between = [f"{i / (number - 1):.0%}" for i in range(1, number - 1)]
        labels += [objectives[k], *between, objectives[k + 1]]
    return contact_sheet(cells, labels, columns=number)
