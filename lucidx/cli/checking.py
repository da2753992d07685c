"""`lucidx models check`: whether a model is fed as it should be."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lucidx.cli.render import PICTURES, as_picture, middle_layer
from lucidx.cli.terminal import check_output, load_model, warnings_as_lines
from lucidx.errors import DiagnosisWarning

if TYPE_CHECKING:
    import numpy as np

    from lucidx.modelzoo.vision_base import Model
    from lucidx.value_range import Trial

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
    shows, for the range it declares and the usual ones: separation, how well it tells photos apart
    (1 perfectly, 0 not at all); information, how much its answers say about which photo it is
    (nats); and what it says of photos. Ends with exit code 1 if another range is much better.
    """
    check_output(output, [p for p in PICTURES if p != ".npy"])
    model = load_model(name)
    from lucidx import diagnosis, value_range

    click.echo(_summary(model))
    finding = None
    if value_range.class_scores(model) is None:
        click.echo(
            "Its value range cannot be judged: that takes a classifier of RGB images, whose last "
            "layer has a score for each class."
        )
    else:
        photos = photos or tuple(_samples())
        trials = value_range.trials(model)
        swapped = value_range.with_channels_reversed(model)
        images = _fitted(model, photos)
        click.echo(_table(model, [Path(p).name for p in photos], images, trials, swapped))
        finding = diagnosis.check_value_range(model)
        click.echo(str(finding or _verdict(trials, swapped)))
    with warnings_as_lines():
        # That has been said.
        warnings.filterwarnings("ignore", "value_range", DiagnosisWarning)
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


def _summary(model: Model) -> str:
    """What a model takes, in one line."""
    from lucidx import value_range

    height, width, channels = model.image_shape
    size = f"{height}x{width}" if height and width else "any size"
    order = ", channels reversed (BGR)" if model.is_BGR else ""
    declared = value_range.name_of(model.image_value_range)
    return f"{model.name}: images of {size}, {channels} channels{order}, in {declared}"


def _verdict(trials: Sequence[Trial], swapped: Trial) -> str:
    """What the trials say of the first, the declared one, if no other is much better."""
    from lucidx import value_range

    own, *_ = trials
    best = value_range.contenders(trials)
    if not best:
        return (
            "In no range does it tell photos apart: perhaps it is not trained, or not on photos, "
            "or it needs a range that is not usual. Its value range is not judged."
        )
    said = "The value range seems right: no usual one is much better."
    rivals = [t for t in best if t is not own and not _same(t, own)]
    if rivals:
        said += (
            f" It cannot be told for certain from {' and '.join(t.name for t in rivals)}: see how "
            "the training data were prepared."
        )
    if swapped.information > own.information and swapped.separation > 0.9 * own.separation:
        said += " With its channels reversed it knows the photos better: is is_BGR right?"
    return said


def _same(trial: Trial, other: Trial) -> bool:
    """Whether two ranges differ by less than pictures of 8 bits can show."""
    import numpy as np

    pairs = zip(trial.bounds, other.bounds, strict=True)
    scale = np.max(np.subtract(*other.bounds[::-1]))
    return all(np.max(np.abs(np.subtract(a, b))) < scale / 100 for a, b in pairs)


def _table(
    model: Model, titles: list[str], images: np.ndarray, trials: Sequence[Trial], swapped: Trial
) -> str:
    """Value ranges against photos: what the model says."""
    from lucidx import value_range

    def row(name: str, trial: Trial, photos: np.ndarray) -> list[str]:
        said = [
            f"{_class_name(model, index)} {probability:.2f}"
            for index, probability in value_range.top_classes(model, photos, trial.bounds)
        ]
        return [name, f"{trial.separation:.2f}", f"{trial.information:.2f}", *said]

    declared, *usual = trials
    rows = [
        ["value range", "separation", "information", *titles],
        row("as declared", declared, images),
        row("channels reversed", swapped, images[..., ::-1]),
        *(row(trial.name, trial, images) for trial in usual),
    ]
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
    """Write a sheet of the channels of a middle layer that photos, or noise, move most."""
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
    # Those that vary most: neither off nor saturated.
    spread = activations.reshape(-1, activations.shape[-1]).std(0)
    channels = np.sort(np.argsort(-spread)[:CHANNELS]).tolist()
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
