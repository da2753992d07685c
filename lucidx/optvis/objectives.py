"""Objectives: scalar functions of a network's activations, to be maximised.

An objective takes T, a function from a layer's name to its activations, and returns a number.
Objectives add, subtract and scale:

    objective = 0.8 * channel("mixed4a", 20) + 0.2 * channel("mixed4a", 21)

They are values: combining them makes a new one. Wherever an objective is expected, `"mixed4a:20"`
stands for a channel, and any function of T is accepted.
"""

from __future__ import annotations

import functools
import inspect
import operator
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError, did_you_mean
from lucidx.optvis.objectives_util import (
    Expression,
    T,
    _dot_cossim,
    _extract_act_pos,
    _make_arg_str,
    _T_float32,
    _T_force_NHWC,
    _T_handle_batch,
    as_expression,
    batch_index,
    combine,
    constant,
    dimension,
    is_number,
    is_static,
    matched,
    numeric,
    spatial,
    take_channel,
    total,
    vector,
)


class Objective:
    """A function of T to be maximised, with a name and a description.

    Supports `+ - * / **` with numbers and other objectives, and `sum`.

    Attributes
    ----------
    objective_func : function of T that returns a scalar tensor.
    name, description : for people.
    """

    def __init__(self, objective_func: Callable[[T], Any], name: str = "", description: str = ""):
        self.objective_func = objective_func
        self.name = name
        self.description = description

    def __call__(self, T: T) -> Any:  # noqa: D102
        return self.objective_func(T)

    def __repr__(self) -> str:
        return f"<Objective: {self.description or self.name or 'unnamed'}>"

    def _with(self, function: Callable[..., Any], *operands: Any) -> Objective:
        """A function of operands, this objective among them, under this objective's name."""
        parts = [constant(o) if is_number(o) else as_expression(o) for o in operands]
        return Objective(combine(function.__name__, function, parts), self.name, self.description)

    def __add__(self, other: Any) -> Objective:
        if isinstance(other, Objective):
            return Objective.sum([self, other])
        return self._with(operator.add, self, other) if is_number(other) else NotImplemented

    def __radd__(self, other: Any) -> Objective:
        return self + other

    def __neg__(self) -> Objective:
        return -1 * self

    def __sub__(self, other: Any) -> Objective:
        if isinstance(other, Objective):
            return self + -other
        return self._with(operator.sub, self, other) if is_number(other) else NotImplemented

    def __rsub__(self, other: Any) -> Objective:
        return self._with(operator.sub, other, self) if is_number(other) else NotImplemented

    def __mul__(self, other: Any) -> Objective:
        return self._with(operator.mul, self, other) if _is_operand(other) else NotImplemented

    def __rmul__(self, other: Any) -> Objective:
        return self * other

    def __truediv__(self, other: Any) -> Objective:
        return self._with(operator.truediv, self, other) if _is_operand(other) else NotImplemented

    def __rtruediv__(self, other: Any) -> Objective:
        return self._with(operator.truediv, other, self) if is_number(other) else NotImplemented

    def __pow__(self, other: Any) -> Objective:
        return self._with(operator.pow, self, other) if is_number(other) else NotImplemented

    # numpy would otherwise try to make an array of `np.float32(2) * objective`.
    __array_ufunc__ = None

    @staticmethod
    def sum(objs: Iterable[Any]) -> Objective:
        """Sum of objectives, described by all of them; 0 if there are none.

        Parameters
        ----------
        objs : `Objective`s, `"layer:n"`, or functions of T.
        """
        objs = [as_objective(o) for o in objs]
        descriptions = " +\n".join(getattr(o, "description", "") for o in objs)
        return Objective(
            total(map(as_expression, objs)),
            ", ".join(getattr(o, "name", "") for o in objs),
            f"Sum({descriptions})",
        )


def _is_operand(x: Any) -> bool:
    return isinstance(x, Objective) or is_number(x)


