"""`lucidx recipe circuit`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.ignored import refuse_ignored
from lucidx.cli.options import PAGES, PICTURES, model_option
from lucidx.cli.terminal import (
    check_output,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)
from lucidx.errors import CorruptFileError, InvalidValueError

if TYPE_CHECKING:
    import numpy as np

    from lucidx.modelzoo.vision_base import Model

OF_ICONS = ("number", "size", "steps")
EXAMPLES = """\b
lucidx recipe circuit block2a/output block2b/output:3 --relu mean
lucidx recipe circuit conv2d1 conv2d2:20 -m InceptionV1 -o circuit.png
lucidx recipe circuit mixed3b mixed4b:300 -m InceptionV1 -o weights.npz
"""


class Unit(click.ParamType):
    """A channel of a layer: `mixed4b:12`."""

    name = "LAYER:CHANNEL"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, int]:
        """The layer, and the channel's number."""
        found = re.fullmatch(r"\s*(.*\S)\s*:\s*(\d{1,9})\s*", value, re.ASCII | re.DOTALL)
        if not found:
            self.fail(f"{value!r} is not a layer, a colon and a channel, such as mixed4b:12.")
        return found[1], int(found[2])


@click.command(epilog=EXAMPLES)
@click.argument("layer_from")
@click.argument("unit", metavar="LAYER_TO:CHANNEL", type=Unit())
@model_option
@click.option(
    "--number",
    type=click.IntRange(1, 64),
    default=6,
    show_default=True,
    help="How many channels to show for it, and how many against it.",
)
@click.option(
    "--groups",
    type=click.IntRange(1, 8),
    default=3,
    show_default=True,
    help="How many groups of channels to show all weights in.",
)
@click.option(
    "--relu",
    type=click.Choice(["linear", "mean"]),
    default="linear",
    show_default=True,
    help="What ReLUs between the layers pass on: all, or as much as they do on average over "
    "photos, which mostly predicts better.",
)
@click.option(
    "--photos",
    multiple=True,
    type=click.Path(exists=True),
    help="A picture, or a directory of pictures, to see in how well the weights predict the "
    "channel; what cannot be read is skipped. May be repeated.  [default: parts of two photos that "
    "come with lucidx]",
)
@click.option(
    "--size", type=click.IntRange(16, 512), default=96, show_default=True, help="Of icons."
)
@click.option("--steps", type=click.IntRange(1), default=256, show_default=True, help="Of icons.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option(
    "-o",
    "--output",
    default="circuit.html",
    show_default=True,
    help="html: a page. png, jpg or webp: a picture. npz: all weights, without icons.",
)
@interruptible("Stopped. Icons that were drawn are kept: the same command goes on there.")
def circuit(
    layer_from: str, unit: tuple[str, int], model: str, output: str, **settings: Any
) -> None:
    """Show what a channel is made of: the weights of an earlier layer's channels on it.

    The layers need not be adjacent: what is between them is taken to be linear, and how well that
    predicts the channel is said.
    """
    check_output(output, (*PAGES, *PICTURES, ".npz"), settings["photos"])
    kind = Path(output).suffix.lower()
    if kind == ".npz":
        refuse_ignored(OF_ICONS, "in .npz: it holds all weights, without icons")
    loaded = load_model(model)
    photos = _read(loaded, settings.pop("photos"))
    from lucidx.misc.io import save
    from lucidx.recipes import circuits

    with warnings_as_lines():
        if kind == ".npz":
            content = _arrays(loaded, layer_from, unit, photos, settings)
        else:
            found = circuits.circuit(loaded, layer_from, *unit, photos=photos, **settings)
            content = circuits.page_of(found) if kind in PAGES else circuits.picture(found)
    with writing(output):
        if kind in PAGES:
            content.save(output)
        else:
            save(content, output, **({} if kind == ".npz" else {"domain": (0, 1)}))
    click.echo(output)


def _read(model: Model, paths: tuple[str, ...]) -> np.ndarray | None:
    """Photos at the model's size, `[N, H, W, C]`; None if none are named."""
    if not paths:
        return None
    import numpy as np

    from lucidx.modelzoo.pictures import find_images, read_image
    from lucidx.recipes.rendering import window

    channels = model.image_shape[-1] or 3
    pictures = []
    for file in find_images(paths, channels):
        try:
            pictures.append(read_image(file, (*window(model), channels)))
        except (CorruptFileError, InvalidValueError) as error:
            click.echo(f"Skipped: {error}", err=True)
    if len(pictures) < 3:
        raise InvalidValueError(
            "--photos: a correlation is over at least three pictures that can be read, not "
            f"{len(pictures)}."
        )
    return np.stack(pictures)


def _arrays(
    model: Model,
    layer_from: str,
    unit: tuple[str, int],
    photos: np.ndarray | None,
    settings: dict[str, Any],
) -> dict[str, Any]:
    import json

    import numpy as np

    from lucidx.recipes.circuits import expanded_weights, predictions, weight_groups

    layer_to, channel = unit
    weights = expanded_weights(
        model, layer_from, layer_to, [channel], relu=settings["relu"], photos=photos
    )
    groups = weight_groups(weights, settings["groups"], seed=settings["seed"])
    return {
        "weights": weights.values[0],
        "norms": weights.strengths[0],
        "sums": weights.sums[0],
        "corner": np.array(weights.corner),
        "group_directions": groups.basis.directions,
        "group_kernels": groups.kernels[0],
        "correlation": np.float32(predictions(model, weights, photos).correlations()[0]),
        "name": np.array(weights.names[0]),
        "layer_from": np.array(weights.layer_from),
        "origin": np.array(json.dumps(dict(weights.origin))),
    }
