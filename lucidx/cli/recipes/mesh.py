"""`lucidx recipe mesh`."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lucidx.cli.options import PAGES, PICTURES, model_option
from lucidx.cli.recipes.lists import Names
from lucidx.cli.render import VIDEOS, as_picture
from lucidx.cli.terminal import (
    check_output,
    interruptible,
    load_model,
    warnings_as_lines,
    writing,
)
from lucidx.errors import CorruptFileError, MissingExtraError

if TYPE_CHECKING:
    import numpy as np

MOVING = (".gif", *VIDEOS)
OF_TRANSFER = ("content_layers", "content_weight", "style_weight")
OF_STYLE = ("style_layers", "style_size")
EXAMPLES = """\b
lucidx recipe mesh bunny.obj mixed4c:20 -m InceptionV1
lucidx recipe mesh bunny.obj --style bark.jpg -o bark.png -o bark.html
lucidx recipe mesh skull.obj --texture skull.jpg --style painting.jpg -o skull.gif
"""


@click.command(epilog=EXAMPLES)
@click.argument("mesh", type=click.Path(exists=True, dir_okay=False))
@click.argument("objective", required=False, metavar="[OBJECTIVE]")
@model_option
@click.option(
    "--style",
    type=click.Path(exists=True, dir_okay=False),
    help="A picture that the mesh is to look like.",
)
@click.option(
    "--texture",
    type=click.Path(exists=True, dir_okay=False),
    help="The mesh's own, of which with --style the content is kept.",
)
@click.option("--content-layers", type=Names(), help="As in `lucidx recipe style`.")
@click.option("--style-layers", type=Names(), help="As in `lucidx recipe style`.")
@click.option(
    "--content-weight", type=click.FloatRange(0, 1e6), help="See --style-weight.  [default: 1]"
)
@click.option(
    "--style-weight",
    type=click.FloatRange(0, 1e6),
    help="Only the proportion of the two counts.  [default: 1]",
)
@click.option(
    "--size",
    type=click.IntRange(32, 4096),
    default=512,
    show_default=True,
    help="Longest side of the new texture in pixels.",
)
@click.option(
    "--style-size",
    type=click.IntRange(32, 4096),
    help="Longest side of the style, to which it is made smaller: the smaller, the finer.  "
    "[default: that of the pictures of the mesh, the model's own]",
)
@click.option("--steps", type=click.IntRange(1), default=400, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option(
    "--frames", type=click.IntRange(1), default=60, show_default=True, help="Of a gif or video."
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    default=["mesh.png", "mesh.html"],
    show_default=True,
    help="May be repeated. png, jpg or webp: the texture. html: a page with the mesh to turn "
    "around. gif, mp4, mov or webm: the mesh turning.",
)
@interruptible("Stopped; nothing was written.")
def mesh(
    mesh: str,
    objective: str | None,
    model: str,
    style: str | None,
    texture: str | None,
    frames: int,
    outputs: tuple[str, ...],
    **settings: Any,
) -> None:
    """Make a texture for a mesh that shows a feature, or a style, from all sides.

    MESH is an .obj file with texture coordinates. OBJECTIVE is a channel, such as mixed4c:20, or a
    class by its label; give that, or --style. Ctrl-C stops early and keeps the texture so far.
    """
    given = [path for path in (mesh, style, texture) if path]
    for output in outputs:
        check_output(output, (*PICTURES, *PAGES, *MOVING), given)
        is_video = Path(output).suffix.lower() in VIDEOS
        if is_video and not importlib.util.find_spec("imageio_ffmpeg"):
            raise MissingExtraError("imageio-ffmpeg", "video", "Writing a video")
    settings = {name: value for name, value in settings.items() if value is not None}
    _check_request(objective, style, texture, settings)
    from lucidx.cli.recipes.photos import as_channels_of, read_photo

    shape = _read_mesh(mesh)
    pictures = [read_photo(path) for path in (texture, style) if path]
    loaded = load_model(model)
    from lucidx.misc.gl import glcontext
    from lucidx.recipes import mesh_style as recipe

    with warnings.catch_warnings():
        # It is slower without OpenGL, and the same.
        warnings.simplefilter("ignore", glcontext.NoOpenGLWarning)
        glcontext.create_opengl_context()
    photos = [as_channels_of(loaded, picture) for picture in pictures]
    with warnings_as_lines():
        if objective is not None:
            made = recipe.mesh_feature(loaded, shape, objective, **settings)
        elif texture is not None:
            made = recipe.mesh_style_transfer(loaded, shape, *photos, **settings)
        else:
            layers = {"layers": settings.pop("style_layers", None)}
            made = recipe.mesh_texture(loaded, shape, *photos, **layers, **settings)
    for output in outputs:
        with writing(output):
            _write(output, shape, as_picture(made), frames, Path(mesh).name)
        click.echo(output)


def _check_request(
    objective: str | None, style: str | None, texture: str | None, settings: dict[str, Any]
) -> None:
    if (objective is None) == (style is None):
        raise click.UsageError(
            "Name one of two: an OBJECTIVE to show, or with --style a picture to look like."
        )
    if texture and not style:
        raise click.UsageError("--texture goes with --style: its content is kept in that style.")
    for names, option, given in ((OF_STYLE, "--style", style), (OF_TRANSFER, "--texture", texture)):
        for name in names:
            if name in settings and not given:
                raise click.UsageError(f"--{name.replace('_', '-')} goes with {option}.")
    if settings.get("content_weight") == 0 == settings.get("style_weight"):
        raise click.UsageError("--content-weight and --style-weight cannot both be 0.")


def _read_mesh(path: str) -> dict[str, np.ndarray]:
    """A mesh in a file, in -1..1.

    Raises
    ------
    LucidxError : the file is damaged, not a mesh, or one without texture coordinates.
    """
    from lucidx.misc.gl.meshutil import normalize_mesh
    from lucidx.misc.io import load
    from lucidx.misc.io.mesh_page import checked_mesh

    loaded = load(path)
    if not isinstance(loaded, dict):
        raise CorruptFileError(f"{path!r} is not a mesh: an .obj file is.")
    checked_mesh(loaded)
    return normalize_mesh(loaded)


def _write(
    output: str, mesh: dict[str, np.ndarray], texture: np.ndarray, frames: int, title: str
) -> None:
    import numpy as np

    from lucidx.misc.io import save
    from lucidx.misc.io.streaming import stream_animation
    from lucidx.misc.io.writing import write
    from lucidx.recipes import mesh_style as recipe

    colours = np.broadcast_to(texture, (*texture.shape[:2], 3))
    extension = Path(output).suffix.lower()
    if extension in PAGES:
        write(recipe.mesh_document(mesh, colours, title), output)
    elif extension in MOVING:
        stream_animation(recipe.turntable(mesh, colours, frames=frames), output)
    else:
        save(texture, output, domain=(0, 1))