def wrap_objective(
    require_format: str | Callable[..., Any] | None = None,
    handle_batch: bool = False,
    *,
    traced: Sequence[str] | None = None,
) -> Callable[..., Any]:
    """Decorator that makes a function returning a function of T into one returning an `Objective`.

    Works with and without parentheses:

        @wrap_objective()
        def brightness(layer):
            return lambda T: tf.reduce_mean(T(layer))

    T gives the function activations in float32, and also takes recorded ones: numpy arrays.

    Parameters
    ----------
    require_format : `"NHWC"`: let T give activations as `[N, H, W, C]`, whatever the layer's
        layout.
    handle_batch : give the function a keyword `batch`, which restricts T to one image of the batch.
    traced : say this of a function that depends on nothing but its arguments, so that rendering may
        use one traced graph for equal arguments. The arguments named here may even differ: the
        function must then also work with tensors in place of their numbers and arrays.

    Returns
    -------
    Decorator, or the decorated function.
    """
    if callable(require_format):
        return wrap_objective()(require_format)

    def decorator(function: Callable[..., Callable[[T], Any]]) -> Callable[..., Objective]:
        signature = inspect.signature(function)
        adds_batch = handle_batch and "batch" not in signature.parameters

        @functools.wraps(function)
        def make(*args: Any, **kwargs: Any) -> Objective:
            batch = batch_index(kwargs.pop("batch", None)) if adds_batch else None
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            arguments = bound.arguments
            hoisted = _hoist(arguments, traced or ())
            # Now, so that mistakes show where they are made, and once, because the function may
            # draw random numbers.
            own = function(*bound.args, **bound.kwargs)

            def build(T: T, values: tuple[Any, ...]) -> Any:
                inner = own
                if values:
                    changed = dict(zip(hoisted, values, strict=True))
                    called = inspect.BoundArguments(signature, {**arguments, **changed})
                    inner = function(*called.args, **called.kwargs)
                T = _T_handle_batch(_T_float32(T), batch)
                return inner(_T_force_NHWC(T) if require_format == "NHWC" else T)

            key = None
            if traced is not None:
                fixed = {k: v for k, v in arguments.items() if k not in hoisted}
                key = _key(function, batch, *fixed.items(), *(_spec(v) for v in hoisted.values()))
            name = function.__name__
            shown = ", ".join(_make_arg_str(a) for a in (*bound.args, *bound.kwargs.values()))
            return Objective(
                Expression(build, tuple(hoisted.values()), key), name, f"{name.title()} [{shown}]"
            )

        if adds_batch:
            extra = inspect.Parameter("batch", inspect.Parameter.KEYWORD_ONLY, default=None)
            parameters = sorted([*signature.parameters.values(), extra], key=lambda p: p.kind)
            make.__signature__ = signature.replace(parameters=parameters)
        return make

    return decorator


