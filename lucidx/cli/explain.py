"""`lucidx explain`."""

from __future__ import annotations

import click

from lucidx.cli.options import PAGES, class_numbers, model_option
from lucidx.cli.terminal import (
    check_output,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)
from lucidx.interfaces.presets import PRESETS

EXAMPLES = """\b
lucidx explain dog_cat.jpg
lucidx explain dog_cat.jpg -m InceptionV1 --interface compare-classes \\
    --classes "golden retriever,tiger cat" -o page.html
"""
STOPPED = "Stopped. Icons that were drawn are kept: the same command goes on there."


@click.command(epilog=EXAMPLES)
@click.argument("photo", type=click.Path(exists=True, dir_okay=False))
@model_option
@click.option(
    "--interface",
    type=click.Choice(list(PRESETS)),
    default="semantic-dictionary",
    show_default=True,
)
@click.option(
    "--classes",
    help="Labels or numbers, with commas between.  [default: the model's top predictions]",
)
@click.option("--layers", help="Names, with commas between.  [default: some that stand for all]")
@click.option(
    "--quality",
    type=click.Choice(["fast", "full"]),
    default="fast",
    show_default=True,
    help="How carefully icons are drawn.",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("-o", "--output", default="explain.html", show_default=True, help="The page: html.")
@interruptible(STOPPED)
def explain(
    photo: str, model: str, interface: str, classes: str | None, layers: str | None, quality: str,
    seed: int, output: str,
) -> None:  # fmt: skip
    """Make a page on which a person can explore what a model sees in a photo.

    The page is one file that needs no network. Icons are kept, so that the next page of the same
    model takes less time.
    """
    check_output(output, PAGES)
    loaded = load_model(model)
    chosen = None if classes is None else class_numbers(loaded, classes)
    from tqdm import tqdm

    from lucidx import interfaces

    with warnings_as_lines(), tqdm(total=100, unit="%", disable=None, leave=False) as bar:

        def progress(done: float, what: str) -> None:
            bar.set_description(what, refresh=False)
            bar.update(int(100 * done) - bar.n)
            bar.refresh()

        page = interfaces.build(
            interface,
            loaded,
            photo,
            classes=chosen,
            layers=_names(layers),
            quality=quality,
            seed=seed,
            progress=progress,
        )
    with writing(output):
        page.save(output)
    click.echo(output)


def _names(text: str | None) -> list[str] | None:
    """Names between commas."""
    if text is None:
        return None
    return [name for part in text.split(",") if (name := part.strip())]
