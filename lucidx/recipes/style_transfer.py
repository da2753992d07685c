"""Style transfer and texture synthesis: pictures with the style of another.

"A Neural Algorithm of Artistic Style" and "Texture Synthesis Using Convolutional Neural Networks"
(Gatys, Ecker and Bethge, 2015) found that what occurs together in a layer, wherever it is, is
style. They used VGG; "Differentiable Image Parameterizations" (Mordvintsev et al., Distill 2018)
found that GoogLeNet and others serve as well if Fourier coefficients of decorrelated colours are
optimised instead of pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from numbers import Real

import numpy as np
import tensorflow as tf

from lucidx.arguments import whole
from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.interfaces.usual import rows_of
from lucidx.modelzoo import model_io
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis import defaults, param, randomness, transform
from lucidx.optvis.objectives import Objective, wrap_objective
from lucidx.optvis.style import StyleLoss, gram_style, mean_l1_loss
from lucidx.recipes.image_activations import names_of
from lucidx.recipes.images import reduced, resized, sides_of, to_optimise
from lucidx.recipes.rendering import rendered, window

STYLE_WEIGHT = 1.0
COLOURS = "input"  # what T gives the pixels as: their style is which colours there are
_SHIFT = 8  # pixels, at most, by which the picture is moved; reflected, so it must be larger
_WINDOWS = (0.75, 1.0)  # side of what a model of one size looks at, of the largest that fits
_STARTS = ("content", "noise")

# Stride of layers, and how far into those of that stride the layers for style are.
_STYLE_PLACES = ((4, (1.0,)), (8, (0.0,)), (16, (0.0, 0.2, 0.4)))
_STYLE_FRACTIONS = (1 / 5, 1 / 3, 1 / 2)  # where there are no such strides
_CONTENT_STRIDE = 8
_CONTENT_FRACTION = 1 / 3


def relative_difference(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference, as a part of the mean absolute value of `b`.

    Layers differ much in how large their activations are; so none outweighs the others.
    """
    return mean_l1_loss(a, b) / (1e-6 + tf.reduce_mean(tf.abs(b)))


@wrap_objective(traced=())
def content_distance(layer: str) -> Objective:
    """How far the first half of a batch is from the second, place by place.

    Parameters
    ----------
    layer : name of a layer. The difference is relative to its activations in the second half.
    """

    def inner(T):
        images, contents = tf.split(T(layer), 2)
        return relative_difference(images, contents)

    return inner


@wrap_objective(require_format="NHWC", traced=("target",))
def style_distance(layer: str, target: np.ndarray) -> Objective:
    """How far the style of the first image of a batch is from a target, wherever things are.

    Parameters
    ----------
    layer : name of a layer.
    target : Gram matrix `[C, C]`, see `styles_of`; the difference is relative to it.
    """

    def inner(T):
        first = T(layer)[:1]
        return StyleLoss([first], loss_func=relative_difference, targets=[target]).style_loss

    return inner


