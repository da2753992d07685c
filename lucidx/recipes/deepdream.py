"""DeepDream: a photo with more of what a network sees in it.

"Inceptionism: Going Deeper into Neural Networks" (Mordvintsev, Olah and Tyka, Google Research Blog,
2015), and the notebook published with it, which has the guided dreams and the zoom too.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image
from scipy.ndimage import gaussian_filter

from lucidx import diagnosis
from lucidx.arguments import whole
from lucidx.attribution.scores import as_score
from lucidx.basis import layer_name
from lucidx.errors import (
    DiagnosisWarning,
    InvalidTypeError,
    InvalidValueError,
    NonFiniteLossError,
)
from lucidx.interfaces.usual import usual_layers
from lucidx.misc.environment import is_notebook_environment
from lucidx.modelzoo import model_io
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis import ascent, defaults, objectives, transform
from lucidx.optvis.expressions import T, as_expression
from lucidx.optvis.objectives import Objective, as_objective, wrap_objective
from lucidx.optvis.objectives_util import matched
from lucidx.progress import tqdm
from lucidx.recipes.images import as_model_takes, one_photo
from lucidx.recipes.tiles import Compute, tiled_gradient

log = logging.getLogger(__name__)

TILE = 512  # pixels, height and width
SMALLEST = 64  # pixels of the shorter side of an octave
BANDS = 4  # of frequencies in the gradient, an octave each
GUIDING = 1024  # activations of a guide, at most: each is compared with each of a tile


@wrap_objective(require_format="NHWC", traced=("guide",))
def best_match(layer: str, guide: np.ndarray) -> Objective:
    """Likeness of what a layer sees to those of a guide's activations that it is most like.

    The mean over positions of the largest dot product with an activation of the guide, as in the
    guided dreams of "Inceptionism" (Mordvintsev, Olah and Tyka, 2015).

    Parameters
    ----------
    layer : name of a layer with activations `[N, H, W, C]`.
    guide : activations `[n, C]`.
    """

    def inner(T):
        acts = matched(T(layer), guide, layer)
        flat = tf.reshape(acts, [-1, tf.shape(acts)[-1]])
        return tf.reduce_mean(tf.reduce_max(tf.matmul(flat, guide, transpose_b=True), -1))

    return inner


def dream_objective(model: Model, objective: Any = None) -> Callable[[T], Any]:
    """What a dream is of.

    Parameters
    ----------
    model : what dreams.
    objective : a layer or its name, for `objectives.deepdream`; `"layer:channel"`, an `Objective`
        or another function of T, as for rendering; a label of one of its classes; None for a layer
        about two thirds into the model.

    Raises
    ------
    InvalidTypeError, InvalidValueError : nothing of these; or None, and the model names no layer
        with positions.
    """
    if objective is None or isinstance(objective, Layer):
        return objectives.deepdream(_layer(model, objective))
    if not isinstance(objective, str):
        return as_objective(objective)
    if _is_label(model, objective):
        return as_score(model, objective).objective
    return as_objective(objective) if ":" in objective else objectives.deepdream(objective)


def _is_label(model: Model, name: str) -> bool:
    try:
        return name in model.labels
    except InvalidValueError:  # it has none
        return False


def deepdream(
    model: Model,
    photo: np.ndarray,
    objective: Any = None,
    *,
    octaves: int = 4,
    octave_scale: float = 1.4,
    steps: int = 10,
    step_size: float = 0.006,
    tile: int | None = None,
    guide: np.ndarray | None = None,
    size: int | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> np.ndarray:
    """Add to a photo more of what a network sees in it ("Inceptionism", Mordvintsev et al., 2015).

    The photo itself climbs the gradient of an objective, first reduced in size, then in larger and
    larger octaves, each of which keeps the details that were added so far. The gradient is computed
    in overlapping tiles that are shifted at random in each step: memory does not depend on the size
    of the photo, and there are no seams. Each tile is to the objective a picture of its own, so one
    about a position, such as `objectives.neuron`, is about a position in every tile.

    Parameters
    ----------
    model : what to look at; of any number of channels.
    photo : `[H, W, C]`, floats in 0..1 or uint8.
    objective : a layer or its name, for more of whatever it sees (`objectives.deepdream`);
        `"layer:channel"`, a label of one of its classes, an `Objective` or another function of T.
        By default a layer about two thirds into the model.
    octaves : how many, at most; none has a side of less than 64 pixels, unless the photo has.
    octave_scale : by which each is larger than the one before.
    steps : updates in each octave.
    step_size : mean change of a channel of a pixel in an update; white is 1.
    tile : height and width of tiles in pixels. By default 512, or those of the model where what the
        objective reads cannot be computed for others.
    guide : another picture, `[H, W, C]`, stretched to the model's size: the photo gets more of
        those of the guide's features that it already resembles (`best_match`). The objective is
        then a layer.
    size : longest side in pixels; a larger photo is reduced first.
    seed : decides the shifts.
    progress : whether to show a progress bar; by default in terminals and notebooks.

    Returns
    -------
    float32 `[H, W, C]` in 0..1. When interrupted (Ctrl-C), as far as it got.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work.
    NonFiniteLossError : the objective or its gradient became NaN or infinite.
    """
    dreamer = _dreamer(model, objective, octaves, octave_scale, steps, step_size, tile, guide, seed)
    start = _reduced(one_photo(model, photo), size)
    with _progress_bar(len(_sizes(dreamer, start)) * dreamer.steps, progress) as bar:
        dream, _ = _dream(dreamer, start, np.random.default_rng(dreamer.seed), bar)
    return dream


def dream_zoom(
    model: Model,
    photo: np.ndarray,
    objective: Any = None,
    *,
    zoom: float = 1.03,
    octaves: int = 4,
    octave_scale: float = 1.4,
    steps: int = 2,
    step_size: float = 0.006,
    tile: int | None = None,
    guide: np.ndarray | None = None,
    size: int | None = None,
    seed: int = 0,
) -> Iterator[np.ndarray]:
    """Frames of a flight into a dream: each is dreamt a little, then magnified for the next.

    There is no end to it: take as many as you want, for instance with `itertools.islice`. Soon
    nothing is left of the photo, so that noise is as good a start ("Inceptionism", 2015).

    Parameters
    ----------
    zoom : by which a frame is magnified for the next, about its centre.
    model, photo, objective, octaves, octave_scale, steps, step_size, tile, guide, size, seed : as
        for `deepdream`.

    Yields
    ------
    float32 `[H, W, C]` in 0..1. When interrupted (Ctrl-C) there are no more.

    Raises
    ------
    As `deepdream`; what is wrong with arguments at once, not with the first frame.
    """
    dreamer = _dreamer(model, objective, octaves, octave_scale, steps, step_size, tile, guide, seed)
    _check_within("zoom", zoom, 1, 2)
    start = _reduced(one_photo(model, photo), size)
    return _frames(dreamer, start, zoom)


class _Dreamer(NamedTuple):
    """How to dream.

    Attributes
    ----------
    compute : objective and gradient of a tile.
    tile, exact : as for `tiled_gradient`.
    octaves, octave_scale, steps, step_size, seed : as for `deepdream`.
    """

    compute: Compute
    tile: tuple[int, int]
    exact: bool
    octaves: int
    octave_scale: float
    steps: int
    step_size: float
    seed: int


def _dreamer(
    model: Model,
    objective: Any,
    octaves: int,
    octave_scale: float,
    steps: int,
    step_size: float,
    tile: int | None,
    guide: np.ndarray | None,
    seed: int,
) -> _Dreamer:
    check_model(model)
    _check_within("octave_scale", octave_scale, 1.01, 8)
    _check_within("step_size", step_size, 1e-6, 1)
    octaves, steps, seed = whole("octaves", octaves), whole("steps", steps), whole("seed", seed, 0)
    guided = guide is not None
    chosen = _guided(model, objective, guide, seed) if guided else dream_objective(model, objective)
    spec = tf.TensorSpec([1, None, None, model.image_shape[-1]], tf.float32)
    with model_io.eagerly():
        layers = ascent.layers_read(model, chosen, spec)
        diagnosis.preflight(model, layers)
        exact = not defaults.takes_any_size(model, layers)
        tile_size = _tile_size(model, tile, exact)
        compute = _compute(model, chosen, spec)
    return _Dreamer(compute, tile_size, exact, octaves, octave_scale, steps, step_size, seed)


def _check_within(name: str, value: Any, least: float, most: float) -> None:
    if not isinstance(value, Real):
        raise InvalidTypeError(f"{name} is a number, not {value!r}.")
    if not least <= value <= most:
        raise InvalidValueError(f"{name} is {least} to {most}, not {value!r}.")


def _layer(model: Model, layer: str | Layer | None) -> str:
    if layer is not None:
        return layer_name(layer)
    try:
        return usual_layers(model)[2]
    except InvalidValueError as error:
        raise InvalidValueError(
            f"{model.name} names no layer with positions: say what to dream of, with the name of a "
            "tensor of its graph as the objective."
        ) from error


def _guided(model: Model, layer: str | Layer | None, guide: np.ndarray, seed: int) -> Objective:
    if not isinstance(layer, str | Layer | None):
        raise InvalidTypeError(
            "With a guide, the objective is a layer, in which photo and guide are compared; not "
            f"{layer!r}."
        )
    if isinstance(layer, str) and _is_label(model, layer):
        raise InvalidValueError(
            "With a guide, the objective is a layer, in which photo and guide are compared, not "
            f"the class {layer!r}."
        )
    if isinstance(layer, str) and ":" in layer:
        raise InvalidValueError(
            "With a guide, the objective is a layer, in which photo and guide are compared, "
            f"not a channel: {layer.rpartition(':')[0]!r}, not {layer!r}."
        )
    name = _layer(model, layer)
    picture = _reduced(one_photo(model, guide), TILE)
    acts = model.activations(as_model_takes(model, picture), name)
    if model_io.skeleton(model).layer(name).data_format == "NCHW":
        acts = np.moveaxis(acts, 0, -1)
    acts = acts.reshape(-1, acts.shape[-1])
    return best_match(name, np.random.default_rng(seed).permutation(acts)[:GUIDING])


def _tile_size(model: Model, tile: int | None, exact: bool) -> tuple[int, int]:
    height, width, _ = model.image_shape
    if exact:
        if tile is not None and (tile, tile) != (height, width):
            raise InvalidValueError(
                f"{model.name} can compute what the objective reads for images of {height}x{width} "
                f"pixels only, so that is the size of its tiles; asked for {tile}."
            )
        return height, width
    side = TILE if tile is None else whole("tile", tile, SMALLEST)
    return side, side


def _compute(model: Model, objective: Callable[..., Any], spec: tf.TensorSpec) -> Compute:
    ascend = ascent.trace(model, objective, transform.compose([]), spec, "exact")
    values = ascent.as_inputs(as_expression(objective).values)
    zero = tf.constant(0, tf.int64)

    def compute(tile: np.ndarray) -> tuple[float, np.ndarray]:
        try:
            with model_io.eagerly():
                result = ascend(tf.constant(tile[np.newaxis]), zero, zero, *values)
        except tf.errors.OpError as error:
            height, width, _ = tile.shape
            raise InvalidValueError(
                f"{model.name} or the objective cannot be evaluated on tiles of {height}x{width} "
                f"pixels: {model_io.reason_of(error)}. Try a larger tile or photo, or fewer "
                "octaves."
            ) from error
        return float(np.sum(result.value)), -result.gradient.numpy()[0]

    return compute


def _reduced(photo: np.ndarray, size: int | None) -> np.ndarray:
    longest = max(photo.shape[:2])
    if size is None or whole("size", size) >= longest:
        return photo
    height, width = (max(1, round(side * size / longest)) for side in photo.shape[:2])
    return _resized(photo, (height, width)).clip(0, 1)  # which interpolation overshoots


def _sizes(dreamer: _Dreamer, photo: np.ndarray) -> list[tuple[int, int]]:
    """Heights and widths of the octaves, from the smallest to the photo's own."""
    height, width = photo.shape[:2]
    factors = [dreamer.octave_scale**-k for k in range(dreamer.octaves)]
    kept = [f for f in factors if f == 1 or f * min(height, width) >= SMALLEST]
    return [(round(height * f), round(width * f)) for f in reversed(kept)]


