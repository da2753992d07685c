"""Pictures of channels and neurons, several at once, with how the optimisation went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.arguments import whole
from lucidx.basis import channels as channels_of
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis import defaults, objectives, param, transform
from lucidx.optvis.objectives import Objective
from lucidx.optvis.param.color import color_correlation_svd_sqrt
from lucidx.optvis.render import render_vis
from lucidx.recipes import mixtures
from lucidx.recipes.images import to_optimise

Pictures = tuple[np.ndarray, np.ndarray] | list[tuple[np.ndarray, np.ndarray]]


def neuron(*args: Any, **kwargs: Any) -> Pictures:
    """Pictures of the central neurons of channels; arguments and results as for `channel`."""
    return _main(objectives.neuron, *args, **kwargs)


def channel(*args: Any, **kwargs: Any) -> Pictures:
    """Pictures of channels ("Feature Visualization", Distill 2017), optimised together.

    Called as `channel(model, layer, channel_indices, alpha=False, negative=False,
    decorrelation_matrix=None, n_steps=128, parallel_transforms=16, lr=0.05,
    override_gradients=True, *, seed=None, progress=None)`.

    Parameters
    ----------
    model, layer : what to look at; the layer or its name.
    channel_indices : a channel, or several.
    alpha : make pictures that are transparent where it does not matter what is there
        ("Differentiable Image Parameterizations", Distill 2018).
    negative : look for what the channels are most negative for.
    decorrelation_matrix : `[3, 3]`, a square root of the covariance of the colours that the model
        was trained on, in place of that of ImageNet's.
    n_steps : updates.
    parallel_transforms : has no effect, as in Lucid.
    lr : learning rate of Adam.
    override_gradients : redirect the gradients of ReLUs in the first 17 steps.
    seed : decides everything random.
    progress : whether to show a progress bar; by default in terminals and notebooks.

    Returns
    -------
    For one channel, its picture float32 `[1, H, W, C]` in 0..1, of the model's size, with a fourth
    channel if `alpha`; and float32 `[1, n_steps]`, the objective before each update. For several, a
    list of pairs of a picture `[H, W, C]` and the objectives `[n_steps]`. When interrupted
    (Ctrl-C), as they are by then, with as many objectives as there were updates.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    return _main(objectives.channel, *args, **kwargs)


def _main(
    objective_f: Callable[..., Objective],
    model: Model,
    layer: str | Layer,
    channel_indices: int | Sequence[int],
    alpha: bool = False,
    negative: bool = False,
    decorrelation_matrix: np.ndarray | None = None,
    n_steps: int = 128,
    parallel_transforms: int = 16,
    lr: float = 0.05,
    override_gradients: bool = True,
    *,
    seed: int | None = None,
    progress: bool | None = None,
) -> Pictures:
    check_model(model)
    chosen = np.atleast_1d(channel_indices).tolist()
    last_step = whole("n_steps", n_steps) - 1
    name = getattr(layer, "name", layer)
    channels_of(model, name, chosen)  # refuses those that are not there
    usual = defaults.size_for(model, [name])
    height, width = (
        size or default for size, default in zip(model.image_shape[:2], usual[::-1], strict=True)
    )
    transforms = [*transform.standard_transforms, transform.crop_or_pad_to(height, width)]
    goals = [(-1 if negative else 1) * objective_f(name, c, batch=b) for b, c in enumerate(chosen)]
    if alpha:
        goals = [mixtures.sparing(goal, b) for b, goal in enumerate(goals)]
    values: list[np.ndarray] = []
    (images,) = render_vis(
        model,
        mixtures.each(goals),
        lambda: _images(model, (height, width), len(chosen), alpha, decorrelation_matrix),
        lambda: tf.compat.v1.train.AdamOptimizer(lr),
        [*transforms, transform.collapse_alpha_random()] if alpha else transforms,
        thresholds=[last_step],
        verbose=False,
        relu_gradient_override=override_gradients,
        seed=seed,
        progress=progress,
        on_step=lambda _, value: values.append(value),
    )
    losses = np.stack(values, 1).astype(np.float32)
    return (images, losses) if len(chosen) == 1 else list(zip(images, losses, strict=True))


def _images(
    model: Model,
    size: tuple[int, int],
    batch: int,
    alpha: bool,
    decorrelation_matrix: np.ndarray | None,
) -> tf.Tensor:
    height, width = size
    if decorrelation_matrix is None:
        return to_optimise(model, width, height, batch, alpha)
    matrix = np.asarray(decorrelation_matrix, np.float32)
    if matrix.shape != color_correlation_svd_sqrt.shape or not np.isfinite(matrix).all():
        raise InvalidValueError(
            "decorrelation_matrix is [3, 3], a square root of the covariance of RGB; this one has "
            f"shape {matrix.shape}."
        )
    t = param.fft_image([batch, height, width, 4 if alpha else 3])
    to_rgb = (matrix / np.linalg.norm(matrix, axis=0).max()).T
    rgb = tf.tensordot(t[..., :3], tf.constant(to_rgb), 1)
    return tf.sigmoid(tf.concat([rgb, t[..., 3:]], -1))
