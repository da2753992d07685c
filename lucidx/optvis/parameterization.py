"""Running a `param_f` more than once with the same variables.

A parameterization is a function that makes variables and returns an image. TensorFlow 2 traces
functions and steps them many times, so the variables have to be made once. `instantiate` runs the
function once, recording the variables it makes, and later hands it the same ones, in order,
whenever it asks for new ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis import param, randomness

tf1 = tf.compat.v1


class Parameterization(NamedTuple):
    """An image that can be optimised.

    Attributes
    ----------
    draw : from the optimisation step to the image `[N, H, W, C]`; a plain function, to be traced.
    variables : the trainable variables that the image depends on.
    spec : static shape and type of the image.
    """

    draw: Callable[[Any], tf.Tensor]
    variables: list[tf.Variable]
    spec: tf.TensorSpec


def make_t_image(param_f: Callable[[], tf.Tensor] | tf.Tensor | None) -> tf.Tensor:
    """Image tensor of a parameterization; by default `param.image(128)`.

    Parameters
    ----------
    param_f : function without arguments that returns an image, or the image itself.

    Raises
    ------
    InvalidTypeError : the result is not a tensor, or belongs to another graph than the one being
        built.
    """
    if param_f is None:
        t_image = param.image(128)
    elif tf.is_tensor(param_f) and not isinstance(param_f, tf.Variable):
        t_image = param_f
    elif callable(param_f):
        t_image = param_f()
    else:
        raise InvalidTypeError(
            "param_f is a function that returns an image tensor, such as "
            f"`lambda: param.image(128)`; not {param_f!r}."
        )
    if isinstance(t_image, tf.Variable) or not tf.is_tensor(t_image):
        raise InvalidTypeError(
            f"The image parameterization returned a {type(t_image).__name__}, not a tensor. "
            "Return what is computed from its variables; of a variable itself, "
            "tf.identity(variable)."
        )
    if tf.is_symbolic_tensor(t_image) and t_image.graph is not tf1.get_default_graph():
        raise InvalidTypeError(
            "The image was made in another graph than the one being built. Pass the function "
            "that makes it, or use render.make_vis_T in the graph it belongs to."
        )
    return t_image


def instantiate(param_f: Callable[[], tf.Tensor] | None, seed: int) -> Parameterization:
    """Make the variables of a parameterization; call this in eager code.

    Parameters
    ----------
    param_f : function that makes variables and returns an image `[N, H, W, C]`; it may also use
        variables that exist already.
    seed : decides the variables' initial values, and all other randomness in `param_f`.

    Raises
    ------
    InvalidTypeError, InvalidValueError : no tensor, not an image, or nothing to optimise.
    """
    made: list[tf.Variable] = []

    def record(next_creator: Callable[..., tf.Variable], **options: Any) -> tf.Variable:
        made.append(next_creator(**options))
        return made[-1]

    with (
        tf.GradientTape() as tape,
        tf.variable_creator_scope(record),
        randomness.stream(seed),
    ):
        image = make_t_image(param_f)
    variables = list({v.ref(): v for v in tape.watched_variables()}.values())
    _check(image, variables)

    def draw(step: Any) -> tf.Tensor:
        rest = iter(made)

        def replay(_: Callable[..., tf.Variable], **__: Any) -> tf.Variable:
            variable = next(rest, None)
            if variable is None:
                raise InvalidValueError(
                    "The image parameterization makes more variables when it is called again."
                )
            return variable

        with tf.variable_creator_scope(replay), randomness.stream(seed, step):
            return make_t_image(param_f)

    return Parameterization(draw, variables, tf.TensorSpec(image.shape, image.dtype))


def _check(image: tf.Tensor, variables: list[tf.Variable]) -> None:
    if image.shape.rank != 4:
        raise InvalidValueError(
            "The image parameterization returns images [N, H, W, C]; this one has shape "
            f"{image.shape}."
        )
    if 0 in image.shape.as_list():
        raise InvalidValueError(f"The image has shape {image.shape}: nothing is there.")
    if image.dtype != tf.float32:
        raise InvalidTypeError(f"Images are float32, not {image.dtype.name}.")
    if not variables:
        raise InvalidValueError(
            "There is nothing to optimise: the image parameterization makes no trainable "
            "variable. Use those of lucidx.optvis.param, or compute the image from a tf.Variable."
        )
