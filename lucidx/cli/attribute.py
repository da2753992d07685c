"""`lucidx attribute`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import lucidx
from lucidx.cli.render import DEFAULT_MODEL, middle_layer
from lucidx.cli.terminal import check_output, start_tensorflow
from lucidx.errors import InvalidValueError

if TYPE_CHECKING:
    import numpy as np

    from lucidx.attribution import Attribution
    from lucidx.modelzoo.vision_base import Model

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
SIZE = 224  # for models that take images of any size
CHANNELS = 5  # listed for and against each class
EXAMPLES = """\b
lucidx attribute dog_cat.jpg
lucidx attribute dog_cat.jpg -m InceptionV1 --layer mixed4d \\
    --classes "golden retriever,tiger cat" -o attribution.json
"""


@click.command(epilog=EXAMPLES)
@click.argument("photo", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "-m",
    "--model",
    default=DEFAULT_MODEL,
    show_default=True,
    help="A model's name, or the .pb file of one.",
)
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
def attribute(
    photo: str, model: str, layer: str | None, classes: str | None, method: str, output: str
) -> None:
    """Show what in a photo, and in a layer, argues for a class and against it.

    In pictures, orange argues for the class and blue against it.
    """
    check_output(output, (*PICTURES, ".npz", ".json"))
    start_tensorflow()
    from lucidx import attribution
    from lucidx.misc.io import save
    from lucidx.modelzoo.pictures import read_image

    loaded = lucidx.load(model)
    height, width, channels = loaded.image_shape
    image = read_image(photo, (height or SIZE, width or SIZE, channels))
    scores = _scores(loaded, image, classes)
    found = [
        attribution.attribute(loaded, image, score, layer or _default_layer(loaded), method)
        for score in scores.values()
    ]
    content = {".npz": _arrays, ".json": _summary}.get(Path(output).suffix.lower(), _picture)
    save(content(found, list(scores), image), output)
    described = ", ".join(f"{name} ({a.score:.2f})" for name, a in zip(scores, found, strict=True))
    click.echo(f"{output}: {described} in {found[0].layer}")


def _default_layer(model: Model) -> str:
    chosen = model.catalogue_entry.get("default_objective")
    return chosen.rpartition(":")[0] if chosen else middle_layer(model)


def _scores(model: Model, image: np.ndarray, classes: str | None) -> dict[str, str]:
    """What to attribute, by what to call it."""
    from lucidx import value_range

    layer, labels = value_range.class_scores(model), list(model.labels or ())
    if layer is None:
        raise InvalidValueError(
            f"{model.name} does not give one score per class; from Python, "
            "lucidx.attribution.attribute takes any objective as the score."
        )
    if classes is None:
        best = model.activations(image, layer).argsort()[::-1][:2].tolist()
        chosen = list(map(str, best))
    else:
        chosen = [classes] if classes in labels else [c.strip() for c in classes.split(",")]
    scores = {}
    for name in chosen:
        if name.isdecimal() and name not in labels:
            known = int(name) < len(labels)
            scores[labels[int(name)] if known else f"class {name}"] = f"{layer}:{name}"
        else:
            scores[name] = f"{layer}:{name}"
    return scores


def _arrays(found: Sequence[Attribution], names: list[str], image: np.ndarray) -> dict[str, Any]:
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


def _summary(found: Sequence[Attribution], names: list[str], image: np.ndarray) -> dict[str, Any]:
    """Of each class its score, where it comes from, and the strongest channels."""
    return {
        "model": found[0].model,
        "layer": found[0].layer,
        "method": found[0].method,
        "classes": [
            {"name": name, "score": a.score, "total": a.total, "gap": a.gap, **_parts(a)}
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


def _picture(found: Sequence[Attribution], names: list[str], image: np.ndarray) -> np.ndarray:
    from lucidx.attribution.drawing import heat_maps
    from lucidx.misc.io.contact_sheet import contact_sheet

    cells = [image, *heat_maps(list(found), image)]
    return contact_sheet(cells, ["photo", *names], columns=len(cells))
