"""Random transformations of the image before the model sees it.

An image that excites a neuron only at one exact position, scale and angle is noise to a person;
asking it to survive small random transformations is what keeps adversarial noise out ("Feature
Visualization", Olah et al., Distill 2017, on transformation robustness).

Every factory here checks its arguments and returns a function from an image batch [N, H, W, C] to
an image batch. It draws anew each time it is evaluated, one draw for the whole batch. Any function
from tensor to tensor can stand among them.

The returned function has an attribute `key`: a hashable tuple of the factory's name and arguments,
such that equal keys mean equal behaviour, or None if an argument is not hashable (a tensor, say).
What has been traced for some transforms serves for others with equal keys.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable
from numbers import Integral, Real
from typing import Literal

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis import randomness
from lucidx.optvis.overrides.custom_gradient import custom_gradient
from lucidx.optvis.param.random import image_sample

Transform = Callable[[tf.Tensor], tf.Tensor]


def jitter(d: int, seed: int | None = None) -> Transform:
    """Crop at a random position.

    Parameters
    ----------
    d : pixels to lose in height and in width; offsets are uniform over 0 to `d`.
    seed : repeats the draws, whatever the seed of the run.

    Returns
    -------
    Function from [..., H, W, C] to [..., H - d, W - d, C].

    Raises
    ------
    InvalidTypeError, InvalidValueError : if `d` is not an integer of at least 0; and from the
        function, for images not larger than `d`.
    """
    d = _integer("d", d)
    seed = _seed(seed)

    @_keyed("jitter", d, seed)
    def crop(t: tf.Tensor) -> tf.Tensor:
        t = _images(t)
        *batch, h, w, ch = t.shape.as_list()
        advice = f"jitter({d}) leaves nothing of the image; pad first or use a smaller d."
        if any(side is not None and side <= d for side in (h, w)):
            raise InvalidValueError(f"{advice} Got shape {t.shape}.")
        # Sizes known only when running: tf.slice would read a size of -1 as "all".
        fits = tf.debugging.assert_greater(tf.shape(t)[-3:-1], d, advice)
        with tf.control_dependencies([fits]):
            size = tf.shape(t) - ([0] * len(batch) + [d, d, 0])
        offset = randomness.uniform([2], 0, d + 1, tf.int32, seed)
        cropped = tf.slice(t, tf.pad(offset, [[len(batch), 1]]), size)
        cropped.set_shape([*batch, *(side and side - d for side in (h, w)), ch])
        return cropped

    return crop


def pad(
    w: int, mode: str = "REFLECT", constant_value: float | tf.Tensor | Literal["uniform"] = 0.5
) -> Transform:
    """Add a border.

    Parameters
    ----------
    w : pixels on each side.
    mode : "REFLECT", "SYMMETRIC" or "CONSTANT", in any case.
    constant_value : of the border in mode "CONSTANT"; "uniform" draws one grey per step.

    Returns
    -------
    Function from [..., H, W, C] to [..., H + 2w, W + 2w, C].

    Raises
    ------
    InvalidTypeError, InvalidValueError : for impossible arguments; and from the function, for
        images too small to reflect `w` pixels.
    """
    w = _integer("w", w)
    modes = {"REFLECT": w, "SYMMETRIC": w - 1, "CONSTANT": -1}
    if not isinstance(mode, str):
        raise InvalidTypeError(f"mode is the name of a way to pad; got {mode!r}.")
    mode = mode.upper()
    if mode not in modes:
        raise InvalidValueError(f"There is no mode {mode!r}; use one of {', '.join(modes)}.")
    uniform = isinstance(constant_value, str)
    if not uniform:
        _check_scalar("constant_value", constant_value)
    elif constant_value != "uniform":
        raise InvalidValueError(f"constant_value is a number or 'uniform'; got {constant_value!r}.")

    @_keyed("pad", w, mode, constant_value)
    def add_border(t: tf.Tensor) -> tf.Tensor:
        t = _images(t)
        if any(side is not None and side <= modes[mode] for side in t.shape.as_list()[-3:-1]):
            raise InvalidValueError(
                f"pad({w}, {mode!r}) needs images larger than that; got shape {t.shape}."
                " Use mode 'CONSTANT' or a smaller w."
            )
        paddings = [[0, 0]] * (t.shape.rank - 3) + [[w, w], [w, w], [0, 0]]
        if mode != "CONSTANT":
            return tf.pad(t, paddings, mode)
        value = randomness.uniform([]) if uniform else constant_value
        return tf.pad(t, paddings, mode, tf.cast(value, t.dtype))

    return add_border


def random_scale(scales: Iterable[float], seed: int | None = None) -> Transform:
    """Resize by a factor drawn from a list.

    Parameters
    ----------
    scales : positive factors; each entry is equally likely.
    seed : repeats the draws, whatever the seed of the run.

    Returns
    -------
    Function from [N, H, W, C] to [N, trunc(s H), trunc(s W), C], by bilinear interpolation without
    half-pixel centres; height and width are known only when it runs.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for scales that are not a list of positive numbers.
    """
    scales = _numbers("scales", scales)
    if min(scales) <= 0:
        raise InvalidValueError(f"scales must be positive; got {list(scales)}.")
    seed = _seed(seed)

    @_keyed("random_scale", scales, seed)
    def resize(t: tf.Tensor) -> tf.Tensor:
        t = _images(t, rank=4)
        scale = tf.cast(_rand_select(scales, seed), tf.float32)
        size = tf.cast(scale * tf.cast(tf.shape(t)[1:3], tf.float32), tf.int32)
        return tf.raw_ops.ResizeBilinear(images=t, size=size)

    return resize


def random_rotate(
    angles: Iterable[float], units: str = "degrees", seed: int | None = None
) -> Transform:
    """Rotate about the centre by an angle drawn from a list.

    Each pixel takes the value of the nearest pixel of the image, or 0 where there is none. The
    gradient is the exact adjoint of that.

    Parameters
    ----------
    angles : counter-clockwise; each entry is equally likely.
    units : "degrees" (converted with 3.14, as in Lucid) or "radians" ("rads", "rad"), in any case.
    seed : repeats the draws, whatever the seed of the run.

    Returns
    -------
    Function from [N, H, W, C] to [N, H, W, C].

    Raises
    ------
    InvalidTypeError, InvalidValueError : for angles that are not a list of numbers, or unknown
        units.
    """
    angles = _numbers("angles", angles)
    units = _angle_units(units)
    seed = _seed(seed)

    @_keyed("random_rotate", angles, units, seed)
    def rotate(t: tf.Tensor) -> tf.Tensor:
        t = _images(t, rank=4)
        angle = _angle2rads(_rand_select(angles, seed), units)
        n, h, w, ch = tf.unstack(tf.shape(t))
        # Pixels are gathered by number, 0 being a black one put before them. Rotating the numbers
        # instead of the image makes the gradient exact (TensorFlow's own for the rotation rotates
        # back, which reads some pixels twice and others never), and is faster for batches.
        source = _rotate_nearest(tf.reshape(tf.range(1, h * w + 1), [1, h, w, 1]), angle)
        pixels = tf.pad(tf.reshape(t, [n, h * w, ch]), [[0, 0], [1, 0], [0, 0]])
        rotated = tf.gather(pixels, tf.reshape(source, [-1]), axis=1)
        rotated = tf.reshape(rotated, tf.shape(t))
        rotated.set_shape(t.shape)
        return rotated

    return rotate


def normalize_gradient(grad_scales: Iterable[float] | None = None) -> Transform:
    """Leave the image as it is and give its gradient unit length.

    Parameters
    ----------
    grad_scales : length of the gradient of each image of the batch; 1 by default.

    Returns
    -------
    Identity on [N, H, W, C] whose gradient is divided by its L2 norm over H, W, C, then multiplied
    by `grad_scales[n]`. A gradient of zero stays zero.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for scales that are not a list of numbers; and from the
        function, for a batch of another length.
    """
    scales = None if grad_scales is None else _numbers("grad_scales", grad_scales)

    @custom_gradient
    def identity(t: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            unit = tf.math.l2_normalize(upstream, [1, 2, 3], epsilon=1e-30)
            if scales is None:
                return unit
            return unit * tf.constant(scales, upstream.dtype)[:, None, None, None]

        return tf.identity(t), gradient

    @_keyed("normalize_gradient", scales)
    def normalize(t: tf.Tensor) -> tf.Tensor:
        t = _images(t, rank=4)
        if scales is not None and t.shape[0] not in (None, len(scales)):
            raise InvalidValueError(
                f"There are {len(scales)} grad_scales for a batch of {t.shape[0]} images;"
                " give one per image."
            )
        return identity(t)

    return normalize


def compose(transforms: Iterable[Transform]) -> Transform:
    """Chain transforms.

    Parameters
    ----------
    transforms : applied in this order; none of them gives the identity.

    Returns
    -------
    Function from tensor to tensor. Its `key` is made of those of the transforms, None if one of
    them has none.

    Raises
    ------
    InvalidTypeError : if they are not functions.
    """
    try:
        transforms = tuple(transforms)
    except TypeError as e:
        raise InvalidTypeError(f"compose takes a list of transforms; got {transforms!r}.") from e
    for transform in transforms:
        if not callable(transform):
            raise InvalidTypeError(f"A transform is a function of a tensor; got {transform!r}.")
    keys = [getattr(transform, "key", None) for transform in transforms]

    def composed(t: tf.Tensor) -> tf.Tensor:
        return functools.reduce(lambda t, transform: transform(t), transforms, t)

    composed.key = None if any(key is None for key in keys) else ("compose", *keys)
    return composed


def collapse_alpha_random(sd: float | tf.Tensor = 0.5) -> Transform:
    """Put an image with opacity before a random background, a new one each step.

    What the image leaves transparent is then what does not matter to the objective ("Differentiable
    Image Parameterizations", Mordvintsev et al., Distill 2018).

    Parameters
    ----------
    sd : standard deviation of the background, see `param.image_sample`; 0 is uniform grey.

    Returns
    -------
    Function from [N, H, W, 4] to [N, H, W, 3]; channels beyond the fourth are dropped. N must be
    known beforehand, H and W need not.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for an impossible `sd`; and from the function, for images
        without a fourth channel or a batch of unknown length.
    """
    _check_scalar("sd", sd)
    if not tf.is_tensor(sd) and sd < 0:
        raise InvalidValueError(f"sd must be at least 0; got {sd}.")

    @_keyed("collapse_alpha_random", sd)
    def collapse(t: tf.Tensor) -> tf.Tensor:
        t = _images(t, rank=4)
        n, h, w, ch = t.shape.as_list()
        if n is None or ch is None or ch < 4:
            raise InvalidValueError(
                "collapse_alpha_random needs a known number of images with an alpha channel;"
                f" got shape {t.shape}. Make them with param.image(..., alpha=True)."
            )
        dynamic = tf.shape(t)
        h, w = (dynamic[axis] if side is None else side for axis, side in ((1, h), (2, w)))
        background = image_sample([n, h, w, 3], sd=sd)
        rgb, alpha = t[..., :3], t[..., 3:4]
        return alpha * rgb + (1 - alpha) * background

    return collapse


def crop_or_pad_to(height: int, width: int) -> Transform:
    """Crop about the centre, or pad with zeros, to an exact size.

    Meant as the last transform before models that take one size only.

    Parameters
    ----------
    height, width : in pixels.

    Returns
    -------
    Function from [N, H, W, C] to [N, height, width, C].

    Raises
    ------
    InvalidTypeError, InvalidValueError : for sizes that are not positive integers.
    """
    height, width = _integer("height", height, 1), _integer("width", width, 1)

    @_keyed("crop_or_pad_to", height, width)
    def to_size(t: tf.Tensor) -> tf.Tensor:
        return tf.image.resize_with_crop_or_pad(_images(t, rank=4), height, width)

    return to_size


def random_crops(
    height: int,
    width: int,
    sides: tuple[float, float] = (0.5, 1.0),
    number: int = 1,
    seed: int | None = None,
) -> Transform:
    """Cut out parts at random places, and bring them to one size.

    Seen through such windows, all of an image has to show the feature, at any scale; and networks
    of one size can look at images of any. It is the only transform, beside noise, of MACO (Fel et
    al., 2023, arXiv 2306.06805).

    Parameters
    ----------
    height, width : of the results, in pixels; the parts have the same proportions.
    sides : least and most length of a part's sides, relative to the largest part that fits into the
        image; each part draws its own, uniformly.
    number : parts of each image. All images of a batch are cut alike.
    seed : repeats the draws, whatever the seed of the run.

    Returns
    -------
    Function from [N, H, W, C] to [N * number, height, width, C], the parts of an image one after
    the other; by linear interpolation, and smoothed where parts are made smaller.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for impossible arguments.
    """
    height, width = _integer("height", height, 1), _integer("width", width, 1)
    number, seed = _integer("number", number, 1), _seed(seed)
    sides = _numbers("sides", sides)
    if len(sides) != 2 or not 0 < sides[0] <= sides[1] <= 1:
        raise InvalidValueError(
            f"sides are two numbers, the smaller first, more than 0 and at most 1; got {sides}."
        )

    @_keyed("random_crops", height, width, sides, number, seed)
    def crop(t: tf.Tensor) -> tf.Tensor:
        t = _images(t, rank=4)
        n, _, _, ch = t.shape.as_list()
        wanted = tf.constant([height, width], tf.float32)
        size = tf.cast(tf.shape(t)[1:3], tf.float32)
        largest = wanted * tf.reduce_min(size / wanted)
        parts = []
        for _ in range(number):
            part = largest * randomness.uniform([], *sides, seed=seed)
            corner = (size - part) * randomness.uniform([2], seed=seed)
            parts.append(_part(t, corner, part, (height, width)))
        crops = tf.reshape(tf.stack(parts, 1), [-1, height, width, tf.shape(t)[-1]])
        crops.set_shape([n and n * number, height, width, ch])
        return crops

    return crop


def noise(sd: float = 0.1, seed: int | None = None) -> Transform:
    """Add normal noise, to each pixel and channel its own.

    Parameters
    ----------
    sd : standard deviation, where images are in 0..1; results can be outside of that.
    seed : repeats the draws, whatever the seed of the run.

    Returns
    -------
    Function from [..., H, W, C] to the same shape.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for an impossible `sd`.
    """
    _check_scalar("sd", sd)
    if not tf.is_tensor(sd) and sd < 0:
        raise InvalidValueError(f"sd must be at least 0; got {sd}.")
    seed = _seed(seed)

    @_keyed("noise", sd, seed)
    def add(t: tf.Tensor) -> tf.Tensor:
        t = _images(t)
        added = t + tf.cast(sd, t.dtype) * tf.cast(randomness.normal(tf.shape(t), seed), t.dtype)
        added.set_shape(t.shape)
        return added

    return add


def _part(t: tf.Tensor, corner: tf.Tensor, part: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """The rectangle `part` (height, width) at `corner` (y, x) of images, brought to a size."""
    scale = tf.cast(size, tf.float32) / part
    return tf.raw_ops.ScaleAndTranslate(
        images=t,
        size=size,
        scale=scale,
        translation=-corner * scale,
        kernel_type="triangle",
        antialias=True,
    )


def _keyed(factory: str, *arguments: Hashable) -> Callable[[Transform], Transform]:
    """Attach the `key` that the module docstring describes."""
    key: tuple[Hashable, ...] | None = (factory, *arguments)
    try:
        hash(key)
    except TypeError:
        key = None

    def attach(transform: Transform) -> Transform:
        transform.key = key
        return transform

    return attach


def _rand_select(xs: Iterable[float], seed: int | None = None) -> tf.Tensor:
    """One of `xs`, each equally likely."""
    xs = list(xs)
    return tf.constant(xs)[randomness.uniform([], 0, len(xs), tf.int32, seed)]


def _angle2rads(angle: float | tf.Tensor, units: str) -> tf.Tensor:
    """Angle in radians, float32."""
    angle = tf.cast(angle, tf.float32)
    return 3.14 * angle / 180 if _angle_units(units) == "degrees" else angle


def _angle_units(units: str) -> str:
    """`units` by its one name."""
    names = {"degrees": "degrees", "radians": "radians", "rads": "radians", "rad": "radians"}
    if not isinstance(units, str):
        raise InvalidTypeError(f"units is the name of a unit of angle; got {units!r}.")
    if units.lower() not in names:
        raise InvalidValueError(f"There are no units {units!r}; use one of {', '.join(names)}.")
    return names[units.lower()]


def _rotate_nearest(t: tf.Tensor, angle: tf.Tensor) -> tf.Tensor:
    """Rotate [N, H, W, C] about the centre by nearest neighbours, with 0 outside."""
    size = tf.shape(t)[1:3]
    y, x = tf.unstack(tf.cast(size - 1, tf.float32))
    c, s = tf.cos(angle), tf.sin(angle)
    x_shift, y_shift = (x - (c * x - s * y)) / 2, (y - (s * x + c * y)) / 2
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=t,
        transforms=tf.stack([c, -s, x_shift, s, c, y_shift, 0, 0])[None],
        output_shape=size,
        fill_value=0,
        interpolation="NEAREST",
        fill_mode="CONSTANT",
    )


def _images(t: tf.Tensor, rank: int | None = None) -> tf.Tensor:
    """`t` as a tensor [N, H, W, C], or [..., H, W, C] if no rank is asked for."""
    t = tf.convert_to_tensor(t, dtype_hint=tf.float32)
    if t.shape.rank is None or t.shape.rank < 3 or rank not in (None, t.shape.rank):
        wanted = "[N, H, W, C]" if rank else "[..., H, W, C]"
        raise InvalidValueError(f"Transforms take images {wanted}; got shape {t.shape}.")
    return t


def _integer(name: str, value: int, minimum: int = 0) -> int:
    """`value` as a Python integer that is at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InvalidTypeError(f"{name} is an integer; got {value!r}.")
    if value < minimum:
        raise InvalidValueError(f"{name} must be at least {minimum}; got {value}.")
    return int(value)


def _seed(seed: int | None) -> int | None:
    return None if seed is None else _integer("seed", seed, minimum=-(2**63))


def _numbers(name: str, values: Iterable[float]) -> tuple[float, ...]:
    """`values` as a tuple of at least one finite number."""
    try:
        numbers = np.array(list(values))
    except (TypeError, ValueError) as e:
        raise InvalidTypeError(f"{name} is a list of numbers; got {values!r}.") from e
    if numbers.dtype.kind not in "iuf":
        raise InvalidTypeError(f"{name} is a list of numbers; got {values!r}.")
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        raise InvalidValueError(f"{name} must hold one or more finite numbers; got {values!r}.")
    return tuple(numbers.astype(float).tolist())


def _check_scalar(name: str, value: float | tf.Tensor) -> None:
    """Raise unless `value` is a finite number or a tensor."""
    if tf.is_tensor(value):
        return
    if not isinstance(value, Real):
        raise InvalidTypeError(f"{name} is a number; got {value!r}.")
    if not np.isfinite(value):
        raise InvalidValueError(f"{name} must be finite; got {value}.")


standard_transforms: list[Transform] = [
    pad(12, mode="constant", constant_value=0.5),
    jitter(8),
    random_scale([1 + (i - 5) / 50 for i in range(11)]),
    random_rotate([*range(-10, 11), *[0] * 5]),
    jitter(4),
]