def _dream(
    dreamer: _Dreamer, photo: np.ndarray, rng: np.random.Generator, bar: tqdm
) -> tuple[np.ndarray, bool]:
    """The photo dreamt, and whether that was not interrupted."""
    detail, finished = np.zeros_like(photo), False
    try:
        for size in _sizes(dreamer, photo):
            base, detail = _resized(photo, size), _resized(detail, size)
            for step in range(dreamer.steps):
                picture = np.clip(base + detail, 0, 1)
                detail = _ascended(dreamer, picture, step, rng, bar) - base
        finished = True
    except KeyboardInterrupt:
        log.warning("Interrupted; returning the dream so far.")
    return np.clip(photo + _resized(detail, photo.shape[:2]), 0, 1), finished


def _ascended(
    dreamer: _Dreamer, picture: np.ndarray, step: int, rng: np.random.Generator, bar: tqdm
) -> np.ndarray:
    """The picture after one update."""
    shift = tuple(rng.integers(picture.shape[:2]))
    value, gradient = tiled_gradient(
        dreamer.compute, picture, dreamer.tile, shift, exact=dreamer.exact
    )
    if not (np.isfinite(value) and np.isfinite(gradient).all()):
        raise _not_finite(step, picture)
    bar.update()
    bar.set_postfix_str(f"objective {value:.4g}", refresh=False)
    if not gradient.any():
        _warn_of_no_gradient()
        return picture
    update = _evened(gradient)
    update *= dreamer.step_size / np.mean(np.abs(update))
    return np.clip(picture + update, 0, 1)


