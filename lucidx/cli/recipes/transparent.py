"""`lucidx recipe transparent`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.options import PICTURES, model_option
from lucidx.cli.render import FRAMES, VIDEOS
from lucidx.cli.terminal import (
    check_output,
    check_side,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)
from lucidx.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np

MOVING = (".gif", *VIDEOS)
WITH_OPACITY = (".png", ".webp")
WAYS = ("transparent", "premultiplied", "checkerboard")
FRAMES_PER_SECOND = 20
EXAMPLES = """\b
lucidx recipe transparent pomegranate
lucidx recipe transparent mixed4d:236 -m InceptionV1 --neuron -o object.png
lucidx recipe transparent mixed4d:236 -m InceptionV1 --over "#202040" -o how.mp4
"""


@click.command(epilog=EXAMPLES)
@click.argument("objectives", nargs=-1, required=True, metavar="OBJECTIVE...")
@model_option
@click.option(
    "--neuron",
    is_flag=True,
    help="Of channels, draw the neuron in the middle: one object, with nothing around it.",
)
@click.option(
    "--size", type=click.IntRange(16, 4096), help="In pixels.  [default: the model's own]"
)
@click.option("--steps", type=click.IntRange(1), default=256, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option(
    "--over",
    metavar="BACKGROUND",
    help="transparent (png and webp); premultiplied: colours multiplied by opacity, which a gif or "
    "video shows below; checkerboard; or a colour, such as white or #202040.  [default: "
    "transparent where the file can be, else checkerboard]",
)
@click.option(
    "-o",
    "--output",
    default="transparent.png",
    show_default=True,
    help="png, jpg or webp: the pictures, side by side. gif, mp4, mov or webm: how they came "
    "about.",
)
@interruptible("Stopped; nothing was written.")
def transparent(
    objectives: tuple[str, ...],
    model: str,
    neuron: bool,
    size: int | None,
    over: str | None,
    output: str,
    **settings: Any,
) -> None:
    """Draw features that are transparent where it does not matter what is there.

    OBJECTIVEs are channels, such as mixed4d:236, or classes by their labels. Ctrl-C stops early and
    keeps the pictures so far.
    """
    check_output(output, (*PICTURES, *MOVING))
    extension = Path(output).suffix.lower()
    over = _checked_background(over, extension)
    if extension in VIDEOS and not importlib.util.find_spec("imageio_ffmpeg"):
        raise MissingExtraError("imageio-ffmpeg", "video", "Writing a video")
    loaded = load_model(model)
    from lucidx.recipes.rendering import window

    check_side(output, (size or window(loaded)[1]) * len(objectives))
    from lucidx.misc.io import save
    from lucidx.misc.io.animation import save_animation
    from lucidx.optvis import objectives as goals
    from lucidx.recipes import transparent as recipe

    wanted: list[Any] = list(objectives)
    if neuron:
        wanted = [goals.neuron(*goals.layer_and_channel(name)) for name in objectives]
    if extension in MOVING:
        settings["frames"] = FRAMES
    with warnings_as_lines():
        images, frames = recipe.transparent(loaded, wanted, size, **settings)
    with writing(output):
        if extension in MOVING:
            last = _row(images, over, moving=True)
            way = [_row(frame / 255, over, moving=True) for frame in frames]
            save_animation([*way, *[last] * FRAMES_PER_SECOND], output, fps=FRAMES_PER_SECOND)
        else:
            save(_row(images, over), output, domain=(0, 1))
    click.echo(output)


def _checked_background(over: str | None, extension: str) -> str:
    """What `--over` says, or means where it says nothing."""
    has_opacity = extension in WITH_OPACITY
    over = over or ("transparent" if has_opacity else "checkerboard")
    possible = {"transparent": has_opacity, "premultiplied": has_opacity or extension in MOVING}
    if not possible.get(over, True):
        raise click.UsageError(
            f"A {extension[1:]} has no opacity, which --over {over} needs: name a png or webp "
            "with -o, or another --over."
        )
    if over not in WAYS:
        _color(over)
    return over


def _color(name: str) -> tuple[float, float, float]:
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(name)
    except ValueError:
        raise click.UsageError(
            f"--over {name!r} is neither a colour, such as white or #202040, nor one of "
            f"{', '.join(WAYS)}."
        ) from None
    return red / 255, green / 255, blue / 255


def _row(images: np.ndarray, over: str, moving: bool = False) -> np.ndarray:
    """Pictures `[N, H, W, 4]` side by side, with or without opacity."""
    import numpy as np

    from lucidx.recipes import transparent as recipe

    row = np.hstack(images)
    if over == "transparent":
        return row
    if over == "premultiplied":
        row = recipe.premultiplied(row)
        return np.vstack([row[..., :3], row[..., 3:].repeat(3, -1)]) if moving else row
    if over == "checkerboard":
        return recipe.over(row, recipe.checkerboard(*row.shape[:2]))
    return recipe.over(row, _color(over))
