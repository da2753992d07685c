"""`lucidx groups`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.options import FINDINGS, default_layer, model_option
from lucidx.cli.terminal import check_output, interruptible, load_model, writing
from lucidx.errors import InvalidValueError

if TYPE_CHECKING:
    import numpy as np

    from lucidx.factorization import NeuronGroups

PICTURED = 8  # photos in a picture, a row each: more make it too tall to look at
EXAMPLES = """\b
lucidx groups dog_cat.jpg
lucidx groups dog_cat.jpg -m InceptionV1 --layer mixed4d --groups 4 -o groups.json
"""


@click.command(epilog=EXAMPLES)
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...", type=click.Path(exists=True))
@model_option
@click.option("--layer", help="By default one in the middle of the model.")
@click.option(
    "--groups", "n_groups", type=click.IntRange(1), default=6, show_default=True, help="How many."
)
@click.option(
    "--method",
    default="NMF",
    show_default=True,
    help="NMF, KMeans, or another class of sklearn.decomposition, such as PCA.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option(
    "-o",
    "--output",
    default="groups.png",
    show_default=True,
    help="png, jpg or webp: where the groups are in the photos. npz: the numbers. json: a summary.",
)
@interruptible("Stopped; nothing was written.")
def groups(
    photos: tuple[str, ...], model: str, layer: str | None, output: str, **settings: Any
) -> None:
    """Show a layer's thousands of neurons as a few groups.

    PHOTOs are pictures, and directories with pictures at any depth. Groups are neurons that are
    active together, the same groups for all photos, numbered from left to right.
    """
    check_output(output, FINDINGS, photos)
    loaded = load_model(model)
    import numpy as np

    from lucidx.factorization import neuron_groups
    from lucidx.factorization.signs import NegativeActivationsError
    from lucidx.interfaces.photos import USUAL_SIDE
    from lucidx.misc.io import save
    from lucidx.modelzoo.pictures import find_images, read_image

    layer = layer or default_layer(loaded, "neuron-groups")
    height, width, channels = loaded.image_shape
    size = (height or USUAL_SIDE, width or USUAL_SIDE, channels)
    files = find_images(photos, channels)
    images = np.stack([read_image(file, size) for file in files])
    try:
        found = neuron_groups(loaded, images, layer, **settings)
    except NegativeActivationsError as error:
        near = f", or --layer {error.near[0]}" if error.near else ""
        raise InvalidValueError(f"{error.reason} Give --method KMeans{near}.") from error
    content = {".npz": _arrays, ".json": _summary}.get(Path(output).suffix.lower(), _picture)
    with writing(output):
        save(content(found, images, files), output)
    click.echo(f"{output}: {len(found)} groups in {found.layer}, relative error {found.error:.2f}")
    if content is _picture and len(files) > PICTURED:
        click.echo(
            f"It shows {PICTURED} of {len(files)} photos, and leaves out the other "
            f"{len(files) - PICTURED}; npz and json tell of all."
        )


def _arrays(found: NeuronGroups, images: np.ndarray, files: list[str]) -> dict[str, Any]:
    import numpy as np

    return {
        "spatial": found.spatial,
        "directions": found.directions,
        "mean": found.mean,
        "error": np.float32(found.error),
        "names": np.array(found.names),
        "layer": np.array(found.layer),
        "files": np.array(files),
    }


def _summary(found: NeuronGroups, images: np.ndarray, files: list[str]) -> dict[str, Any]:
    """Of each group how much of it is in which photo, where its middle is, and its channels."""
    import numpy as np

    mass = np.abs(found.spatial)
    in_photo = mass.sum((1, 2)).T
    shares = in_photo / np.maximum(in_photo.sum(1, keepdims=True), np.finfo(np.float32).tiny)
    strongest = np.argsort(-np.abs(found.directions), axis=1, kind="stable")[:, :5]
    return {
        "layer": found.layer,
        "error": found.error,
        "made_by": dict(found.basis.origin),
        "files": files,
        "groups": [
            {
                "name": name,
                "share_of_all": float(in_photo[k].sum() / in_photo.sum()),
                "share_per_file": shares[k].tolist(),
                "column": float(found.columns[k]),
                "strongest_channels": strongest[k].tolist(),
            }
            for k, name in enumerate(found.names)
        ],
    }


def _picture(found: NeuronGroups, images: np.ndarray, files: list[str]) -> np.ndarray:
    """A row for each photo: all groups on it, and each group, above the colour that it has."""
    import numpy as np

    from lucidx.factorization.overlays import isolated, overlay
    from lucidx.misc.io.contact_sheet import contact_sheet
    from lucidx.palette import band, group_color

    shown = slice(PICTURED)
    found = replace(found, spatial=found.spatial[shown], activations=found.activations[shown])
    images, files = images[shown], files[shown]
    colors = [group_color(k) for k in range(len(found))]
    bands = [band(beside, images.shape[2]) for beside in (colors, *([c] for c in colors))]
    together, apart = overlay(found, images), isolated(found, images)
    cells, labels = [], []
    for n, file in enumerate(files):
        row = zip((together[n], *apart[:, n]), bands, strict=True)
        cells += [np.concatenate(parts) for parts in row]
        labels += [Path(file).name, *found.names]
    return contact_sheet(cells, labels, columns=len(found) + 1)
