"""`lucidx attribute`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.options import FINDINGS, class_numbers, default_layer, model_option
from lucidx.cli.terminal import check_output, interruptible, load_model, writing
from lucidx.errors import InvalidValueError

if TYPE_CHECKING:
    import numpy as np

    from lucidx.attribution import Attribution

TOP = 2  # predictions that are explained where no classes are named
CHANNELS = 5  # listed for and against each class
EXAMPLES = """\b
lucidx attribute dog_cat.jpg
lucidx attribute dog_cat.jpg -m InceptionV1 --layer mixed4d \\
    --classes "golden retriever,tiger cat" -o attribution.json
"""


@click.command(epilog=EXAMPLES)
@click.argument("photo", type=click.Path(exists=True, dir_okay=False))
@model_option
@click.option("--layer", help="Or `input`. By default one in the middle of the model.")
@click.option(
    "--classes",
    help="Labels or numbers, with commas between.  [default: the model's two top predictions]",
)
@click.option(
    "--method",
    default="path",
    show_default=True,
    help="gradient, linear, path, stochastic_path, smoothed, grad_cam, or ablation.",
)
@click.option(
    "-o",
    "--output",
    default="attribution.png",
    show_default=True,
    help="png, jpg or webp: where in the photo. npz: the numbers. json: a summary.",
)
@interruptible("Stopped; nothing was written.")
def attribute(
    photo: str, model: str, layer: str | None, classes: str | None, method: str, output: str
) -> None:
    """Show what in a photo, and in a layer, argues for a class and against it.

    In pictures, teal argues for the class and orange against it.
    """
    check_output(output, FINDINGS, [photo])
    loaded = load_model(model)
    from lucidx import attribution, value_range
    from lucidx.interfaces import photos
    from lucidx.interfaces.compute import find_classes
    from lucidx.misc.io import save

    scores = value_range.class_scores(loaded)
    if scores is None:
        raise InvalidValueError(
            f"{loaded.name} does not give one score per class; from Python, "
            "lucidx.attribution.attribute takes any objective as the score."
        )
    read = photos.read(photo, loaded)
    asked = TOP if classes is None else class_numbers(loaded, classes)
    chosen = find_classes(loaded, read, asked)
    layer = layer or default_layer(loaded, "channel-attribution")
    found = [
        attribution.attribute(loaded, read.image, f"{scores}:{index}", layer, method)
        for index in chosen.indices
    ]
    content = {".npz": _arrays, ".json": _summary}.get(Path(output).suffix.lower(), _picture)
    with writing(output):
        save(content(found, chosen.labels, read.image), output)
    described = (f"{name} ({a.score:.2f})" for name, a in zip(chosen.labels, found, strict=True))
    click.echo(f"{output}: {', '.join(described)} in {found[0].layer}")


def _arrays(
    found: Sequence[Attribution], names: Sequence[str], image: np.ndarray
) -> dict[str, Any]:
    import numpy as np

    return {
        "image": image,
        "classes": np.array(names),
        "scores": np.float32([a.score for a in found]),
        "values": np.stack([a.values for a in found]),
        "activations": found[0].activations,
        "model": np.array(found[0].model),
        "layer": np.array(found[0].layer),
        "method": np.array(found[0].method),
    }


def _summary(
    found: Sequence[Attribution], names: Sequence[str], image: np.ndarray
) -> dict[str, Any]:
    """Of each class its score, where it comes from, and the strongest channels.

    Steps along a path are weighted so that they add up, so a small gap says little of how exact
    they are; the unweighted gap says more.
    """
    return {
        "model": found[0].model,
        "layer": found[0].layer,
        "method": found[0].method,
        "classes": [
            {
                "name": name,
                "score": a.score,
                "total": a.total,
                "gap": a.gap,
                "unweighted_gap": a.unweighted_gap,
                **_parts(a),
            }
            for name, a in zip(names, found, strict=True)
        ],
    }


def _parts(found: Attribution) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if found.of_positions:
        parts["spatial"] = found.spatial()
    if found.of_channels:
        parts |= found.top(CHANNELS)._asdict()
    return parts


def _picture(found: Sequence[Attribution], names: Sequence[str], image: np.ndarray) -> np.ndarray:
    """The photo, the map of each class, and below what the colours mean."""
    import numpy as np

    from lucidx import palette
    from lucidx.attribution.drawing import heat_maps
    from lucidx.misc.io.contact_sheet import contact_sheet

    cells = [image, *heat_maps(list(found), image)]
    sheet = contact_sheet(cells, ["photo", *names], columns=len(cells))
    means = {palette.FOR: "argues for it", palette.AGAINST: "against it"}
    blank = [palette.band(["#ffffff"], image.shape[1])] * (len(cells) - len(means))
    key = [palette.band([color], image.shape[1]) for color in means]
    below = contact_sheet([*key, *blank], [*means.values(), *[""] * len(blank)], columns=len(cells))
    return np.concatenate([sheet, below])
