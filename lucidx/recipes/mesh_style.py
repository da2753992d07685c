"""Textures for meshes: optimised as they are seen on the mesh, from all around.

"Differentiable Image Parameterizations" (Mordvintsev et al., Distill 2018): what is optimised are
Fourier coefficients of the texture, what the network looks at are pictures of the textured mesh
from random sides. So a texture takes the shape into account, and fits together where its parts do
on the mesh, however far from each other they are on the texture.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lucidx.arguments import whole
from lucidx.attribution.scores import as_score
from lucidx.errors import InvalidValueError
from lucidx.misc.gl import meshutil
from lucidx.misc.gl.glrenderer import MeshRenderer
from lucidx.misc.io.mesh_page import checked_mesh, mesh_page
from lucidx.misc.io.showing import _image_url
from lucidx.modelzoo import model_io
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis.objectives import Objective, wrap_objective
from lucidx.optvis.param.spatial import bilinearly_sampled_image
from lucidx.optvis.parameterization import instantiate
from lucidx.optvis.render import Visualization, render_vis
from lucidx.optvis.style import StyleLoss, gram_style
from lucidx.recipes.images import one_photo, scaled, to_optimise
from lucidx.recipes.rendering import window
from lucidx.recipes.style_transfer import (
    STYLE_WEIGHT,
    checked_weights,
    chosen_layers,
    content_distance,
    mean_of,
    relative_difference,
    style_targets,
    usual_content_layers,
    usual_style_layers,
)

Mesh = Mapping[str, ArrayLike]

_VIEWS = 2  # pictures of the mesh for each step
_DISTANCES = (10.0, 12.0)  # of the camera, whose angle of view then just covers -1..1
_BACKGROUND = 0.5
_ABOVE = 0.3  # from where a turning mesh is seen, for each unit of distance
_FINER = 2  # pixels of a picture are the mean of that many each way


def mesh_style_transfer(
    model: Model,
    mesh: Mesh,
    texture: np.ndarray,
    style: np.ndarray,
    *,
    content_layers: str | Layer | Sequence[str | Layer] | None = None,
    style_layers: str | Layer | Sequence[str | Layer] | None = None,
    content_weight: float = 1.0,
    style_weight: float = STYLE_WEIGHT,
    size: int = 512,
    style_size: int | None = None,
    steps: int = 400,
    seed: int = 0,
    progress: bool | None = None,
) -> np.ndarray:
    """Make a mesh's texture anew, with the content that it has and the style of a picture.

    `style_transfer` on a mesh, as in "Differentiable Image Parameterizations" (Mordvintsev et al.,
    Distill 2018): from each side the mesh is to show what it shows with its own texture, in the
    style of the picture. The background, which is grey, counts for nothing in the style.

    The mesh is drawn by OpenGL if there is a context (`glcontext.create_opengl_context`), and more
    slowly without.

    Parameters
    ----------
    model : what looks at the mesh; of any size and number of channels.
    mesh : "position" `[N, 3]`, "uv" `[N, 2]` and "face" `[3 * T]`, as `load` gives for an .obj
        file; of any size and place, and upright along y.
    texture : the mesh's own, `[H, W, C]`, floats in 0..1 or uint8; (0, 0) of "uv" is its lower left
        corner.
    style : `[H, W, C]`, floats in 0..1 or uint8, of any size.
    content_layers, style_layers, content_weight, style_weight : as for `style_transfer`.
    size : longest side of the result in pixels.
    style_size : longest side of the style in pixels, to which it is made smaller; by default that
        of the pictures of the mesh, which have the size that the model was made for. The smaller,
        the finer the strokes.
    steps : updates of Adam with learning rate 0.05.
    seed : decides everything random.
    progress : whether to show a progress bar; by default in terminals and notebooks.

    Returns
    -------
    The texture, float32 `[H, W, C]` in 0..1. When interrupted (Ctrl-C), as it is by then.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work; found out before the first step.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    check_model(model)
    weight, pull = checked_weights(content_weight, style_weight)
    kept = chosen_layers(content_layers, "content_layers", usual_content_layers, model)
    names = chosen_layers(style_layers, "style_layers", usual_style_layers, model)
    largest = max(window(model)) if style_size is None else style_size
    styles = style_targets(model, style, names, largest)
    own = scaled(one_photo(model, texture), whole("size", size, 2))
    height, width, _ = own.shape

    def goal(fragments: tf.Variable) -> Objective:
        style_goal = -pull * _style_seen(styles, fragments)
        return style_goal - weight * mean_of(map(content_distance, kept)) if weight else style_goal

    return _optimised(
        model,
        mesh,
        goal,
        lambda: to_optimise(model, width, height, 1),
        own if weight else None,
        steps,
        seed,
        progress,
    )


