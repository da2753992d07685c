"""Icons for directions in a layer: the tiles of an atlas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from lucidx.arguments import whole
from lucidx.basis import directions as directions_in
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis import defaults, objectives, transform
from lucidx.optvis.objectives import Objective, Vector, wrap_objective
from lucidx.optvis.objectives_util import (
    _extract_act_pos,
    _norm,
    _T_handle_batch,
    batch_index,
    matched,
    vector,
)
from lucidx.optvis.visualization import Visualization
from lucidx.progress import tqdm
from lucidx.recipes.images import to_optimise

_PURITY = 2  # power of the cosine
_DARKENED = 0.8  # of what is transparent
_TRANSFORMS = [
    transform.pad(16, mode="constant", constant_value=0.5),
    *map(transform.jitter, (4, 4, 8, 8, 8)),
    transform.random_scale([0.998**n for n in range(20, 40)]),
    transform.random_rotate([*range(-20, 20), *range(-10, 10), *range(-5, 5), *[0] * 5]),
    transform.jitter(2),
]


@wrap_objective(require_format="NHWC", traced=("vec", "S"))
def direction_neuron_S(
    layer_name: str,
    vec: Vector,
    batch: int | None = None,
    x: int | None = None,
    y: int | None = None,
    S: np.ndarray | None = None,
) -> Objective:
    """Mean product of the activations at one position with a direction, or with a whitened one.

    Parameters
    ----------
    layer_name : name of a layer with activations `[N, H, W, C]`.
    vec : direction `[C]`.
    batch : which image of the batch; needed.
    x, y : row and column, by default the centre.
    S : `[C, C]`, such as the inverse of the layer's second moments; the direction becomes `vec S`.
    """
    activation = _activation(layer_name, vec, batch, x, y)

    def inner(T):
        return tf.reduce_mean(activation(T) * _whitened(vec, S))

    return inner


@wrap_objective(require_format="NHWC", traced=("vec", "S"))
def direction_neuron_cossim_S(
    layer_name: str,
    vec: Vector,
    batch: int | None = None,
    x: int | None = None,
    y: int | None = None,
    cossim_pow: float = 2,
    S: np.ndarray | None = None,
) -> Objective:
    """`direction_neuron_S` times a power of its quotient with the activations' norm.

    Parameters
    ----------
    layer_name, vec, batch, x, y, S : as in `direction_neuron_S`.
    cossim_pow : the power of `max(0.1, product / |activations|)`.
    """
    activation = _activation(layer_name, vec, batch, x, y)
    return lambda T: _purified(activation(T), _whitened(vec, S), cossim_pow)


def _activation(layer_name, vec, batch, x, y):
    """Function of T: activations `[C]` of one image at one position, as many as in `vec`."""
    batch, vec = batch_index(batch), vector(vec)
    if batch is None:
        raise InvalidValueError("Say which image of the batch is meant: batch=0, for instance.")

    def activation(T):
        acts = matched(_T_handle_batch(T, batch)(layer_name), vec, layer_name)
        return _extract_act_pos(acts, x, y)[0, 0, 0]

    return activation


def _whitened(vec, S):
    vec = vector(vec)
    return vec if S is None else tf.linalg.matvec(tf.cast(S, tf.float32), vec, transpose_a=True)


def _purified(acts, vec, cossim_pow):
    """Mean product of activations with directions `[..., C]`, weighted."""
    product = tf.reduce_mean(acts * vec, -1)
    return product * tf.maximum(0.1, product / (1e-4 + _norm(acts))) ** cossim_pow


def render_icons(
    directions: Sequence[np.ndarray] | np.ndarray,
    model: Model,
    layer: str | Layer,
    size: int = 80,
    n_steps: int = 128,
    verbose: bool = False,
    S: np.ndarray | None = None,
    num_attempts: int = 3,
    cossim: bool = True,
    alpha: bool = False,
    *,
    seed: int = 0,
) -> tuple[list[np.ndarray], list[float]]:
    """Draw directions in a layer, each by its neuron at the centre, in one batch.

    The icons of "Activation Atlas" (Distill 2019). All start from the same noise, so what an icon
    looks like does not depend on the others, and similar directions come out similar.

    Parameters
    ----------
    directions : `[K, C]`; their length does not matter.
    model, layer : what to look at; the layer or its name.
    size : width and height of an icon in pixels. Where the layer can be computed for images of one
        size only, icons are drawn in that size and then scaled.
    n_steps : updates of Adam with learning rate 0.05.
    verbose : show a progress bar.
    S : `[C, C]`, such as the inverse of the layer's second moments; directions become `vec S`.
    num_attempts : how often to draw each, from other noise; the best is taken.
    cossim : weight by the square of the cosine, which favours purity over magnitude.
    alpha : let icons be transparent where it does not matter; those parts are darkened.
    seed : decides everything random.

    Returns
    -------
    K icons, float32 `[size, size, C]` in 0..1 with the model's number of channels; and the
    objective of each at the end, without what is subtracted for structure at the border.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    check_model(model)
    basis = directions_in(layer, np.asarray(directions), model=model)
    vectors = basis.directions if S is None else _times(basis.directions, S)
    size, n_steps = whole("size", size, 2), whole("n_steps", n_steps)
    num_attempts = whole("num_attempts", num_attempts)
    width, height = _drawn_size(model, basis.layer, size)
    objective = _neurons(basis.layer, _of_length_of_depth(vectors), _PURITY if cossim else 0)
    attempts = []
    with tqdm(
        total=num_attempts * n_steps, disable=not verbose, unit="step", desc="icons", leave=False
    ) as bar:
        for attempt in range(num_attempts):
            vis = _visualization(
                model, objective, (len(vectors), height, width), alpha, seed + attempt
            )
            for _ in range(n_steps):
                vis.advance()
                bar.update()
            (values,) = vis.measure([objective])
            attempts.append((vis.image(), values))
    images, values = map(np.stack, zip(*attempts, strict=True))
    best = values.argmax(0), np.arange(len(vectors))
    return list(_resized(_on_black(images[best]) if alpha else images[best], size)), [
        float(value) for value in values[best]
    ]


