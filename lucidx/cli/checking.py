"""`lucidx models check`: whether a model is fed as it should be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

import lucidx
from lucidx.cli.render import PICTURES, as_picture, middle_layer
from lucidx.cli.terminal import check_output, start_tensorflow, warnings_as_lines

if TYPE_CHECKING:
    import numpy as np

    from lucidx.modelzoo.vision_base import Model

CHANNELS = 4
STEPS = 64


@click.command()
@click.argument("name", metavar="MODEL")
@click.option(
    "--image",
    "photos",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="Classify this photo, instead of two that come with lucidx. May be repeated.",
)
@click.option(
    "-o",
    "--output",
    default="check.png",
    show_default=True,
    help="What is rendered: png, jpg, webp.",
)
@click.pass_context
def check(ctx: click.Context, name: str, photos: tuple[str, ...], output: str) -> None:
    """See whether a model's value range is right: what it says of photos, and what it renders.

    MODEL is a name of the catalogue, or a .pb file that `lucidx models import` wrote. The table
    shows what the model says of photos in the range it declares, and in the usual ones; in the
    right one it tells them apart best. Ends with exit code 1 if another range is much better.
    """
    check_output(output, [p for p in PICTURES if p != ".npy"])
    model = lucidx.load(name)
    start_tensorflow()
    from lucidx import diagnosis, value_range

    height, width, channels = (side or "any" for side in model.image_shape)
    order = ", channels reversed" if model.is_BGR else ""
    declared = value_range.name_of(model.image_value_range)
    click.echo(f"{model.name}: images {height}x{width}x{channels} in {declared}{order}")
    finding = None
    if value_range.class_scores(model) is None:
        click.echo(
            "Its value range cannot be judged: that takes a classifier of RGB images, whose last "
            "layer has a score for each class."
        )
    else:
        photos = photos or tuple(_samples())
        click.echo(_table(model, [Path(photo).name for photo in photos], _fitted(model, photos)))
        finding = diagnosis.check_value_range(model)
        click.echo(str(finding or "The value range seems right: no usual one is much better."))
    with warnings_as_lines():
        layer, channels = _render(model, output)
    click.echo(f"Rendered {layer}, channels {', '.join(map(str, channels))}: {output}")
    if finding is not None:
        ctx.exit(1)


def _samples() -> list[str]:
    """Files of the photos that come with scikit-learn."""
    from sklearn.datasets import load_sample_images

    return load_sample_images().filenames


def _fitted(model: Model, photos: Sequence[str]) -> np.ndarray:
    """The middle of each photo, `[N, H, W, 3]` at the model's size."""
    import numpy as np

    from lucidx.modelzoo.pictures import read_image

    height, width = (side or 224 for side in model.image_shape[:2])
    return np.stack([read_image(photo, (height, width, 3)) for photo in photos])


def _table(model: Model, titles: list[str], images: np.ndarray) -> str:
    """Value ranges against pictures: what the model says."""
    from lucidx import value_range

    def said(bounds: tuple, photos: np.ndarray) -> list[str]:
        return [
            f"{_class_name(model, index)} {probability:.2f}"
            for index, probability in value_range.top_classes(model, photos, bounds)
        ]

    rows = [["value range", "tells photos apart", *titles]]
    for trial in value_range.trials(model):
        rows.append([trial.name, f"{trial.separation:.2f}", *said(trial.bounds, images)])
    bounds = value_range.declared(model)
    rows[1][0] += " (declared)"
    swapped = [f"{rows[1][0]}, channels reversed", "", *said(bounds, images[..., ::-1])]
    rows.insert(2, swapped)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _class_name(model: Model, index: int) -> str:
    from lucidx.errors import LucidxError
    from lucidx.misc.io.sanitizing import one_line

    try:
        labels = model.labels
    except LucidxError:
        labels = []
    return one_line(labels[index])[:30] if index < len(labels) else f"class {index}"


def _render(model: Model, output: str) -> tuple[str, list[int]]:
    """Write a sheet of the channels of a middle layer that photos, or noise, excite most."""
    import numpy as np

    from lucidx.misc.io import save
    from lucidx.misc.io.contact_sheet import contact_sheet
    from lucidx.optvis import defaults, objectives, render

    layer = middle_layer(model)
    if model.image_shape[-1] == 3:
        images = _fitted(model, _samples())
    else:
        height, width, channels = (side or 64 for side in model.image_shape)
        images = np.random.default_rng(0).uniform(size=(2, height, width, channels))
    activations = model.activations(images, layer)
    means = activations.reshape(-1, activations.shape[-1]).mean(0)
    channels = np.sort(np.argsort(-means)[:CHANNELS]).tolist()
    batch = [objectives.channel(layer, channel, batch=i) for i, channel in enumerate(channels)]
    (drawn,) = render.render_vis(
        model,
        objectives.Objective.sum(batch),
        defaults.image_for(model, [layer], batch=len(batch)),
        thresholds=(STEPS - 1,),
        verbose=False,
        seed=0,
    )
    sheet = contact_sheet([as_picture(image) for image in drawn], [f"{c}" for c in channels])
    save(sheet, output, domain=(0, 1))
    return layer, channels
