"""`lucidx activations`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lucidx.cli.terminal import INTERRUPTED, Size, check_output, load_model

FORMATS = (".npz", ".zarr")
EXAMPLES = """\b
lucidx activations EfficientNetLite0 head photos -o acts.npz
lucidx activations InceptionV1 mixed4d photos/*.jpg --center -o acts.zarr
"""


@click.command(epilog=EXAMPLES)
@click.argument("model")
@click.argument("layer")
@click.argument("images", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("-o", "--output", required=True, help="npz or zarr.")
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True)
@click.option(
    "--size",
    type=Size(1, 4096),
    help="What the model sees: 224, or, width by height, 320x240.  [default: the model's own]",
)
@click.option("--center", is_flag=True, help="Keep only the activations at the centre: [N, C].")
@click.option(
    "--skip-unreadable",
    is_flag=True,
    help="Leave out pictures that cannot be read; they are listed.",
)
def activations(
    model: str,
    layer: str,
    images: tuple[str, ...],
    output: str,
    size: tuple[int, int] | None,
    **settings: Any,
) -> None:
    """Write the activations of a layer for many pictures to a file.

    MODEL is a name of the catalogue or a .pb file, IMAGES are pictures, and directories with
    pictures at any depth. Each is cropped about its centre to the proportions of what the model
    sees, then resized.

    The file holds the arrays `activations` [N, ...] and `files`, and what they were made from. It
    appears when it is whole. A run that was stopped goes on when the same command is given again.
    """
    if not Path(output).is_dir():
        check_output(output, FORMATS)
    loaded = load_model(model)
    if size is not None:
        size = size[::-1]  # height first
    from tqdm import tqdm

    from lucidx.modelzoo.activation_store import collect

    with tqdm(unit=" pictures", disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            if bar.n == 0:
                bar.initial = done  # not made at the speed that is shown
            bar.n = done
            bar.refresh()

        try:
            made = collect(loaded, layer, images, output, progress=progress, size=size, **settings)
        except KeyboardInterrupt:
            bar.close()
            stopped = click.ClickException(
                f"Stopped after {bar.n} of {bar.total or 'all'} pictures. The same command goes on "
                "there."
            )
            stopped.exit_code = INTERRUPTED
            raise stopped from None
    for file in made.skipped:
        click.echo(f"Skipped: {file}", err=True)
    click.echo(f"{made.path}: {' x '.join(map(str, made.shape))}")