@wrap_objective(require_format="NHWC", traced=("vectors",))
def _neurons(layer: str, vectors: np.ndarray, cossim_pow: float) -> Objective:
    """`direction_neuron_cossim_S` of each image with its own direction: `[K]`."""
    return lambda T: _purified(_extract_act_pos(T(layer))[:, 0, 0], vectors, cossim_pow)


def _visualization(
    model: Model, objective: Objective, shape: tuple[int, int, int], alpha: bool, seed: int
) -> Visualization:
    number, height, width = shape
    depth = model.image_shape[-1] or 3
    penalty = objectives.penalize_boundary_complexity((*shape, 4 if alpha else depth), w=5)
    transforms = [*_TRANSFORMS, transform.crop_or_pad_to(height, width)]
    vis = Visualization(
        model,
        # What is maximised is the sum over the batch.
        objective + penalty / number,
        lambda: to_optimise(model, width, height, number, alpha),
        lambda: tf.compat.v1.train.AdamOptimizer(0.05),
        [*transforms, transform.collapse_alpha_random()] if alpha else transforms,
        relu_gradient_override=False,
        seed=seed,
    )
    (spectrum,) = vis.variables
    spectrum.assign(tf.repeat(spectrum[:, :1], number, axis=1))
    return vis


def _drawn_size(model: Model, layer: str, size: int) -> tuple[int, int]:
    if defaults.takes_any_size(model, [layer]):
        return size, size
    return defaults.size_for(model, [layer])


def _times(directions: np.ndarray, S: np.ndarray) -> np.ndarray:
    S, depth = np.asarray(S), directions.shape[1]
    if S.shape != (depth, depth) or not np.isfinite(S).all():
        raise InvalidValueError(
            f"S is finite, [{depth}, {depth}] as the layer has {depth} channels; this one has "
            f"shape {S.shape}."
        )
    # In double precision: the inverse of second moments has very large and very small numbers.
    return directions.astype(np.float64) @ S


def _of_length_of_depth(vectors: np.ndarray) -> np.ndarray:
    """Vectors whose mean product with an activation, over its length, is the cosine."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if not lengths.all():
        raise InvalidValueError("S makes some of the directions zero: they point nowhere then.")
    return (vectors / lengths * vectors.shape[1]).astype(np.float32)


def _on_black(images: np.ndarray) -> np.ndarray:
    opacity = images[..., 3:]
    return images[..., :3] * (1 - _DARKENED + _DARKENED * opacity)


def _resized(images: np.ndarray, size: int) -> np.ndarray:
    if images.shape[1:3] == (size, size):
        return images
    return tf.image.resize(images, [size, size], "area").numpy()
