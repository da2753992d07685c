"""The traced part of rendering that is the same for many pictures: from an image to its gradient.

    image --transforms--> --value range--> part of the model --T--> objective --> gradient

What differs between the channels of a layer, and other numbers in objectives, are inputs of the
trace. So rendering the next channel, or with another parameterization of the same size, does not
trace again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo import model_io
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import randomness
from lucidx.optvis.expressions import T, as_expression

tf1 = tf.compat.v1


class Ascent(NamedTuple):
    """Result of one evaluation.

    Attributes
    ----------
    value : of the objective: a scalar, or a vector whose sum is maximised.
    gradient : of *minus* the objective with respect to the image `[N, H, W, C]`: what is descended.
        The redirected gradients of ReLUs depend on the sign.
    flows : for each image, whether any gradient reaches it: `[N]` bool.
    """

    value: tf.Tensor
    gradient: tf.Tensor
    flows: tf.Tensor


def with_input(T_model: T, t_image: tf.Tensor, model: Model) -> T:
    """T that also knows `"input"`, the image before transforms, and `"labels"`."""

    def T(layer: str) -> Any:
        if layer == "input":
            return t_image
        return model.labels if layer == "labels" else T_model(layer)

    return T


def layers_read(model: Model, objective: Callable[[T], Any], images: tf.TensorSpec) -> list[str]:
    """Names of the layers that an objective reads.

    The objective is tried on stand-ins for the layers, which finds most mistakes in it before any
    work.

    Parameters
    ----------
    model : what the layers belong to.
    objective : function of T.
    images : shape and type of the images.

    Raises
    ------
    InvalidValueError : it reads nothing, or something that is not there.
    InvalidTypeError : it does not return a number.
    """
    skeleton = model_io.skeleton(model)
    read: list[str] = []

    def T_stand_in(layer: str) -> Any:
        name = getattr(layer, "name", layer)
        read.append(name)
        return _stand_in(skeleton.layer(name), tf.compat.dimension_value(images.shape[0]))

    def dry_run() -> tf.Tensor:
        _show_global_step(tf.constant(0, tf.int64))
        T = with_input(T_stand_in, tf1.placeholder(images.dtype, images.shape), model)

        def T_noting(layer: str) -> Any:
            asked.add(layer)
            return T(layer)

        return _checked(objective(T_noting))

    asked: set[Any] = set()
    tf.function(dry_run, autograph=False).get_concrete_function()
    if not asked - {"labels"}:
        raise InvalidValueError(
            "The objective reads no layer: it never calls T. An objective is a function of T, "
            "such as `lambda T: tf.reduce_mean(T('mixed4a')[..., 3])`."
        )
    return list(dict.fromkeys(read))


def _show_global_step(step: tf.Tensor) -> None:
    """Let objectives find the step where TensorFlow's own code would look for it."""
    tf1.get_default_graph().add_to_collection(tf1.GraphKeys.GLOBAL_STEP, step)


def _stand_in(info: model_io.LayerInfo, batch: int | None) -> tf.Tensor:
    shape = info.shape
    if shape.rank:
        first, *rest = shape.as_list()
        shape = [batch if first is None else first, *rest]
    t = tf1.placeholder(info.dtype, shape)
    if info.data_format == "NCHW":
        # An operation that states its layout, for whoever looks for it in the graph.
        t = tf.nn.bias_add(t, tf.zeros([shape[1]], info.dtype), data_format="NCHW")
    return t


def _checked(value: Any) -> tf.Tensor:
    try:
        value = tf.convert_to_tensor(value, dtype_hint=tf.float32)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"The objective returns a {type(value).__name__}, not a number."
        ) from error
    if not value.dtype.is_floating:
        raise InvalidTypeError(f"The objective returns {value.dtype.name}, not a float.")
    return value


def trace(
    model: Model,
    objective: Callable[[T], Any],
    transform: Callable[[tf.Tensor], tf.Tensor],
    images: tf.TensorSpec,
    relu: str,
) -> Callable[..., Ascent]:
    """Function from an image to its objective and gradient.

    It is traced once for all objectives that differ only in numbers.

    Parameters
    ----------
    model : to ask.
    objective : function of T; an `Expression` with a key can share a trace.
    transform : applied to the image each time with new random numbers; one with a key can share a
        trace.
    images : shape and type of the images.
    relu : `"exact"` or `"redirected"`, see `Model.function`.

    Returns
    -------
    Function of (image, seed, step, *values of the objective) -> `Ascent`; integers are int64
    scalars.
    """
    layers = layers_read(model, objective, images)
    expression = as_expression(objective)
    specs = [_value_spec(value) for value in expression.values]
    transform_key = getattr(transform, "key", None)
    key = None
    if expression.key is not None and transform_key is not None:
        key = ("ascent", expression.key, *specs, transform_key, images, relu, *layers)
    scalar = tf.TensorSpec([], tf.int64)

    def ascend(image: tf.Tensor, seed: tf.Tensor, step: tf.Tensor, *values: tf.Tensor) -> Ascent:
        _show_global_step(step)
        with randomness.stream(seed, step):
            T_layers = model_io.import_layers(model, layers, _images(transform(image)), relu=relu)
            T_layers = _one_row_per_image(T_layers, images)
            value = _checked(expression.build(with_input(T_layers, image, model), values))
        (gradient,) = tf.gradients(-value, image)
        if gradient is None:
            raise InvalidValueError("The objective does not depend on the image.")
        flows = tf.reduce_any(tf.not_equal(gradient, 0), axis=[1, 2, 3])
        return Ascent(value, gradient, flows)

    def make() -> Callable[..., Ascent]:
        # Not inlined into the steps that call it, so that it is optimised once for all of them.
        function = tf.function(ascend, autograph=False, experimental_attributes={"_noinline": True})
        return function.get_concrete_function(images, scalar, scalar, *specs)

    return model_io.skeleton(model).function(key, make)


def _images(transformed: Any) -> tf.Tensor:
    if not tf.is_tensor(transformed):
        raise InvalidTypeError(
            f"The transforms return a {type(transformed).__name__}, not an image tensor."
        )
    return transformed


def _one_row_per_image(T_layers: T, images: tf.TensorSpec) -> T:
    """T that refuses layers whose first axis turns out not to be the batch.

    Networks that end in a reshape fold positions into the batch when images are larger than what
    they were made for. Then `batch=1` would mean a position of the first image.
    """
    batch = tf.compat.dimension_value(images.shape[0])

    def T_checked(layer: str) -> tf.Tensor:
        t = T_layers(layer)
        if batch in (None, 1) or not t.shape.rank or t.shape.as_list()[0] is not None:
            return t
        check = tf.debugging.assert_equal(
            tf.shape(t)[0],
            batch,
            f"the layer {getattr(layer, 'name', layer)!r} does not have one row for each image",
        )
        with tf.control_dependencies([check]):
            return tf.ensure_shape(t, [batch, *t.shape.as_list()[1:]])

    return T_checked


def _value_spec(value: Any) -> tf.TensorSpec:
    dtype = tf.int32 if isinstance(value, int | np.integer) else tf.float32
    return tf.TensorSpec(np.shape(value), dtype)


def as_inputs(values: tuple[Any, ...]) -> list[tf.Tensor]:
    """The values of an expression as tensors for a traced function."""
    return [
        tf.constant(v, spec.dtype) for v, spec in zip(values, map(_value_spec, values), strict=True)
    ]