def mesh_texture(
    model: Model,
    mesh: Mesh,
    style: np.ndarray,
    *,
    layers: str | Layer | Sequence[str | Layer] | None = None,
    size: int = 512,
    style_size: int | None = None,
    steps: int = 400,
    seed: int = 0,
    progress: bool | None = None,
) -> np.ndarray:
    """Make a texture for a mesh, from noise, that gives it the style of a picture from each side.

    `texture_synthesis` on a mesh, as in "Differentiable Image Parameterizations" (Mordvintsev et
    al., Distill 2018).

    Parameters
    ----------
    model, mesh, style, style_size, steps, seed, progress : as for `mesh_style_transfer`.
    layers : a layer, or several; by default `usual_style_layers`.
    size : width and height of the texture in pixels.

    Returns
    -------
    As `mesh_style_transfer`.

    Raises
    ------
    As `mesh_style_transfer`.
    """
    check_model(model)
    side = whole("size", size, 2)
    names = chosen_layers(layers, "layers", usual_style_layers, model)
    largest = max(window(model)) if style_size is None else style_size
    styles = style_targets(model, style, names, largest)
    return _optimised(
        model,
        mesh,
        lambda fragments: -1 * _style_seen(styles, fragments),
        lambda: to_optimise(model, side, side, 1),
        None,
        steps,
        seed,
        progress,
    )


def mesh_feature(
    model: Model,
    mesh: Mesh,
    objective: Any,
    *,
    size: int = 512,
    steps: int = 400,
    seed: int = 0,
    progress: bool | None = None,
) -> np.ndarray:
    """Make a texture for a mesh that maximises an objective, whichever side is looked at.

    Feature visualization on a mesh, from "Differentiable Image Parameterizations" (Mordvintsev et
    al., Distill 2018).

    Parameters
    ----------
    model, mesh, steps, seed, progress : as for `mesh_style_transfer`.
    objective : what `attribution.as_score` takes: `"layer:channel"`, a label of the model, an
        `Objective` or a function of T; of two pictures of the mesh, before a grey background.
    size : width and height of the texture in pixels.

    Returns
    -------
    As `mesh_style_transfer`.

    Raises
    ------
    As `mesh_style_transfer`.
    """
    check_model(model)
    side = whole("size", size, 2)
    goal = as_score(model, objective).objective
    return _optimised(
        model,
        mesh,
        lambda _: goal,
        lambda: to_optimise(model, side, side, 1),
        None,
        steps,
        seed,
        progress,
        relu_gradient_override=True,
    )


def painted(texture: tf.Tensor, fragments: tf.Tensor) -> tf.Tensor:
    """Pictures of a mesh with a texture, before grey.

    Parameters
    ----------
    texture : float32 `[h, w, C]`; gradients flow back to it.
    fragments : float32 `[N, H, W, 4]`, pictures of a mesh by `MeshRenderer`: in each pixel its two
        texture coordinates, 0, and 1 where the mesh is.

    Returns
    -------
    float32 `[N, H, W, C]`.
    """
    colors = bilinearly_sampled_image(texture, fragments[..., :2])
    return _BACKGROUND + fragments[..., 3:] * (colors - _BACKGROUND)


def turntable(
    mesh: Mesh, texture: np.ndarray, *, frames: int = 60, size: int = 320
) -> Iterator[np.ndarray]:
    """Pictures of a mesh with a texture, once around from a little above.

    Parameters
    ----------
    mesh : as for `mesh_style_transfer`.
    texture : float32 `[H, W, C]` in 0..1.
    frames : how many pictures.
    size : of their sides, in pixels.

    Yields
    ------
    float32 `[size, size, C]` in 0..1, the mesh before white.

    Raises
    ------
    InvalidTypeError, InvalidValueError : with the first picture, if an argument cannot work.
    """
    position, uv, face = _placed(mesh)
    side = whole("size", size)
    renderer = MeshRenderer((side * _FINER, side * _FINER))
    for angle in 2 * np.pi * np.arange(whole("frames", frames)) / frames:
        eye = _DISTANCES[1] * meshutil.normalize([np.sin(angle), _ABOVE, np.cos(angle)])
        seen = renderer.render_mesh(position, uv, face, modelview=meshutil.lookat(eye))
        with model_io.eagerly():
            colors = bilinearly_sampled_image(texture, seen[..., :2]).numpy()
        picture = np.where(seen[..., 3:] > 0, colors, 1)
        yield picture.reshape(side, _FINER, side, _FINER, -1).mean((1, 3))


