"""`lucidx recipe cppn`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.ignored import refuse_ignored
from lucidx.cli.options import PAGES, PICTURES, model_option
from lucidx.cli.render import as_picture
from lucidx.cli.terminal import (
    check_output,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)
from lucidx.errors import InvalidValueError

if TYPE_CHECKING:
    import numpy as np

    from lucidx.recipes.cppn_function import CppnFunction

SHADERS = (*PAGES, ".glsl")
OF_LEARNING = ("model", "steps", "layers", "hidden", "seed")
EXAMPLES = """\b
lucidx recipe cppn espresso --size 1024
lucidx recipe cppn mixed4a:476 -m InceptionV1 -o candle.png -o candle.html -o candle.npz
lucidx recipe cppn --from candle.npz --size 4096 -o large.png
"""


@click.command(epilog=EXAMPLES)
@click.argument("objective", required=False, metavar="[OBJECTIVE]")
@model_option
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False),
    help="Draw what an earlier run wrote as npz, instead of learning anything.",
)
@click.option(
    "--size",
    type=click.IntRange(2, 8192),
    default=512,
    show_default=True,
    help="In pixels, of the picture; the model is shown one of its own size.",
)
@click.option("--steps", type=click.IntRange(1), default=512, show_default=True)
@click.option(
    "--layers",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Hidden layers of the network that paints.",
)
@click.option(
    "--hidden",
    type=click.IntRange(1, 256),
    default=24,
    show_default=True,
    help="Channels in each of them.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    default=["cppn.png"],
    show_default=True,
    help="May be repeated. png, jpg or webp: a picture. html: a page that draws it live, with "
    "zoom. npz: the weights. glsl: a shader.",
)
@interruptible("Stopped; nothing was written.")
def cppn(
    objective: str | None,
    model: str,
    source: str | None,
    size: int,
    outputs: tuple[str, ...],
    **settings: Any,
) -> None:
    """Let a small network paint a feature as a function of position, for any resolution.

    OBJECTIVE is a channel, such as mixed4a:476, or a class by its label. Ctrl-C stops early and
    keeps what was learned so far.
    """
    for output in outputs:
        check_output(output, (*PICTURES, ".npz", *SHADERS), [source] if source else [])
    if (objective is None) == (source is None):
        raise click.UsageError(
            "Name one of two: an OBJECTIVE to learn, or with --from what was learned before."
        )
    from lucidx.recipes.cppn_function import load_function

    if source is not None:
        refuse_ignored(OF_LEARNING, "with --from, which learns nothing")
        function = load_function(source)
        _check_shaders(function.channels, outputs)
    else:
        loaded = load_model(model)
        _check_shaders(loaded.image_shape[-1] or 3, outputs)
        from lucidx.recipes import cppn as recipe

        with warnings_as_lines():
            function = recipe.cppn(loaded, objective, **settings)
    title = objective or Path(source or "").stem
    for output in outputs:
        with writing(output):
            _write(function, output, size, title)
        click.echo(output)


def _check_shaders(channels: int, outputs: tuple[str, ...]) -> None:
    for output in outputs:
        if output.lower().endswith(SHADERS) and channels not in (1, 3):
            raise InvalidValueError(
                f"{output!r} would be a shader, which draws colours or grey; these pictures have "
                f"{channels} channels. Name a picture or npz with -o."
            )


def _write(function: CppnFunction, output: str, size: int, title: str) -> None:
    from lucidx.misc.io import save
    from lucidx.recipes import cppn_page
    from lucidx.recipes.cppn_function import save_function

    extension = Path(output).suffix.lower()
    if extension == ".npz":
        save_function(function, output)
    elif extension in PAGES:
        cppn_page.save_page(function, output, title)
    elif extension == ".glsl":
        save(cppn_page.shader(function), output)
    else:
        save(_pixels(function, size), output)


def _pixels(function: CppnFunction, size: int) -> np.ndarray:
    """The picture as uint8, which is a quarter of what it would take as floats."""
    import numpy as np
    from tqdm import tqdm

    from lucidx.recipes.cppn_function import bands, draw

    if function.channels not in (1, 3):
        return np.round(255 * as_picture(draw(function, size))).astype(np.uint8)
    drawn = tqdm(bands(function, size), unit="band", desc="cppn", leave=False, disable=None)
    return np.concatenate([np.round(255 * band).astype(np.uint8) for band in drawn])