def _evened(gradient: np.ndarray) -> np.ndarray:
    """The gradient with all bands of frequencies equally strong.

    As it is, it is mostly of high frequencies, which look like noise. This is the "Laplacian
    pyramid gradient normalization" of "DeepDreaming with TensorFlow" (Mordvintsev, 2016).
    """
    gradient = gradient / np.abs(gradient).max()
    least = 1e-4 * _strength(gradient)  # below are rounding errors
    total, rest = np.zeros_like(gradient), gradient
    for band in range(BANDS):
        is_last = band == BANDS - 1
        sigma = 2.0**band
        lower = 0 if is_last else gaussian_filter(gradient, (sigma, sigma, 0), mode="nearest")
        part = rest - lower
        total += part / max(_strength(part), least)
        rest = lower
    return total


def _strength(gradient: np.ndarray) -> np.floating:
    return np.sqrt(np.mean(gradient**2))


def _not_finite(step: int, picture: np.ndarray) -> NonFiniteLossError:
    height, width, _ = picture.shape
    return NonFiniteLossError(
        f"The objective or its gradient is not finite at step {step} of the octave of "
        f"{width}x{height} pixels, which is in this error's `.image`. Check that the objective "
        "does not divide by zero or take the root or logarithm of a negative number.",
        step,
        picture[np.newaxis],
    )


