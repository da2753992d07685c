"""`lucidx render`."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.options import model_option
from lucidx.cli.terminal import Size, check_output, load_model, warnings_as_lines
from lucidx.errors import InvalidValueError, MissingExtraError

if TYPE_CHECKING:
    import numpy as np

    from lucidx.modelzoo.vision_base import Model

FRAMES = 80  # at most, in a GIF or video
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".npy")
VIDEOS = (".mp4", ".mov", ".webm")


EXAMPLES = """\b
lucidx render
lucidx render block5c/output:3 block5c/output:9 --batch -o both.png
lucidx render mixed4a:476 --model InceptionV1 --gif how.gif
"""


@click.command(epilog=EXAMPLES)
@click.argument("objectives", nargs=-1, metavar="[LAYER:CHANNEL ...]")
@model_option
@click.option(
    "--size",
    type=Size(16, 4096),
    help="In pixels: 128 or, width by height, 192x128.  [default: 128, or the model's own where it "
    "takes no other]",
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
    """Render what channels of a model look for.

    Without arguments: a channel of the default model that is worth seeing. Ctrl-C stops early and
    keeps the picture so far.
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
    loaded = load_model(model)
    objectives = tuple(dict.fromkeys(objectives)) or (_default_objective(loaded),)
    files = [output.replace("{}", _file_name(objective)) for objective in objectives]
    if "{}" in output and len(set(files)) < len(files):
        raise InvalidValueError(f"{output!r} gives several objectives the same file.")

    import numpy as np

    frames: list[np.ndarray] = []
    keep = _frame_keeper(frames, settings["steps"]) if gif or video else None
    with warnings_as_lines():
        images = _render_all(loaded, objectives, batch=batch, on_step=keep, **settings)
    _save_images(images, objectives, output)
    if keep is not None and not frames:
        frames.append(as_picture(np.hstack(images)))
    for path in filter(None, (gif, video)):
        from lucidx.misc.io.animation import save_animation

        save_animation(frames, path)
        click.echo(path)


def _render_all(
    model: Model, objectives: Sequence[str], *, size: tuple[int, int] | None, steps: int,
    batch: bool, seed: int, param: str, transforms: str, on_step: Callable[..., Any] | None,
) -> list[np.ndarray]:  # fmt: skip
    """One image `[H, W, C]` per objective; fewer when interrupted."""
    import tensorflow as tf

    from lucidx.optvis import ascent, defaults, transform
    from lucidx.optvis.objectives import Objective, channel, layer_and_channel
    from lucidx.optvis.render import Visualization, render_vis

    # Mistakes in any objective are found out before the first is rendered.
    targets = [layer_and_channel(text) for text in objectives]
    spec = tf.TensorSpec([1, None, None, model.image_shape[-1]], tf.float32)
    layers = [name for t in targets for name in ascent.layers_read(model, channel(*t), spec)]
    size = size or defaults.size_for(model, layers)
    chosen = {"standard": transform.standard_transforms, "jitter": [transform.jitter(8)]}
    moves = defaults.transforms_for(model, layers, chosen.get(transforms, []))
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
            _param_f(param, size, count, model.image_shape[-1] or 3),
            transforms=moves,
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


def _param_f(kind: str, size: tuple[int, int], count: int, channels: int) -> Callable[[], Any]:
    """Parameterization of `count` images."""
    from lucidx.optvis import param
    from lucidx.optvis.param.spatial import laplacian_pyramid_image

    width, height = size
    own = None if channels == 3 else channels
    if own and kind == "grayscale":
        raise InvalidValueError(
            f"--param grayscale is for colour; the model takes {channels} channels."
        )
    if kind == "cppn" and width != height:
        raise InvalidValueError(f"--param cppn makes square images, not {width}x{height}.")

    def laplacian() -> Any:
        t = laplacian_pyramid_image([count, height, width, channels])
        return param.to_valid_rgb(t, decorrelate=own is None)

    return {
        "fft": lambda: param.image(width, height, count, channels=own),
        "pixel": lambda: param.image(width, height, count, fft=False, channels=own),
        "grayscale": lambda: param.grayscale_image_rgb(width, height, count),
        "laplacian": laplacian,
        "cppn": lambda: param.cppn(width, count, channels),
    }[kind]


def _save_images(images: Sequence[np.ndarray], objectives: Sequence[str], output: str) -> None:
    import numpy as np

    from lucidx.misc.io import save
    from lucidx.misc.io.contact_sheet import contact_sheet

    if not output.lower().endswith(".npy"):
        images = [as_picture(image) for image in images]
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


def as_picture(image: np.ndarray) -> np.ndarray:
    """Image `[H, W, C]` that can be seen: with hues for the channels, unless it is grey or RGB."""
    from lucidx.misc.io.collapse_channels import collapse_channels

    if image.shape[-1] in (1, 3):
        return image
    colours = collapse_channels(image)
    return colours / colours.max()


def _file_name(objective: str) -> str:
    return re.sub(r"[^\w.-]+", "-", objective)


def _frame_keeper(frames: list[np.ndarray], steps: int) -> Callable[[Any, Any], None]:
    """Function for `on_step` that keeps pictures, most of them of the start, where most happens."""
    import numpy as np

    wanted = {round((i / FRAMES) ** 2 * (steps - 1)) for i in range(FRAMES + 1)}

    def keep(vis: Any, value: Any) -> None:
        if vis.step - 1 in wanted:
            frames.append(as_picture(np.hstack(vis.image())))

    return keep


def _default_objective(model: Model) -> str:
    chosen = model.catalogue_entry.get("default_objective")
    if chosen is None:
        raise click.UsageError(
            f"Name what to render in {model.name}, for instance {middle_layer(model)}:0; "
            "`lucidx models info` lists the layers."
        )
    return chosen


def middle_layer(model: Model) -> str:
    """Name of the layer in the middle of those with height and width, or of all."""
    names = [layer.name for layer in model.layers if "conv" in layer.tags]
    names = names or [layer.name for layer in model.layers] or ["LAYER"]
    return names[len(names) // 2]