def mesh_document(mesh: Mesh, texture: np.ndarray, title: str) -> str:
    """HTML document, complete in itself, with a textured mesh to turn around.

    Parameters
    ----------
    mesh : as for `mesh_style_transfer`.
    texture : float32 `[H, W, 3]` in 0..1.
    title : of the document; text.

    Raises
    ------
    InvalidTypeError, InvalidValueError : the mesh is not complete, or does not fit together.
    """
    position, uv, face = _placed(mesh)
    picture = _image_url(texture, fmt="jpeg", domain=(0, 1))
    shown = mesh_page({"position": position, "uv": uv, "face": face}, picture, "0xffffff")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title></head>\n<body>{shown}</body></html>\n"
    )


def _optimised(
    model: Model,
    mesh: Mesh,
    objective: Callable[[tf.Variable], Objective],
    texture: Callable[[], tf.Tensor],
    original: np.ndarray | None,
    steps: int,
    seed: int,
    progress: bool | None,
    relu_gradient_override: bool = False,
) -> np.ndarray:
    """The texture, optimised for an objective of fragments.

    The model sees pictures of the mesh with it, and then the same with the original if there is
    one.
    """
    look = _photographer(model, mesh, np.random.default_rng(whole("seed", seed, 0)))
    with model_io.eagerly():
        made = instantiate(texture, seed)
        fragments = tf.Variable(look(), trainable=False)
        originals = [] if original is None else [tf.constant(original)]

    def pictures() -> tf.Tensor:
        textures = [made.draw(0)[0], *originals]
        return tf.concat([painted(each, fragments) for each in textures], 0)

    def move(vis: Visualization, _: Any) -> None:
        fragments.assign(look())

    render_vis(
        model,
        objective(fragments),
        pictures,
        transforms=[],
        thresholds=[whole("steps", steps) - 1],
        verbose=False,
        relu_gradient_override=relu_gradient_override,
        seed=seed,
        progress=progress,
        on_step=move,
    )
    with model_io.eagerly():
        return made.draw(0)[0].numpy()


def _photographer(model: Model, mesh: Mesh, rng: np.random.Generator) -> Callable[[], np.ndarray]:
    """Function that looks at a mesh from random sides: float32 `[N, H, W, 4]`, see `painted`."""
    position, uv, face = _placed(mesh)
    height, width = window(model)
    renderer = MeshRenderer((width, height))

    def view() -> np.ndarray:
        eye = rng.uniform(*_DISTANCES) * meshutil.normalize(rng.normal(size=3))
        return renderer.render_mesh(position, uv, face, modelview=meshutil.lookat(eye))

    return lambda: np.stack([view() for _ in range(_VIEWS)])


def _placed(mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions in -1..1, texture coordinates, and corners of a mesh.

    Raises
    ------
    InvalidTypeError, InvalidValueError : it is not complete, does not fit together, has no room on
        the texture, or no extent.
    """
    position, uv, face = checked_mesh(mesh)
    if not np.ptp(uv[face], axis=0).all():
        raise InvalidValueError(
            "All of the mesh has the same texture coordinates 'uv': unwrap it first, in a program "
            "for meshes."
        )
    if not np.ptp(position[face], axis=0).any():
        raise InvalidValueError(
            "All corners of the mesh are at one point, so there is nothing to see: look at the "
            "numbers of its vertices."
        )
    return meshutil.normalize_mesh({"position": position})["position"], uv, face


def _style_seen(styles: Mapping[str, np.ndarray], fragments: tf.Variable) -> Objective:
    """Mean distance of the style of what is seen of the mesh from styles of layers."""
    return mean_of(_style_distance(name, target, fragments) for name, target in styles.items())


@wrap_objective(require_format="NHWC")
def _style_distance(layer: str, target: np.ndarray, fragments: tf.Variable) -> Objective:
    def inner(T):
        acts = T(layer)[:_VIEWS]
        covered = tf.image.resize(fragments[..., 3:], tf.shape(acts)[1:3], "area")

        def style(acts: tf.Tensor) -> tf.Tensor:
            return gram_style(acts * tf.sqrt(covered)) / (1e-6 + tf.reduce_mean(covered))

        loss = StyleLoss([acts], style_func=style, loss_func=relative_difference, targets=[target])
        return loss.style_loss

    return inner
