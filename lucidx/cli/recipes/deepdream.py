"""`lucidx recipe deepdream`."""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.ignored import refuse_ignored
from lucidx.cli.options import PICTURES, model_option
from lucidx.cli.terminal import (
    check_output,
    check_side,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)
from lucidx.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np

VIDEOS = (".mp4", ".mov", ".webm")
MOVING = (".gif", *VIDEOS)
EXAMPLES = """\b
lucidx recipe deepdream photo.jpg
lucidx recipe deepdream photo.jpg -m InceptionV1 --objective mixed4b --guide flowers.jpg
lucidx recipe deepdream photo.jpg --size 480 --frames 200 -o dream.mp4
"""


@click.command(epilog=EXAMPLES)
@click.argument("photo", type=click.Path(exists=True, dir_okay=False))
@model_option
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    metavar="LAYER[:CHANNEL]|CLASS",
    help="What there is to be more of; several are added.  [default: a layer two thirds into the "
    "model]",
)
@click.option(
    "--guide",
    type=click.Path(exists=True, dir_okay=False),
    help="A picture whose features are to appear; --objective is then the layer.",
)
@click.option(
    "--octaves",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Sizes to dream at, up to the photo's own.",
)
@click.option(
    "--octave-scale",
    type=click.FloatRange(1.01, 8),
    default=1.4,
    show_default=True,
    help="By which each is larger than the one before.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    help="Updates in each octave.  [default: 10, or 2 for each frame of a video]",
)
@click.option(
    "--step-size",
    type=click.FloatRange(1e-6, 1),
    default=0.006,
    show_default=True,
    help="Mean change in an update; white is 1.",
)
@click.option("--tile", type=click.IntRange(64), help="Of the gradient, in pixels.  [default: 512]")
@click.option(
    "--size", type=click.IntRange(16), help="Longest side in pixels.  [default: the photo's]"
)
@click.option(
    "--frames", type=click.IntRange(1), default=100, show_default=True, help="Of a gif or video."
)
@click.option(
    "--zoom",
    type=click.FloatRange(1, 2),
    default=1.03,
    show_default=True,
    help="From frame to frame.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option(
    "-o",
    "--output",
    default="deepdream.png",
    show_default=True,
    help="png, jpg or webp. gif, mp4, mov or webm: a flight into the dream.",
)
@interruptible("Stopped; nothing was written.")
def deepdream(
    photo: str,
    model: str,
    objectives: tuple[str, ...],
    guide: str | None,
    steps: int | None,
    frames: int,
    zoom: float,
    output: str,
    **settings: Any,
) -> None:
    """Add to a photo more of what a network sees in it.

    Ctrl-C stops early and keeps the dream so far.
    """
    check_output(output, (*PICTURES, *MOVING), [file for file in (photo, guide) if file])
    extension = Path(output).suffix.lower()
    if extension not in MOVING:
        refuse_ignored(("frames", "zoom"), f"in a {extension[1:]}, which does not move")
    if extension in VIDEOS and not importlib.util.find_spec("imageio_ffmpeg"):
        raise MissingExtraError("imageio-ffmpeg", "video", "Writing a video")
    if guide and len(objectives) > 1:
        raise click.UsageError("--guide goes with one --objective, a layer.")
    from lucidx.cli.recipes.photos import as_channels_of, read_photo

    pictures = [read_photo(path) for path in filter(None, (photo, guide))]
    side = max(pictures[0].shape[:2])
    check_side(output, min(side, settings["size"] or side))
    loaded = load_model(model)
    from lucidx.misc.io import save
    from lucidx.optvis.objectives import Objective
    from lucidx.recipes import deepdream as recipe

    start, *guides = (as_channels_of(loaded, picture) for picture in pictures)
    objective = objectives[0] if objectives else None
    if len(objectives) > 1:
        objective = Objective.sum(recipe.dream_objective(loaded, each) for each in objectives)
    settings |= {"guide": guides[0] if guides else None}
    if steps:
        settings["steps"] = steps
    with warnings_as_lines():
        if extension in MOVING:
            dream = recipe.dream_zoom(loaded, start, objective, zoom=zoom, **settings)
            _write_animation(islice(dream, frames), frames, output)
        else:
            dream = recipe.deepdream(loaded, start, objective, **settings)
            with writing(output):
                save(dream, output, domain=(0, 1))
    click.echo(output)


def _write_animation(dream: Any, number: int, output: str) -> None:
    import numpy as np
    from tqdm import tqdm

    from lucidx.misc.io.streaming import stream_animation

    def rgb(frame: np.ndarray) -> np.ndarray:
        return np.broadcast_to(frame, (*frame.shape[:2], 3))

    with writing(output), _finishing() as interrupted:
        bar = tqdm(dream, total=number, unit="frame", desc="deepdream", leave=False, disable=None)
        stream_animation(map(rgb, _until(interrupted, bar)), output)


@contextlib.contextmanager
def _finishing() -> Iterator[threading.Event]:
    """Let the block finish when Ctrl-C is pressed, which it is told; pressed again, it stops.

    Wherever it is pressed, also while a frame is encoded, what is written stays whole.
    """
    pressed = threading.Event()

    def finish(*_: Any) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, finish)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _until(event: threading.Event, frames: Iterable[Any]) -> Iterator[Any]:
    for frame in frames:
        yield frame
        if event.is_set():
            return
