"""`lucidx explain`."""

from __future__ import annotations

import warnings

import click

from lucidx.cli.render import DEFAULT_MODEL
from lucidx.cli.terminal import check_output, load_model, warnings_as_lines
from lucidx.errors import DiagnosisWarning
from lucidx.interfaces.presets import PRESETS

EXAMPLES = """\b
lucidx explain dog_cat.jpg
lucidx explain dog_cat.jpg -m InceptionV1 --interface compare-classes \\
    --classes "golden retriever,tiger cat" -o page.html
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
def explain(
    photo: str, model: str, interface: str, classes: str | None, layers: str | None, quality: str,
    seed: int, output: str,
) -> None:  # fmt: skip
    """Make a page on which a person can explore what a model sees in a photo.

    The page is one file that needs no network. Icons are kept, so that the next page of the same
    model takes less time.
    """
    check_output(output, (".html", ".htm"))
    loaded = load_model(model)
    from tqdm import tqdm

    from lucidx import interfaces

    with warnings_as_lines(), tqdm(total=100, unit="%", disable=None, leave=False) as bar:

        def progress(done: float, what: str) -> None:
            bar.set_description(what, refresh=False)
            bar.update(int(100 * done) - bar.n)
            bar.refresh()

        # One of many icons may die while it is drawn; it stays what it was.
        warnings.filterwarnings("ignore", "dead_gradient", DiagnosisWarning)
        page = interfaces.build(
            interface,
            loaded,
            photo,
            classes=_names(classes),
            layers=_names(layers),
            quality=quality,
            seed=seed,
            progress=progress,
        )
        page.save(output)
    click.echo(output)


def _names(text: str | None) -> list[str | int] | None:
    """Names or numbers between commas."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    return [int(name) if name.isdecimal() else name for name in names if name]
