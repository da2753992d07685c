"""`lucidx render`."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

import lucidx
from lucidx.cli.terminal import check_output, quietly, warnings_as_lines
from lucidx.errors import InvalidValueError, MissingExtraError

if TYPE_CHECKING:
    import numpy as np

    from lucidx.modelzoo.vision_base import Model

DEFAULT_MODEL = "EfficientNetLite0"
FRAMES = 80  # at most, in a GIF or video
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".npy")
VIDEOS = (".mp4", ".mov", ".webm")


@click.command()
@click.argument("objectives", nargs=-1, metavar="[LAYER:CHANNEL ...]")
@click.option("-m", "--model", default=DEFAULT_MODEL, show_default=True, help="A model's name.")
@click.option(
    "--size", type=click.IntRange(16, 4096), default=128, show_default=True, help="In pixels."
)
@click.option("--steps", type=click.IntRange(1), default=512, show_default=True)
@click.option("--batch", is_flag=True, help="Optimise several objectives at once, in one batch.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option(
    "--param",
    type=click.Choice(["fft", "pixel", "laplacian", "grayscale", "cppn"]),
    default="fft",
    show_default=True,
    help="What the image is made of.",
)
@click.option(
    "--transforms",
    type=click.Choice(["standard", "jitter", "none"]),
    default="standard",
    show_default=True,
    help="How the image is moved before the model sees it.",
)
@click.option(
    "-o",
    "--output",
    default="render.png",
    show_default=True,
    help="png, jpg, webp or npy. Several objectives make one labelled sheet; with {} in the name, "
    "which stands for the objective, they make a file each.",
)
@click.option("--gif", help="Also write how the image came about, as a GIF.")
@click.option("--video", help="The same as a video: mp4, mov or webm.")
def render(
    objectives: tuple[str, ...], model: str, batch: bool, output: str, gif: str | None,
    video: str | None, **settings: Any,
) -> None:  # fmt: skip
    r"""Render what channels of a model look for.

    Without arguments: a channel of the default model that is worth seeing. Ctrl-C stops early and
    keeps the picture so far.

    \b
      lucidx render
      lucidx render block5c/output:3 block5c/output:9 --batch -o both.png
      lucidx render mixed4a:476 --model InceptionV1 --gif how.gif
    """
    check_output(output, PICTURES)
    if gif:
        check_output(gif, (".gif",))
    if video:
        check_output(video, VIDEOS)
        if not importlib.util.find_spec("imageio_ffmpeg"):
            raise MissingExtraError("imageio-ffmpeg", "video", "Writing a video")
    if (gif or video) and len(objectives) > 1 and not batch:
        raise click.UsageError("--gif and --video show one run: add --batch.")
    loaded = lucidx.load(model)
    objectives = tuple(dict.fromkeys(objectives)) or (_default_objective(loaded),)
    files = [output.replace("{}", _file_name(objective)) for objective in objectives]
    if "{}" in output and len(set(files)) < len(files):
        raise InvalidValueError(f"{output!r} gives several objectives the same file.")

    with quietly():
        import numpy as np
        import tensorflow as tf

        tf.constant(0)  # finds the devices
    frames: list[np.ndarray] = []
    keep = _frame_keeper(frames, settings["steps"]) if gif or video else None
    with warnings_as_lines():
        images = _render_all(loaded, objectives, batch=batch, on_step=keep, **settings)
    _save_images(images, objectives, output)
    if keep is not None and not frames:
        frames.append(np.hstack(images))
    for path in filter(None, (gif, video)):
        from lucidx.misc.io.animation import save_animation

        save_animation(frames, path)
        click.echo(path)


def _render_all(
    model: Model, objectives: Sequence[str], *, size: int, steps: int, batch: bool, seed: int,
    param: str, transforms: str, on_step: Callable[..., Any] | None,
) -> list[np.ndarray]:  # fmt: skip
    """One image `[H, W, C]` per objective; fewer when interrupted."""
    import tensorflow as tf

    from lucidx.optvis import ascent, transform
    from lucidx.optvis.objectives import Objective, channel, layer_and_channel
    from lucidx.optvis.render import Visualization, render_vis

    # Mistakes in any objective are found out before the first is rendered.
    targets = [layer_and_channel(text) for text in objectives]
    for target in targets:
        spec = tf.TensorSpec([1, size, size, model.image_shape[-1]], tf.float32)
        ascent.layers_read(model, channel(*target), spec)
    interrupted = False

    def run(objective: Any, count: int) -> list[np.ndarray]:
        made = 0

        def after_step(vis: Visualization, value: Any) -> None:
            nonlocal made
            made = vis.step
            if on_step is not None:
                on_step(vis, value)

        nonlocal interrupted
        images = render_vis(
            model,
            objective,
            _param_f(param, size, count),
            transforms={"standard": None, "jitter": [transform.jitter(8)], "none": []}[transforms],
            thresholds=(steps - 1,),
            verbose=False,
            seed=seed,
            on_step=after_step,
        )[-1]
        interrupted = made < steps
        return list(images)

    if batch:
        each = [channel(*target, batch=i) for i, target in enumerate(targets)]
        return run(Objective.sum(each), len(each))
    images: list[np.ndarray] = []
    for target in targets:
        images += run(channel(*target), 1)
        if interrupted:
            break
    return images


def _param_f(kind: str, size: int, count: int) -> Callable[[], Any]:
    """Parameterization of `count` images."""
    from lucidx.optvis import param
    from lucidx.optvis.param.spatial import laplacian_pyramid_image

    return {
        "fft": lambda: param.image(size, batch=count),
        "pixel": lambda: param.image(size, batch=count, fft=False),
        "grayscale": lambda: param.grayscale_image_rgb(size, batch=count),
        "laplacian": lambda: param.to_valid_rgb(
            laplacian_pyramid_image([count, size, size, 3]), decorrelate=True
        ),
        "cppn": lambda: param.cppn(size, batch=count),
    }[kind]


def _save_images(images: Sequence[np.ndarray], objectives: Sequence[str], output: str) -> None:
    import numpy as np

    from lucidx.misc.io import save
    from lucidx.misc.io.contact_sheet import contact_sheet

    # Lucid's `save` stretches contrast unless told what black and white are.
    options = {} if output.lower().endswith(".npy") else {"domain": (0, 1)}
    if "{}" in output:
        for image, objective in zip(images, objectives, strict=False):
            path = output.replace("{}", _file_name(objective))
            save(image, path, **options)
            click.echo(path)
        return
    if len(images) == 1:
        save(images[0], output, **options)
    elif output.lower().endswith(".npy"):
        save(np.stack(images), output)
    else:
        save(contact_sheet(images, objectives[: len(images)]), output, **options)
    click.echo(output)


def _file_name(objective: str) -> str:
    return re.sub(r"[^\w.-]+", "-", objective)


def _frame_keeper(frames: list[np.ndarray], steps: int) -> Callable[[Any, Any], None]:
    """Function for `on_step` that keeps pictures, most of them of the start, where most happens."""
    import numpy as np

    wanted = {round((i / FRAMES) ** 2 * (steps - 1)) for i in range(FRAMES + 1)}

    def keep(vis: Any, value: Any) -> None:
        if vis.step - 1 in wanted:
            frames.append(np.hstack(vis.image()))

    return keep


def _default_objective(model: Model) -> str:
    from lucidx.modelzoo import manifests

    chosen = manifests.manifest(model.name)["default_objective"]
    if chosen is None:
        names = [layer.name for layer in model.layers if "conv" in layer.tags]
        raise click.UsageError(
            f"Name what to render in {model.name}, for instance {names[len(names) // 2]}:0; "
            f"`lucidx models info {model.name}` lists the layers."
        )
    return chosen
