"""`lucidx atlas`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.ignored import refuse_ignored
from lucidx.cli.options import PAGES, PICTURES, class_numbers
from lucidx.cli.terminal import (
    Size,
    check_output,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)
from lucidx.errors import InvalidValueError

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model
    from lucidx.recipes.activation_atlas import Samples

ENGINES = ("sequential", "loky", "dask", "ray")
LISTED = 20  # pictures that were skipped
COLLECTING = ("size", "engine", "workers", "address")  # options of no use to what is collected
EXAMPLES = """\b
lucidx atlas EfficientNetLite0 block5c/output photos
lucidx atlas InceptionV1 mixed4c photos --grid 10,20,40 -o atlas.html -o atlas.png
lucidx atlas InceptionV1 mixed4c photos --classes "tabby,tiger cat" -o cats.png
lucidx atlas InceptionV1 mixed4c --activations atlas.work --take 100000 -o part.html
lucidx atlas mine.pb conv5 --activations acts.npz -o atlas.html
"""
STOPPED = "Stopped. What was done is kept: the same command goes on there."


@click.command(epilog=EXAMPLES)
@click.argument("model")
@click.argument("layer")
@click.argument("images", nargs=-1, type=click.Path(exists=True))
@click.option(
    "--activations",
    type=click.Path(exists=True),
    help="Instead of pictures: npy, npz or zarr, as `lucidx activations` writes; or the directory "
    "of another atlas (see --work).",
)
@click.option(
    "--scores",
    type=click.Path(exists=True, dir_okay=False),
    help="With --activations: what each argues for, npy or npz, [N, classes].",
)
@click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False),
    help="With --scores: names of the classes, one in each line.",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    default=["atlas.html"],
    show_default=True,
    help="html: a page to explore. png, jpg or webp: a picture. May be given more than once.",
)
@click.option(
    "--work",
    help="Directory of activations and layout, with which the next run goes on; of the layout with "
    "--activations.  [default: beside the output, atlas.work]",
)
@click.option(
    "--grid",
    help="Cells along each side, several with commas between.  [default: those of 5, 10 and 20 "
    "that there are enough activations for]",
)
@click.option("--per-image", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--size",
    type=Size(1, 4096),
    help="What the model sees: 224, or, width by height, 320x240.  [default: the model's own]",
)
@click.option("--icon-size", type=click.IntRange(8, 512), default=80, show_default=True)
@click.option(
    "--quality",
    type=click.Choice(["fast", "full"]),
    default="fast",
    show_default=True,
    help="How carefully icons are drawn.",
)
@click.option(
    "--threshold",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Cells with as many activations or fewer stay empty.",
)
@click.option(
    "--whiten/--no-whiten",
    default=None,
    help="Draw what sets cells apart from what is common.  [default: with ten activations for each "
    "channel]",
)
@click.option(
    "--classes",
    help="One or two, labels or numbers with a comma between: show where they are argued for.",
)
@click.option(
    "--only",
    help="Labels or numbers with commas between: map only what argues for one of them.",
)
@click.option(
    "--take",
    type=click.IntRange(1),
    help="Map only so many, at random: laying out grows with their number.  [default: all]",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="sequential",
    show_default=True,
    help="What activations are collected on: this process, its machine's cores, or a cluster.",
)
@click.option("--workers", type=click.IntRange(1), help="Of loky, or of a cluster started here.")
@click.option("--address", help="Of the scheduler of a dask or ray cluster.")
@interruptible(STOPPED)
def atlas(
    model: str, layer: str, images: tuple[str, ...], outputs: tuple[str, ...], work: str | None,
    grid: str | None, classes: str | None, only: str | None, activations: str | None,
    scores: str | None, labels: str | None, take: int | None, **settings: Any,
) -> None:  # fmt: skip
    """Map what a layer can see, as a page to explore or a picture.

    MODEL is a name of the catalogue or a .pb file, IMAGES are pictures, and directories with
    pictures at any depth: some thousands make a good map. One activation of each, at a random
    position, is laid out by likeness, and drawn by icons.

    Activations and layout are kept in a directory, and icons in the cache, so that a run that was
    stopped goes on there, and the next with other settings takes less time.
    """
    if bool(images) == bool(activations):
        raise click.UsageError("Name pictures, or --activations: one of the two.")
    if (scores and not activations) or (labels and not scores):
        raise click.UsageError("--scores goes with --activations, and --labels with --scores.")
    if activations:
        _check_of_use(activations)
    for output in outputs:
        check_output(output, (*PAGES, *PICTURES), images)
    grids = None if grid is None else _numbers(grid)
    directory = Path(work or f"{Path(outputs[0]).with_suffix('')}.work")
    loaded = load_model(model)
    asked = {name: text for name, text in (("classes", classes), ("only", only)) if text}
    from lucidx.misc.io import save
    from lucidx.recipes import activation_atlas as recipe

    with warnings_as_lines():
        _check_layout()
        if activations:
            found = _stored(activations, scores, labels, settings)
            named = {name: _named(found, text) for name, text in asked.items()}
            _check_classes(named)
        else:
            named = {name: class_numbers(loaded, text) for name, text in asked.items()}
            _check_classes(named)
            _check_number(loaded, layer, images, take, grids, settings)
            found = _collected(loaded, layer, images, directory, bool(asked), settings)
        if "only" in named:
            found = found.arguing_for(named["only"])
        if take:
            found = found.some(take, settings["seed"])
        chosen = named.get("classes", [])
        drawing = ("icon_size", "quality", "threshold", "whiten", "seed")
        with _percent() as progress:
            made = recipe.build(
                loaded,
                layer,
                found,
                grids=grids,
                directory=directory,
                progress=progress,
                **{name: settings[name] for name in drawing},
            )
    for output in outputs:
        with writing(output):
            if output.lower().endswith(PAGES):
                recipe.page_of(made, chosen).save(output)
            else:
                save(recipe.picture_of(made, classes=chosen), output, domain=(0, 1))
        click.echo(output)


def _numbers(text: str) -> list[int]:
    """Whole numbers between commas."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise InvalidValueError(f"--grid {text!r} is not made of whole numbers, such as 10,20.")
    return [int(part) for part in parts]


