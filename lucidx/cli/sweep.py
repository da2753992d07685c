"""`lucidx sweep`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.ignored import refuse_ignored
from lucidx.cli.terminal import INTERRUPTED, load_model, warnings_as_lines
from lucidx.errors import InvalidValueError

if TYPE_CHECKING:
    from lucidx.basis import Basis
    from lucidx.modelzoo.vision_base import Model

EXAMPLES = """\b
lucidx sweep EfficientNetLite0 --layers block5c/output --channels 0,3,9 --out some
lucidx sweep InceptionV1 --layers "mixed4*" --out inception
lucidx sweep InceptionV1 --channels top:8 --images photos --out favourites
lucidx sweep InceptionV1 --layers mixed4d --directions decoder.npy --out dictionary
lucidx sweep InceptionV1 --engine dask --address tcp://10.0.0.1:8786 --out /shared/inception
"""


@click.command(epilog=EXAMPLES)
@click.argument("model")
@click.option(
    "--layers",
    default="all",
    show_default=True,
    help="Names with commas between, patterns such as 'mixed4*', or all that `lucidx models info` "
    "lists.",
)
@click.option(
    "--channels",
    default="all",
    show_default=True,
    help="Of each layer: all, numbers such as 0,3,9, or top:8 for the 8 most active for --images.",
)
@click.option(
    "--directions",
    type=click.Path(exists=True, dir_okay=False),
    help="Instead of channels, directions in one of the --layers: an .npy file [K, C], a row for "
    "each, or an .npz with `directions` and their `names`.",
)
@click.option(
    "--images",
    multiple=True,
    type=click.Path(exists=True),
    help="Pictures, or directories with pictures, for --channels top:8.",
)
@click.option(
    "--size", type=click.IntRange(16, 4096), default=128, show_default=True, help="In pixels."
)
@click.option("--steps", type=click.IntRange(1), default=256, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=16,
    show_default=True,
    help="Pictures drawn at once by each worker.",
)
@click.option(
    "--engine",
    type=click.Choice(["loky", "dask", "ray"]),
    default="loky",
    show_default=True,
    help="loky: processes of this machine. dask and ray: a cluster.",
)
@click.option("--address", help="Of the scheduler of a cluster; without, one is started here.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Processes.  [default: one for each core; one where there is a GPU]",
)
@click.option(
    "-o", "--out", required=True, type=click.Path(file_okay=False), help="Directory for the result."
)
def sweep(
    model: str, directions: str | None, images: tuple[str, ...], out: str, **settings: Any
) -> None:
    """Draw all channels of layers, or of a whole model, or directions in a layer.

    MODEL is a name of the catalogue or a model file. What was stopped, or killed, goes on when the
    same command is given again. At the end, index.html in the directory shows all pictures,
    index.csv lists them, and sprites has one image for each layer.
    """
    from lucidx import engines

    engines.check(settings["engine"], settings["workers"], settings["address"])
    if directions:
        refuse_ignored(("channels", "images"), "with --directions, which are what is drawn")
    loaded = load_model(model)
    from lucidx.sweep import sweep as run

    if directions:
        layer = settings.pop("layers").strip()
        if layer == "all" or set(layer) & set(",*?["):
            raise click.UsageError("--directions are in one layer: name it with --layers.")
        del settings["channels"]
        settings["basis"] = _basis(loaded, layer, directions)

    try:
        with warnings_as_lines():
            swept = run(loaded, out, images=images or None, **settings)
    except KeyboardInterrupt:
        raise _failure(
            f"Stopped.{_progress(out)} The same command goes on there.", INTERRUPTED
        ) from None
    except engines.ClusterLostError as error:
        raise _failure(str(error), 1) from error
    dead = sum(picture.dead for picture in swept.pictures)
    noted = f", {dead} of them dead (no gradient reaches them)" if dead else ""
    click.echo(f"{Path(out) / 'index.html'}: {len(swept.pictures)} pictures{noted}")
    for name, reason in swept.failed.items():
        click.echo(f"Failed: {name}: {reason}", err=True)
    if swept.failed:
        names = ", ".join([*swept.failed][:3]) + (", ..." if len(swept.failed) > 3 else "")
        raise _failure(
            f"{len(swept.failed)} batches failed ({names}). The same command tries them again.", 1
        )


def _basis(model: Model, layer: str, path: str) -> Basis:
    """Directions in a file as a basis of a layer."""
    import numpy as np

    from lucidx import basis
    from lucidx.misc.io import load

    if not path.lower().endswith((".npy", ".npz")):
        raise InvalidValueError(f"--directions {path!r} does not end in one of .npy, .npz.")
    content = load(path)
    if isinstance(content, np.ndarray):
        return basis.directions(layer, content, model=model)
    with content:
        if "directions" not in content:
            held = ", ".join(map(repr, content)) or "nothing"
            raise InvalidValueError(f"{path!r} holds no array 'directions'; it holds {held}.")
        names = content.get("names")
        if names is not None and (names.ndim != 1 or names.dtype.kind != "U"):
            raise InvalidValueError(
                f"The names in {path!r} are text [K]; these are {names.dtype} {list(names.shape)}."
            )
        return basis.directions(layer, content["directions"], names, model=model)


def _failure(message: str, code: int) -> click.ClickException:
    failure = click.ClickException(message)
    failure.exit_code = code
    return failure


def _progress(out: str) -> str:
    """How far a sweep is that was stopped."""
    directory = Path(out)
    try:
        batches = json.loads((directory / "sweep.json").read_bytes())["batches"]
        done = sum((directory / "done" / f"{batch['name']}.json").exists() for batch in batches)
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return f" {done} of {len(batches)} batches are done."