def _warn_of_no_gradient() -> None:
    warnings.warn(
        "dead_gradient: no gradient reaches the photo, so it stays as it is. All units that the "
        "objective reads are off, or saturated. Read the layer before its ReLU, or choose another "
        "objective.",
        DiagnosisWarning,
        stacklevel=2,
    )


def _frames(dreamer: _Dreamer, frame: np.ndarray, zoom: float) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(dreamer.seed)
    height, width = frame.shape[:2]
    dx, dy = (side * (1 - 1 / zoom) / 2 for side in (width, height))
    silent = _progress_bar(0, False)
    while True:
        frame, finished = _dream(dreamer, frame, rng, silent)
        yield frame
        if not finished:
            return
        try:
            magnified = _resized(frame, (height, width), (dx, dy, width - dx, height - dy))
        except KeyboardInterrupt:
            return
        frame = np.clip(magnified, 0, 1)


def _resized(
    image: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> np.ndarray:
    """A part of an image, or all of it, in another height and width, smoothly interpolated."""
    if box is None and image.shape[:2] == tuple(size):
        return image
    bands = [Image.fromarray(np.ascontiguousarray(image[..., c])) for c in range(image.shape[-1])]
    resized = [band.resize(size[::-1], Image.Resampling.BICUBIC, box) for band in bands]
    return np.dstack([np.asarray(band) for band in resized])


def _progress_bar(total: int, wanted: bool | None) -> tqdm:
    if wanted is None:
        wanted = is_notebook_environment() or sys.stderr.isatty()
    return tqdm(total=total, disable=not wanted, unit="step", desc="deepdream", leave=False)
