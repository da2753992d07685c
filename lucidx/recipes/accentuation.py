"""Feature accentuation: a photo changed into more of what a feature looks for."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from lucidx.arguments import whole
from lucidx.attribution.scores import as_score
from lucidx.basis import layer_name
from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis import param, transform
from lucidx.optvis.objectives import Objective, wrap_objective
from lucidx.optvis.overrides.custom_gradient import custom_gradient
from lucidx.recipes.attention import attending, mask_of, no_attention
from lucidx.recipes.images import reduced
from lucidx.recipes.mixtures import in_image
from lucidx.recipes.rendering import rendered, window

_PHOTO, _FOR_FEATURE, _FOR_LIKENESS = range(3)  # the images that the model sees together
_NOISE = 0.02


class Accentuation(NamedTuple):
    """A photo before and after.

    Attributes
    ----------
    photo : float32 `[H, W, C]` in 0..1, what was started from: the photo in the size used.
    image : float32 `[H, W, C]` in 0..1, accentuated.
    mask : float32 `[H, W]` in 0..1: where the feature asked for change.
    """

    photo: np.ndarray
    image: np.ndarray
    mask: np.ndarray


def accentuate(
    model: Model,
    photo: np.ndarray,
    objective: Any,
    *,
    regularization_layer: str | Layer | None = None,
    strength: float = 0.5,
    steps: int = 100,
    size: int = 512,
    sides: tuple[float, float] = (0.5, 1.0),
    seed: int = 0,
    progress: bool | None = None,
) -> Accentuation:
    """Change a photo into more of what a feature looks for, and keep it the photo.

    "Feature Accentuation: Revealing 'What' Features Respond to in Natural Images" (Hamblin et al.,
    2024, arXiv 2402.10039): the photo itself is optimised, in Fourier space and decorrelated
    colours. Maximised is the feature, minus how far the activations of a layer are from those of
    the photo under the same random window. The two forces on the image are kept in proportion.

    Parameters
    ----------
    model : what to look at; of any size and number of channels.
    photo : `[H, W, C]`, floats in 0..1 or uint8.
    objective : what `attribution.as_score` takes: `"layer:channel"`, a label of the model, an
        `Objective` or a function of T.
    regularization_layer : the layer that shall go on seeing the photo; by default one in the first
        third of the model. A later one keeps less of the look and more of the content.
    strength : of what holds the image back, relative to the feature: the sum of absolute gradients
        of the one divided by that of the other, in each step. 0 lets everything change.
    steps : updates of Adam with learning rate 0.05.
    size : the longest side, in pixels; larger photos are made smaller.
    sides : least and most of the photo's shorter side that a window covers, see
        `transform.random_crops`; windows have the size that the model was made for.
    seed : decides everything random.
    progress : whether to show a progress bar; by default in terminals and notebooks.

    Returns
    -------
    The photo, the accentuated image and the mask. When interrupted (Ctrl-C), as they are by then.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work; found out before the first step.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    check_model(model)
    start = reduced(model, photo, whole("size", size, 2), least=2)
    goal = in_image(as_score(model, objective).objective, _FOR_FEATURE)
    layer = _early_layer(model) if regularization_layer is None else regularization_layer
    proportion = _checked_strength(strength)
    total = no_attention(*start.shape[:2])

    def images() -> tf.Tensor:
        image = param.image_from(start)
        seen = _balanced(image, proportion, lambda t: attending(t, total))
        return tf.concat([tf.constant(start)[tf.newaxis], seen], 0)

    result, _ = rendered(
        model,
        goal - _distance(layer_name(layer)),
        images,
        transforms=[transform.random_crops(*window(model), sides), transform.noise(_NOISE)],
        steps=steps,
        seed=seed,
        progress=progress,
    )
    return Accentuation(start, result[_FOR_FEATURE], mask_of(total))


@wrap_objective(traced=())
def _distance(layer: str) -> Objective:
    """Root mean square difference of activations between the photo and the image."""

    def inner(T):
        acts = T(layer)
        # The root has no gradient at 0, where the image is the photo.
        return tf.sqrt(1e-12 + tf.reduce_mean((acts[_FOR_LIKENESS] - acts[_PHOTO]) ** 2))

    return inner


def _balanced(
    image: tf.Tensor, strength: float, attend: Callable[[tf.Tensor], tf.Tensor]
) -> tf.Tensor:
    """The image twice, `[2, H, W, C]`: once for the feature and once for the likeness.

    Backward, the gradient of the second is scaled to `strength` times the L1 norm of the first's.
    """

    @custom_gradient
    def scaled(feature: tf.Tensor, likeness: tf.Tensor):
        def gradient(*upstream: tf.Tensor) -> list[tf.Tensor]:
            pull, hold = upstream
            norms = [tf.reduce_sum(tf.abs(each)) for each in (pull, hold)]
            return [pull, strength * tf.math.divide_no_nan(*norms) * hold]

        return [tf.identity(feature), tf.identity(likeness)], gradient

    return tf.concat(scaled(attend(image), image), 0)


def _early_layer(model: Model) -> str:
    """Name of a layer in the first third of those with positions."""
    names = [layer.name for layer in model.layers if "conv" in layer.tags]
    if not names:
        raise InvalidValueError(
            f"{model.name} names no layer with positions. Say which one shall go on seeing the "
            "photo, as regularization_layer=..."
        )
    return names[len(names) // 3]


def _checked_strength(strength: float) -> float:
    if not isinstance(strength, Real):
        raise InvalidTypeError(f"strength is a number; got {strength!r}.")
    if not 0 <= strength < np.inf:
        raise InvalidValueError(f"strength is finite and at least 0, not {strength}.")
    return float(strength)