def _hoist(arguments: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Those of the named arguments that are numbers or arrays of numbers."""
    numbers = {name: numeric(arguments[name]) for name in names}
    return {name: number for name, number in numbers.items() if number is not None}


def _spec(value: Any) -> tuple[str, tuple[int, ...]]:
    return ("int" if is_static(value) else "float", np.shape(value))


def _key(*parts: Any) -> Hashable | None:
    try:
        hash(parts)
    except TypeError:
        return None
    return parts


def handle_batch(batch: int | None = None) -> Callable[[Callable[[T], Any]], Callable[[T], Any]]:
    """Decorator restricting a function of T to one image of the batch, if `batch` is given.

    Raises
    ------
    InvalidTypeError : `batch` is not a whole number.
    """
    index = batch_index(batch)
    return lambda function: lambda T: function(_T_handle_batch(T, index))


@wrap_objective(require_format="NHWC", traced=("channel_n", "x", "y"))
def neuron(layer_name, channel_n, x=None, y=None, batch=None):
    """Activation of one neuron: one channel at one position.

    Where the layer's height or width is even there is no neuron at the centre; the default is the
    lower right one of the central four:

        +---+---+---+---+
        |   |   |   |   |
        +---+---+---+---+
        |   |   |   |   |
        +---+---+---+---+
        |   |   | x |   |
        +---+---+---+---+
        |   |   |   |   |
        +---+---+---+---+

    Parameters
    ----------
    layer_name : name of a layer with activations `[N, H, W, C]`.
    channel_n : index into C.
    x : row (as in Lucid, not column), by default H // 2.
    y : column, by default W // 2.
    batch : restrict to one image of the batch.
    """

    @handle_batch(batch)
    def inner(T):
        layer = T(layer_name)
        return tf.reduce_mean(take_channel(_extract_act_pos(layer, x, y), layer_name, channel_n))

    return inner


@wrap_objective(require_format="NHWC", traced=("n_channel",))
def channel(layer, n_channel, batch=None):
    """Mean activation of one channel.

    Parameters
    ----------
    layer : name of a layer with activations `[N, H, W, C]` or `[N, C]`.
    n_channel : index into C; a slice takes the mean of several.
    batch : restrict to one image of the batch; all by default.
    """
    return handle_batch(batch)(lambda T: tf.reduce_mean(take_channel(T(layer), layer, n_channel)))


@wrap_objective(require_format="NHWC", traced=("vec",))
def direction(layer, vec, cossim_pow=0, batch=None):
    """Mean over positions of the activations' dot product with a direction.

    Parameters
    ----------
    layer : name of a layer with activations `[N, H, W, C]`.
    vec : direction `[C]`: array, sequence or tensor.
    cossim_pow : weight by this power of the cosine, which favours purity over magnitude.
    batch : restrict to one image of the batch.
    """
    vec = vector(vec)
    return handle_batch(batch)(
        lambda T: _dot_cossim(matched(T(layer), vec, layer), vec, cossim_pow)
    )


direction_cossim = direction


@wrap_objective(require_format="NHWC", traced=("vec", "x", "y"))
def direction_neuron(layer_name, vec, x=None, y=None, cossim_pow=0, batch=None):
    """Dot product of the activations at one position with a direction.

    Parameters
    ----------
    layer_name : name of a layer with activations `[N, H, W, C]`.
    vec : direction `[C]`: array, sequence or tensor.
    x, y : row and column, by default the centre; see `neuron`.
    cossim_pow : weight by this power of the cosine.
    batch : restrict to one image of the batch.
    """
    vec = vector(vec)

    @handle_batch(batch)
    def inner(T):
        acts = matched(T(layer_name), vec, layer_name)
        return _dot_cossim(_extract_act_pos(acts, x, y), vec, cossim_pow)

    return inner


@wrap_objective(require_format="NHWC", traced=("vec",))
def tensor_direction(layer, vec, cossim_pow=0, batch=None):
    """Dot product of the activations around the centre with a spatial arrangement of directions.

    Parameters
    ----------
    layer : name of a layer with activations `[N, H, W, C]`.
    vec : `[h, w, C]` or `[1, h, w, C]`, no larger than the layer.
    cossim_pow : weight by this power of the cosine.
    batch : restrict to one image of the batch.
    """
    vec = vector(vec, (3, 4), "[h, w, C] or [1, h, w, C]")
    height, width = dimension(vec, -3), dimension(vec, -2)

    @handle_batch(batch)
    def inner(T):
        acts = spatial(matched(T(layer), vec, layer))
        for axis, given, what in ((1, height, "rows"), (2, width, "columns")):
            size = dimension(acts, axis)
            if None not in (size, given) and given > size:
                raise InvalidValueError(
                    f"Layer {layer!r} has {size} {what}; the arrangement of directions has {given}."
                )
        top, left = (tf.shape(acts)[1] - height) // 2, (tf.shape(acts)[2] - width) // 2
        centre = tf.slice(acts, [0, top, left, 0], [-1, height, width, -1])
        return _dot_cossim(centre, vec, cossim_pow)

    return inner


@wrap_objective(handle_batch=True, traced=())
def deepdream(layer):
    """Mean square of a layer's activations: more of whatever is there (DeepDream, 2015).

    Parameters
    ----------
    layer : name of a layer.
    batch : restrict to one image of the batch.
    """
    return lambda T: tf.reduce_mean(T(layer) ** 2)


@wrap_objective(require_format="NHWC", handle_batch=True, traced=())
def total_variation(layer="input"):
    """Total variation of each image: sum of the absolute differences between neighbours.

    Use it with a negative weight, to smooth. For a batch it is a vector `[N]`, and what is
    maximised is the sum: `channel(...) - total_variation()` is a vector too, in which the channel
    counts N times. With `batch=n`, N is 1.

    Parameters
    ----------
    layer : name of a layer, by default the image itself.
    batch : restrict to one image of the batch.
    """
    return lambda T: tf.image.total_variation(T(layer))


@wrap_objective(handle_batch=True, traced=("constant",))
def L1(layer="input", constant=0):
    """Sum of absolute differences from a constant, over the whole batch.

    Use it with a negative weight.

    Parameters
    ----------
    layer : name of a layer, by default the image itself.
    constant : number or array to differ from.
    batch : restrict to one image of the batch.
    """
    return lambda T: tf.reduce_sum(tf.abs(T(layer) - tf.cast(constant, tf.float32)))


@wrap_objective(handle_batch=True, traced=("constant", "epsilon"))
def L2(layer="input", constant=0, epsilon=1e-6):
    """Euclidean distance from a constant, over the whole batch. Use it with a negative weight.

    Parameters
    ----------
    layer : name of a layer, by default the image itself.
    constant : number or array to differ from.
    epsilon : added under the root, for a finite gradient at distance 0.
    batch : restrict to one image of the batch.
    """
    return lambda T: tf.sqrt(
        epsilon + tf.reduce_sum((T(layer) - tf.cast(constant, tf.float32)) ** 2)
    )


def _tf_blur(x: tf.Tensor, w: int = 3) -> tf.Tensor:
    """Blur `[N, H, W, C]` by a w x w box whose border counts half; at edges, by what is there."""
    kernel = np.full([w, w], 0.5, np.float32)
    kernel[1:-1, 1:-1] = 1
    kernel = tf.tile(kernel[:, :, np.newaxis, np.newaxis], [1, 1, tf.shape(x)[-1], 1])

    def total(images: tf.Tensor) -> tf.Tensor:
        return tf.nn.depthwise_conv2d(images, kernel, [1, 1, 1, 1], "SAME")

    return total(x) / total(tf.ones_like(x))


def _blur_distance(image: tf.Tensor) -> tf.Tensor:
    return 0.5 * tf.reduce_sum((image - tf.stop_gradient(_tf_blur(image))) ** 2)


@wrap_objective(traced=())
def blur_input_each_step():
    """Half the squared distance between the image and its blur, which counts as fixed.

    With a negative weight, each step moves the image towards its blur.
    """
    return lambda T: _blur_distance(T("input"))


@wrap_objective(traced=())
def blur_alpha_each_step():
    """`blur_input_each_step` for the fourth channel of the image only."""

    def inner(T):
        image = T("input")
        depth = dimension(image, -1)
        if depth is not None and depth < 4:
            raise InvalidValueError(
                f"The image has {depth} channels; a fourth, its transparency, is blurred. Use "
                "param.image(..., alpha=True)."
            )
        return _blur_distance(image[..., 3:4])

    return inner


@wrap_objective(require_format="NHWC", traced=("n_channel1", "n_channel2"))
def channel_interpolate(layer1, n_channel1, layer2, n_channel2):
    """Interpolate from one channel to another along the batch.

    Image n of N maximises `(1 - n/(N-1))` times the first channel plus `n/(N-1)` times the second.

    Parameters
    ----------
    layer1, layer2 : names of layers with activations `[N, H, W, C]`; the batch has at least two
        images.
    n_channel1, n_channel2 : indices into C.
    """

    def inner(T):
        size = _static_batch(T(layer1), layer1, 2)
        weights = np.linspace(0, 1, size, dtype=np.float32)
        means = [_means(T(layer1), layer1, n_channel1), _means(T(layer2), layer2, n_channel2)]
        return tf.reduce_sum((1 - weights) * means[0] + weights * means[1])

    return inner


def _means(acts: tf.Tensor, layer: str, channel: Any) -> tf.Tensor:
    """Mean of one channel for each image: `[N]`."""
    values = take_channel(acts, layer, channel)
    return tf.reduce_mean(tf.reshape(values, [dimension(acts, 0), -1]), -1)


def _static_batch(acts: tf.Tensor, layer: str, least: int) -> int:
    size = dimension(acts, 0)
    if size is None or size < least:
        raise InvalidValueError(
            f"This objective compares the images of a batch: {layer!r} needs a known batch size "
            f"of at least {least}, not {size}. Pass batch={least} or more to the image "
            "parameterization."
        )
    return size


@wrap_objective(traced=("mask", "C"))
def penalize_boundary_complexity(shp, w=20, mask=None, C=0.5):
    """Penalty for structure near the border of the image. Already negative: add it as it is.

    Parameters
    ----------
    shp : shape of the images, `[N, H, W, channels]`.
    w : width of the border in pixels; 0 penalizes everywhere.
    mask : array of `shp` that weights the pixels, instead of the border.
    C : the grey that is not penalized.
    """
    if mask is None:
        mask = np.ones(shp, np.float32)
        mask[:, w:-w, w:-w] = 0

    def inner(T):
        image = T("input")
        complexity = (_tf_blur(image, w=5) - image) ** 2 + 0.8 * (image - C) ** 2
        return -tf.reduce_sum(complexity * tf.cast(mask, tf.float32))

    return inner


@wrap_objective(traced=())
def alignment(layer, decay_ratio=2):
    """Penalty for differences between neighbouring images of the batch. Already negative.

    Makes the same thing appear at the same place when images interpolate between objectives
    ("Differentiable Image Parameterizations", Distill 2018). Images up to four apart are compared.

    Parameters
    ----------
    layer : name of a layer.
    decay_ratio : by how much the weight falls with each step of distance in the batch.
    """

    def inner(T):
        acts = T(layer)
        size = _static_batch(acts, layer, 1)
        distances = [
            (size - d) * tf.reduce_mean((acts[:-d] - acts[d:]) ** 2) / decay_ratio**d
            for d in range(1, min(5, size))
        ]
        return -sum(distances, tf.constant(0.0))

    return inner


@wrap_objective(require_format="NHWC", traced=())
def diversity(layer):
    """How alike the images of the batch are, by the cosine between their Gram matrices.

    Use it with a negative weight, so that the images show different facets ("Feature
    Visualization", Distill 2017). It is the sum over ordered pairs, divided by the batch size.

    Parameters
    ----------
    layer : name of a layer with activations `[N, H, W, C]`; the batch has at least two images.
    """

    def inner(T):
        acts = T(layer)
        size = _static_batch(acts, layer, 1)
        flat = tf.reshape(acts, [size, -1, tf.shape(acts)[-1]])
        grams = tf.reshape(tf.matmul(flat, flat, transpose_a=True), [size, -1])
        grams = tf.nn.l2_normalize(grams, -1, epsilon=1e-10)
        alike = tf.matmul(grams, grams, transpose_b=True)
        return (tf.reduce_sum(alike) - tf.linalg.trace(alike)) / size

    return inner


@wrap_objective(traced=("orig_img",))
def input_diff(orig_img):
    """Root mean square difference between the image and another.

    Parameters
    ----------
    orig_img : array of the image's shape, in 0..1.
    """
    # The root has no gradient at 0, where a picture that starts as `orig_img` is.
    return lambda T: tf.sqrt(
        1e-12 + tf.reduce_mean((T("input") - tf.cast(orig_img, tf.float32)) ** 2)
    )


@wrap_objective(require_format="NHWC", traced=("label",))
def class_logit(layer, label, batch=None):
    """Activation of one class in an output layer, summed over the images.

    Choose the layer before the softmax: after it, the gradient is mostly about other classes.

    Parameters
    ----------
    layer : name of a layer `[N, classes]`, such as `"softmax2_pre_activation"`.
    label : index of the class, or its name in the model's labels.
    batch : restrict to one image of the batch.
    """

    def inner(T):
        index = class_index(T("labels"), label) if isinstance(label, str) else label
        return tf.reduce_sum(take_channel(T(layer), layer, index))

    return handle_batch(batch)(inner)


def class_index(labels: Sequence[str], label: str) -> int:
    """Position of a class by its name.

    Raises
    ------
    InvalidValueError : no class has that name; the closest are offered.
    """
    if label not in labels:
        raise InvalidValueError(f"No class is called {label!r}. {did_you_mean(label, labels)}")
    return list(labels).index(label)


def layer_and_channel(text: str) -> tuple[str, int]:
    """The two parts of `"layer:channel"`.

    Raises
    ------
    InvalidValueError : a string of another form.
    """
    layer, _, number = (part.strip() for part in text.rpartition(":"))
    if not layer or not re.fullmatch(r"[+-]?\d{1,9}", number, re.ASCII):
        raise InvalidValueError(
            f"{text!r} is not 'layer:channel', for instance 'mixed4a:476': a layer's name, a "
            "colon and a whole number."
        )
    return layer, int(number)


def as_objective(obj: Any) -> Callable[[T], Any]:
    """What was meant by an objective.

    Parameters
    ----------
    obj : an `Objective` or another function of T: itself; `"layer:n"`: channel n of a layer.

    Raises
    ------
    InvalidValueError : a string of another form.
    InvalidTypeError : neither.
    """
    if callable(obj):
        return obj
    if not isinstance(obj, str):
        raise InvalidTypeError(
            f"An objective is 'layer:channel', an Objective or a function of T; not {obj!r}."
        )
    return channel(*layer_and_channel(obj))
