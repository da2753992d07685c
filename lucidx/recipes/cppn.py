"""Pictures painted by a small network of pixel coordinates, which have no resolution."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from lucidx.arguments import whole
from lucidx.attribution.scores import as_score
from lucidx.modelzoo import model_io
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import defaults, param, randomness
from lucidx.recipes.cppn_function import CppnFunction, function_of
from lucidx.recipes.mixtures import layers_of
from lucidx.recipes.rendering import rendered, window

_RATE = 0.005  # learning rate of Adam
# Standard deviation of the last weights at the start. `param.cppn` has zeros there: a picture of
# one colour, which leaves many units off and without gradient.
_FIRST = 0.1


def cppn(
    model: Model,
    objective: Any,
    size: int | None = None,
    *,
    layers: int = 8,
    hidden: int = 24,
    steps: int = 512,
    seed: int = 0,
    progress: bool | None = None,
) -> CppnFunction:
    """Learn a function from position to colour that maximises an objective.

    What is optimised is a compositional pattern-producing network (Stanley, "Compositional pattern
    producing networks", 2007), as in "Differentiable Image Parameterizations" (Mordvintsev et al.,
    Distill 2018). Its pictures look like light and line art rather than like photos, and can be
    drawn at any resolution. Unlike there, the model is shown them under
    `transform.standard_transforms`, which makes objects plainer.

        function = cppn(model, "mixed4a:476")
        picture = cppn_function.draw(function, 2048)
        cppn_page.save_page(function, "live.html")

    Parameters
    ----------
    model : what to look at.
    objective : what `attribution.as_score` takes: `"layer:channel"`, a label of the model, an
        `Objective` or a function of T.
    size : width and height in pixels of what the model is shown; by default the longer side that
        the model was made for. It sets the scale of what is learned, not the resolution.
    layers, hidden : how many hidden layers the painting network has, and channels in each. More
        make richer pictures.
    steps : updates of Adam with learning rate 0.005.
    seed : decides everything random; other seeds give quite other pictures.
    progress : whether to show a progress bar; by default in terminals and notebooks.

    Returns
    -------
    The function. When interrupted (Ctrl-C), as it is by then.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work; found out before the first step.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    check_model(model)
    goal = as_score(model, objective).objective
    side = max(window(model)) if size is None else whole("size", size, 2)
    options = {
        "num_output_channels": model.image_shape[-1] or 3,
        "num_hidden_channels": whole("hidden", hidden),
        "num_layers": whole("layers", layers),
    }
    variables: list[tf.Variable] = []

    def picture() -> tf.Tensor:
        # Called once, eagerly, to make the variables; then for graphs, which use the same ones.
        variables.clear()
        with tf.variable_creator_scope(recording):
            image = param.cppn(side, **options)
        if tf.executing_eagerly():
            weights = variables[-2]
            weights.assign(randomness.initial_noise(weights.shape.as_list(), _FIRST))
        return image

    def recording(next_creator: Any, **kwargs: Any) -> tf.Variable:
        variables.append(next_creator(**kwargs))
        return variables[-1]

    rendered(
        model,
        goal,
        picture,
        optimizer=lambda: tf.compat.v1.train.AdamOptimizer(_RATE),
        transforms=defaults.transforms_for(model, layers_of(model, [goal])),
        steps=steps,
        seed=seed,
        progress=progress,
    )
    with model_io.eagerly():
        weights, biases = ([v.numpy() for v in variables[first::2]] for first in (0, 1))
    return function_of((w[0, 0], b) for w, b in zip(weights, biases, strict=True))