def styles_of(model: Model, style: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
    """Style of a picture: for each layer the Gram matrix of its activations, `[C, C]`.

    Parameters
    ----------
    model : what looks at it.
    style : float32 `[H, W, C]` in 0..1, of a size that the layers can be computed for.
    layers : names of layers, or "input" for the pixels.
    """
    inner = _within(layers)
    acts = {COLOURS: style, **(model.activations(style, inner) if inner else {})}
    with model_io.eagerly():
        return {
            name: gram_style(_channels_last(model, name, acts[name])).numpy() for name in layers
        }


def usual_style_layers(model: Model) -> list[str]:
    """Layers that stand for style where none are named: of small things, and of larger ones.

    In networks that halve their grids, those are the last with a quarter of the photo's side, the
    first with an eighth, and three early ones with a sixteenth: of InceptionV1 conv2d2, mixed3a,
    mixed4a, mixed4b and mixed4c, as in Lucid's notebook. The last is "input", the pixels: many
    networks do not tell colours apart well enough to keep to those of the style.

    Raises
    ------
    InvalidValueError : the model names no layer with positions.
    """
    by_stride = _by_stride(model)
    if all(by_stride.get(stride) for stride, _ in _STYLE_PLACES):
        found = [_at(by_stride[stride], part) for stride, at in _STYLE_PLACES for part in at]
    else:
        found = [_at(_spatial_layers(model), part) for part in _STYLE_FRACTIONS]
    return list(dict.fromkeys([*found, COLOURS]))


def usual_content_layers(model: Model) -> list[str]:
    """The layer that stands for content where none is named, alone in a list.

    It is the last with an eighth of the photo's side: of InceptionV1 mixed3b.

    Raises
    ------
    InvalidValueError : the model names no layer with positions.
    """
    names = _by_stride(model).get(_CONTENT_STRIDE)
    return [names[-1] if names else _at(_spatial_layers(model), _CONTENT_FRACTION)]


def style_transfer(
    model: Model,
    content: np.ndarray,
    style: np.ndarray,
    *,
    content_layers: str | Layer | Sequence[str | Layer] | None = None,
    style_layers: str | Layer | Sequence[str | Layer] | None = None,
    content_weight: float = 1.0,
    style_weight: float = STYLE_WEIGHT,
    size: int = 384,
    style_size: int | None = None,
    start: str = "noise",
    steps: int = 256,
    seed: int = 0,
    progress: bool | None = None,
) -> np.ndarray:
    """Make a picture with the content of one and the style of another.

    From "Image Style Transfer Using Convolutional Neural Networks" (Gatys, Ecker and Bethge, 2016):
    the activations of some layers are to be those of the content, place by place, and the Gram
    matrices of others those of the style. Optimised are Fourier coefficients of decorrelated
    colours, of a picture moved about by a few pixels, which makes this work with GoogLeNet and
    other networks than VGG ("Differentiable Image Parameterizations", Mordvintsev et al., Distill
    2018).

    Parameters
    ----------
    model : what looks at the pictures; of any size and number of channels.
    content, style : `[H, W, C]`, floats in 0..1 or uint8, of any two sizes.
    content_layers : a layer, or several; by default `usual_content_layers`. The later, the freer.
    style_layers : a layer, or several; by default `usual_style_layers`. The later, the larger the
        things that make up the style; "input" is the colours.
    content_weight, style_weight : of the two mean distances over layers, see `content_distance` and
        `style_distance`. Only their proportion counts.
    size : longest side of the result in pixels; larger content is made smaller.
    style_size : longest side of the style in pixels, to which it is made smaller; by default
        `size`. The smaller, the finer the strokes.
    start : "noise", or "content", which keeps more of the content's colours.
    steps : updates of Adam with learning rate 0.05.
    seed : decides everything random.
    progress : whether to show a progress bar; by default in terminals and notebooks.

    Returns
    -------
    float32 `[H, W, C]` in 0..1. When interrupted (Ctrl-C), as it is by then.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work; found out before the first step.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    check_model(model)
    weight, pull = checked_weights(content_weight, style_weight)
    if start not in _STARTS:
        raise InvalidValueError(f"start is one of {', '.join(_STARTS)}; got {start!r}.")
    photo = reduced(model, content, whole("size", size, 2), least=_SHIFT + 1)
    height, width, _ = photo.shape
    kept = chosen_layers(content_layers, "content_layers", usual_content_layers, model)
    painted = chosen_layers(style_layers, "style_layers", usual_style_layers, model)
    styles = style_targets(model, style, painted, size if style_size is None else style_size)
    goal = -pull * mean_of(style_distance(name, styles[name]) for name in painted)
    if weight:
        goal -= weight * mean_of(map(content_distance, kept))
    beside = [photo[np.newaxis]] if weight else []

    def pictures() -> tf.Tensor:
        from_content = start == "content"
        made = param.image_from(photo) if from_content else to_optimise(model, width, height, 1)
        return tf.concat([made, *beside], 0)

    moves = [transform.pad(_SHIFT), transform.jitter(2 * _SHIFT)]
    (result, *_), _ = rendered(
        model,
        goal,
        pictures,
        transforms=_looks(model, [*kept, *painted], moves),
        steps=steps,
        relu_gradient_override=False,
        seed=seed,
        progress=progress,
    )
    return result


def texture_synthesis(
    model: Model,
    style: np.ndarray,
    *,
    layers: str | Layer | Sequence[str | Layer] | None = None,
    size: int | tuple[int, int] = 256,
    style_size: int | None = None,
    steps: int = 256,
    seed: int = 0,
    progress: bool | None = None,
) -> np.ndarray:
    """Make more of a texture: a picture, from noise, that has the style of another.

    "Texture Synthesis Using Convolutional Neural Networks" (Gatys, Ecker and Bethge, 2015), in the
    parameterization of `style_transfer`. The result can be laid out as tiles: Fourier coefficients
    make pictures that go on at the opposite edge, and it is looked at with its edges anywhere.

    Parameters
    ----------
    model : what looks at the pictures; of any number of channels.
    style : `[H, W, C]`, floats in 0..1 or uint8, of any size.
    layers : a layer, or several; by default `usual_style_layers`.
    size : width and height of the result in pixels, two numbers if they differ.
    style_size : longest side of the style in pixels, to which it is made smaller; by default the
        longest of the result. The smaller, the finer the texture.
    steps : updates of Adam with learning rate 0.05.
    seed : decides everything random.
    progress : whether to show a progress bar; by default in terminals and notebooks.

    Returns
    -------
    float32 `[H, W, C]` in 0..1. When interrupted (Ctrl-C), as it is by then.

    Raises
    ------
    As `style_transfer`.
    """
    check_model(model)
    width, height = sides_of(size)
    names = chosen_layers(layers, "layers", usual_style_layers, model)
    largest = max(width, height) if style_size is None else style_size
    styles = style_targets(model, style, names, largest)
    (result,), _ = rendered(
        model,
        -1 * mean_of(style_distance(name, styles[name]) for name in names),
        lambda: to_optimise(model, width, height, 1),
        transforms=_looks(model, names, [_turned_round]),
        steps=steps,
        relu_gradient_override=False,
        seed=seed,
        progress=progress,
    )
    return result


def style_targets(
    model: Model, style: np.ndarray, layers: Sequence[str], size: int
) -> dict[str, np.ndarray]:
    """`styles_of` a picture in a given size.

    Parameters
    ----------
    model, layers : as for `styles_of`.
    style : `[H, W, C]`, floats in 0..1 or uint8.
    size : longest side in pixels, to which the picture is made smaller. Where the layers can be
        computed for one size only, it is cropped to that instead, about its middle.
    """
    picture = reduced(model, style, whole("style_size", size, 2))
    if not defaults.takes_any_size(model, _within(layers)):
        picture = _cropped(picture, *window(model))
    return styles_of(model, picture, layers)


def checked_weights(content_weight: float, style_weight: float) -> tuple[float, float]:
    """Weights of content and style.

    Raises
    ------
    InvalidTypeError, InvalidValueError : not numbers, negative, or both 0.
    """
    given = {"content_weight": content_weight, "style_weight": style_weight}
    for name, weight in given.items():
        if not isinstance(weight, Real):
            raise InvalidTypeError(f"{name} is a number; got {weight!r}.")
        if not 0 <= weight < np.inf:
            raise InvalidValueError(f"{name} is finite and at least 0, not {weight}.")
    if not content_weight and not style_weight:
        raise InvalidValueError("With both weights 0 there is nothing to make a picture of.")
    return float(content_weight), float(style_weight)


def chosen_layers(
    layers: str | Layer | Sequence[str | Layer] | None,
    argument: str,
    usual: Callable[[Model], list[str]],
    model: Model,
) -> list[str]:
    """Names of the layers that are asked for, or of the usual ones, after a look at each.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : these are no layers, or without positions.
    """
    names = usual(model) if layers is None else names_of(layers, argument)
    for name in _within(names):
        rank = model_io.skeleton(model).layer(name).shape.rank
        if rank not in (4, None):
            raise InvalidValueError(
                f"{argument} are layers with positions, [N, H, W, C]; {name!r} of {model.name} has "
                f"{rank} axes."
            )
    return names


def mean_of(objectives: Iterable[Objective]) -> Objective:
    """Mean of objectives, so that the number of layers does not change their weight."""
    each = list(objectives)
    return Objective.sum(each) * (1 / len(each))


def _looks(
    model: Model, layers: Sequence[str], moves: list[transform.Transform]
) -> list[transform.Transform]:
    """Transforms: the moves, and windows where the layers can be computed for one size only."""
    if defaults.takes_any_size(model, _within(layers)):
        return moves
    return [*moves, transform.random_crops(*window(model), _WINDOWS)]


def _turned_round(t: tf.Tensor) -> tf.Tensor:
    """Images `[N, H, W, C]` moved at random, what leaves at one edge coming back at the other."""
    shift = randomness.uniform([2], 0, 2**16, tf.int32)
    return tf.roll(t, shift, [1, 2])


def _cropped(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The middle of an image, as large as fits with these proportions, in this size."""
    scale = min(image.shape[0] / height, image.shape[1] / width)
    sides = [max(1, round(scale * side)) for side in (height, width)]
    top, left = ((had - side) // 2 for had, side in zip(image.shape, sides, strict=False))
    return resized(image[top : top + sides[0], left : left + sides[1]], height, width)


def _by_stride(model: Model) -> dict[int, list[str]]:
    """Layers with positions whose grids have a whole part of the photo's side, by that part."""
    side = window(model)[0]
    found: dict[int, list[str]] = {}
    for name, rows in rows_of(model).items():
        for stride in {stride for stride, _ in _STYLE_PLACES if rows == -(-side // stride)}:
            found.setdefault(stride, []).append(name)
    return found


def _spatial_layers(model: Model) -> list[str]:
    names = list(rows_of(model))
    if not names:
        raise InvalidValueError(
            f"{model.name} names no layer with positions. Name layers of yours, for content and "
            "for style."
        )
    return names


def _at(names: Sequence[str], fraction: float) -> str:
    return names[min(int(len(names) * fraction), len(names) - 1)]


def _within(layers: Sequence[str]) -> list[str]:
    """The layers that are the model's own."""
    return [name for name in layers if name != COLOURS]


def _channels_last(model: Model, layer: str, acts: np.ndarray) -> np.ndarray:
    """Activations `[H, W, C]` of one image."""
    if layer != COLOURS and model_io.skeleton(model).layer(layer).data_format == "NCHW":
        return np.moveaxis(acts, 0, -1)
    return acts