def _check_layout() -> None:
    """Say it where the map will be another one than UMAP's, once and before the work."""
    from lucidx.recipes.activation_atlas.building import layout_method

    if not layout_method().startswith("UMAP"):
        message = "This map is laid out by scikit-learn's t-SNE"
        warnings.filterwarnings("ignore", message)
        click.echo(f"{message}; for UMAP: pip install 'lucidx[atlas]'", err=True)


def _is_collection(path: str) -> bool:
    return Path(path).is_dir() and Path(path).suffix.lower() != ".zarr"


def _check_of_use(activations: str) -> None:
    collection = _is_collection(activations)
    useless = (*COLLECTING, *(("per_image", "scores", "labels") if collection else ()))
    what = "with the directory of an atlas" if collection else "with --activations"
    refuse_ignored(useless, f"{what}: these activations are collected")


def _stored(path: str, scores: str | None, labels: str | None, settings: dict[str, Any]) -> Samples:
    from lucidx.recipes import activation_atlas as recipe

    if _is_collection(path):
        return recipe.read_collection(path)
    return recipe.read_samples(
        path,
        scores=scores,
        labels=labels or (),
        per_image=settings["per_image"],
        seed=settings["seed"],
    )


def _named(samples: Samples, text: str) -> list[int]:
    """Classes between commas, of labels that need not be a model's."""
    from lucidx.recipes.activation_atlas.building import class_numbers as numbers

    parts = [part.strip() for part in text.split(",")]
    known = set(samples.labels)
    labels = samples.labels if samples.evidence is not None else ()
    return numbers(labels, [int(p) if p.isdecimal() and p not in known else p for p in parts])


def _check_classes(named: dict[str, list[int]]) -> None:
    number = len(named.get("classes", []))
    if number > 2:
        raise InvalidValueError(f"--classes is one class or two, not {number}.")


def _check_number(
    model: Model, layer: str, images: Sequence[str], take: int | None, grids: list[int] | None,
    settings: dict[str, Any],
) -> None:  # fmt: skip
    """Find out, before hours of work, whether there are enough pictures."""
    from lucidx.modelzoo.pictures import find_images
    from lucidx.recipes.activation_atlas.building import check_number

    number = len(find_images(images, model.image_shape[-1] or 3)) * settings["per_image"]
    number = min(number, take or number)
    check_number(model, layer, number, grids=grids, whiten=settings["whiten"])


def _collected(
    model: Model, layer: str, images: Sequence[str], directory: Path, classes: bool,
    settings: dict[str, Any],
) -> Samples:  # fmt: skip
    from tqdm import tqdm

    from lucidx.recipes import activation_atlas as recipe
    from lucidx.recipes.activation_atlas.evidence import scores_for

    if classes and scores_for(model, layer) is None:
        raise InvalidValueError(
            f"{model.name} has no scores of classes that depend on {layer!r}: leave out --classes "
            "and --only."
        )
    size = settings["size"]
    names = ("per_image", "seed", "engine", "workers", "address")
    with tqdm(unit=" pictures", disable=None, desc="activations", leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            if bar.n == 0:
                bar.initial = done  # not made at the speed that is shown
            bar.n = done
            bar.refresh()

        made = recipe.collect(
            model,
            layer,
            images,
            directory,
            size=None if size is None else size[::-1],  # height first
            progress=progress,
            **{name: settings[name] for name in names},
        )
    for name, reason in made.skipped[:LISTED]:
        click.echo(f"Skipped: {name}: {reason}", err=True)
    if len(made.skipped) > LISTED:
        rest = len(made.skipped) - LISTED
        click.echo(f"... and {rest} more, which {directory}/shards/*.json list.", err=True)
    if made.without_evidence:
        click.echo(f"Cells have no classes: {made.without_evidence}.", err=True)
    return recipe.read_collection(directory)


@contextmanager
def _percent() -> Iterator[Callable[[float, str], None]]:
    from tqdm import tqdm

    with tqdm(total=100, unit="%", disable=None, leave=False) as bar:

        def progress(done: float, what: str) -> None:
            bar.set_description(what, refresh=False)
            bar.update(int(100 * done) - bar.n)
            bar.refresh()

        yield progress
