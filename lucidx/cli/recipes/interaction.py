"""`lucidx recipe interaction`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.options import PICTURES, model_option
from lucidx.cli.render import as_picture
from lucidx.cli.terminal import (
    check_output,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = """\b
lucidx recipe interaction mixed4d:45 mixed4d:236 mixed4d:63 -m InceptionV1
lucidx recipe interaction tabby espresso --weights=-1,0,1
"""


class Weights(click.ParamType):
    """Numbers between commas: `-1,0,1`."""

    name = "NUMBERS"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, ...]:
        """The numbers."""
        try:
            return tuple(map(float, value.split(",")))
        except ValueError:
            self.fail(f"{value!r} is not numbers with commas between, such as -1,0,1.")


@click.command(epilog=EXAMPLES)
@click.argument("objectives", nargs=-1, required=True, metavar="OBJECTIVE OBJECTIVE...")
@model_option
@click.option(
    "--weights",
    type=Weights(),
    help="Of two objectives, such as --weights=-1,0,1: every sum with these weights, in place of "
    "all pairs.",
)
@click.option(
    "--size",
    type=click.IntRange(16, 4096),
    help="Of each picture, in pixels.  [default: 128, or the model's own where it takes no other]",
)
@click.option("--steps", type=click.IntRange(1), default=256, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option(
    "-o",
    "--output",
    default="interaction.png",
    show_default=True,
    help="png, jpg or webp: one labelled sheet.",
)
@interruptible("Stopped; nothing was written.")
def interaction(
    objectives: tuple[str, ...],
    model: str,
    weights: tuple[float, ...] | None,
    output: str,
    **settings: Any,
) -> None:
    """Show how features go together: every two of them added, and each alone.

    OBJECTIVEs are channels, such as mixed4d:45, or classes by their labels. Ctrl-C stops early and
    keeps the pictures so far.
    """
    check_output(output, PICTURES)
    if len(objectives) < 2:
        raise click.UsageError("An interaction is of at least two objectives.")
    if weights and len(objectives) != 2:
        raise click.UsageError(f"--weights are for two objectives; there are {len(objectives)}.")
    loaded = load_model(model)
    from lucidx.misc.io import save
    from lucidx.misc.io.contact_sheet import contact_sheet
    from lucidx.recipes.interaction import interaction_grid, interaction_pairs

    with warnings_as_lines():
        if weights:
            grid = interaction_grid(loaded, *objectives, weights, **settings)
            a, b = objectives
            labels = [_sum_of(x, a, y, b) for x in weights for y in weights]
        else:
            grid = interaction_pairs(loaded, objectives, **settings)
            labels = _pairs(objectives)
    pictures = [as_picture(image) for row in grid for image in row]
    with writing(output):
        save(contact_sheet(pictures, labels, columns=len(grid)), output, domain=(0, 1))
    click.echo(output)


def _pairs(objectives: Sequence[str]) -> list[str]:
    """Names of all pairs; what is before the colon is said only where each stands alone."""
    short = [name.rpartition(":")[2] for name in objectives]
    if len(set(short)) < len(set(objectives)):
        short = list(objectives)
    return [
        name if a == b else f"{a} + {b}"
        for name, a in zip(objectives, short, strict=True)
        for b in short
    ]


def _sum_of(x: float, a: str, y: float, b: str) -> str:
    """Such as `"mixed4d:45 - 0.5 mixed4d:236"`."""
    terms = [(weight, name) for weight, name in ((x, a), (y, b)) if weight]
    text = ""
    for weight, name in terms:
        sign = "-" if weight < 0 else "+" if text else ""
        factor = "" if abs(weight) == 1 else f"{abs(weight):g} "
        text += f" {sign} {factor}{name}"
    return text.strip() or "nothing"
