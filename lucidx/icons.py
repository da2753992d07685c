"""Icons: small feature visualizations of the members of a basis, made once and kept.

    images = icons(model, channels(model, "mixed4d", [3, 57]))

An icon depends on the model, the direction and the settings only: not on what else is in the basis.
Icons are kept in the cache directory, one file each, so that interrupted work goes on where it was.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from lucidx import picture_cache
from lucidx.arguments import whole
from lucidx.basis import Basis, channels, check_fits, unit
from lucidx.errors import InvalidTypeError, InvalidValueError, did_you_mean
from lucidx.misc.environment import is_notebook_environment
from lucidx.misc.io.collapse_channels import collapse_channels
from lucidx.modelzoo import model_io
from lucidx.modelzoo.importing import check_model
from lucidx.optvis import param, transform
from lucidx.optvis.visualization import Visualization, make_transform_f
from lucidx.progress import tqdm

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Layer, Model

Transforms = Sequence[Callable[[tf.Tensor], tf.Tensor]]
Box = tuple[int, int, int, int]

ALGORITHM = 1  # to be raised when icons come out different, so that old ones are not used
_BATCH = 16  # icons rendered at once
_BATCH_PIXELS = 2**18  # and fewer of larger ones, for memory
_PURITY = 2  # power of the cosine in the objective of directions other than channels


class Quality(NamedTuple):
    """How icons are optimised: steps of Adam, and its learning rate."""

    steps: int
    rate: float


QUALITIES = {"fast": Quality(64, 0.1), "full": Quality(256, 0.05)}


class _Job(NamedTuple):
    """What icons have in common; `transform` is None for the default."""

    model: Model
    layer: str
    size: int
    steps: int
    rate: float
    seed: int
    transform: Callable[[tf.Tensor], tf.Tensor] | None


def icons(
    model: Model,
    basis: Basis,
    size: int = 80,
    steps: int | None = None,
    *,
    quality: str = "fast",
    seed: int = 0,
    cache: bool = True,
    progress: bool | None = None,
    transforms: Transforms | None = None,
) -> np.ndarray:
    """Draw the members of a basis, or take what was drawn before from the cache.

    Channels are drawn by their mean activation ("Feature Visualization", Distill 2017). Other
    directions by the dot product with them weighted by the square of its cosine, so that they come
    out pure rather than strong ("Activation Atlas", Distill 2019). All start from the same noise.

    Parameters
    ----------
    model : what to look at.
    basis : directions in one of its layers; their length does not matter.
    size : width and height in pixels. Where the layer can be computed for images of one size only,
        icons are drawn in that size and then scaled.
    steps : of optimisation; by default those of `quality`.
    quality : `"fast"`: recognisable, 64 steps; `"full"`: 256 smaller steps.
    seed : decides everything random.
    cache : look for icons in the cache, and keep them there: `icons` in the cache directory, which
        LUCIDX_CACHE moves. It holds up to 1 GiB. If it cannot be written to, a warning says so.
    progress : whether to show a progress bar; by default in terminals and notebooks.
    transforms : as in `render_vis`; by default such that features come out in the middle. Icons
        made with transforms of your own without a `key` are not cached.

    Returns
    -------
    float32 `[K, size, size, 3]` in 0..1, in steps of 1/255; the same from the cache or not.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    check_model(model)
    if not isinstance(basis, Basis):
        raise InvalidTypeError(f"icons draws a Basis, such as basis.channels(...); got {basis!r}.")
    check_fits(model, basis)
    job = _job(model, basis.layer, size, steps, quality, seed, transforms)
    directions = unit(basis.directions)
    settings = _settings(job)
    keys = [picture_cache.key(settings or {}, direction) for direction in directions]
    keeping = cache and settings is not None
    done = {key: picture_cache.load(key, size, size) for key in keys} if keeping else {}
    first = {key: k for k, key in reversed([*enumerate(keys)]) if done.get(key) is None}
    batches = _batches(basis, sorted(first.values()), job)
    with _progress_bar(len(batches) * job.steps, progress) as bar:
        for members, purity in batches:
            drawn = _draw(job, directions[members], purity, bar)
            for k, icon in zip(members, drawn, strict=True):
                done[keys[k]] = icon
                keeping = keeping and picture_cache.save(keys[k], icon)
    if batches and keeping:
        picture_cache.make_room()
    return np.stack([done[key] for key in keys]) / np.float32(255)


def sprite(images: np.ndarray, columns: int | None = None) -> tuple[np.ndarray, list[Box]]:
    """Put images of one size side by side into one.

    Parameters
    ----------
    images : `[K, h, w, C]`.
    columns : images in a row; by default the result is about square.

    Returns
    -------
    The sheet, `[rows * h, columns * w, C]` of the type of `images`, empty cells white; and for each
    image where it is in there: x, y, width, height in pixels.

    Raises
    ------
    InvalidValueError : there are no images, or no columns.
    """
    images = np.asarray(images)
    if images.ndim != 4 or not images.size:
        raise InvalidValueError(f"Images are [K, h, w, C], at least one; got {images.shape}.")
    number, height, width, depth = images.shape
    columns = math.ceil(math.sqrt(number * height / width)) if columns is None else columns
    if whole("columns", columns, 1) > number:
        columns = number
    rows = -(-number // columns)
    white = 255 if images.dtype == np.uint8 else 1
    cells = np.full([rows * columns, height, width, depth], white, images.dtype)
    cells[:number] = images
    cells = cells.reshape(rows, columns, height, width, depth).swapaxes(1, 2)
    boxes = [(k % columns * width, k // columns * height, width, height) for k in range(number)]
    return cells.reshape(rows * height, columns * width, depth), boxes


def sprite_sheet(
    model: Model, layer: str | Layer, columns: int | None = None, **options: Any
) -> tuple[np.ndarray, dict[str, Box]]:
    """Draw every channel of a layer into one image.

    Interrupted, it goes on where it was when called again: the icons are in the cache.

    Parameters
    ----------
    model, layer : what to look at.
    columns : as in `sprite`.
    options : as in `icons`.

    Returns
    -------
    The sheet, float32 `[H, W, 3]` in 0..1; and for each channel, `"mixed4d:12"`, where it is in
    there: x, y, width, height in pixels.

    Raises
    ------
    As `icons`.
    """
    basis = channels(model, layer)
    sheet, boxes = sprite(icons(model, basis, **options), columns)
    return sheet, dict(zip(basis.names, boxes, strict=True))


def _job(
    model: Model,
    layer: str,
    size: int,
    steps: int | None,
    quality: str,
    seed: int,
    transforms: Transforms | None,
) -> _Job:
    if quality not in QUALITIES:
        raise InvalidValueError(
            f"There is no quality {quality!r}. {did_you_mean(str(quality), QUALITIES)}"
        )
    chosen = QUALITIES[quality]
    return _Job(
        model,
        layer,
        whole("size", size, 2),
        chosen.steps if steps is None else whole("steps", steps, 1),
        chosen.rate,
        whole("seed", seed, 0),
        None if transforms is None else make_transform_f(transforms),
    )


def _settings(job: _Job) -> dict[str, Any] | None:
    """All that an icon depends on beside its direction; None if that is not known."""
    settings = job._replace(model=picture_cache.model_digest(job.model))._asdict()
    if job.transform is not None:
        settings["transform"] = getattr(job.transform, "key", None)
        if settings["transform"] is None:
            return None
    try:
        json.dumps(settings)
    except TypeError:  # of a transform that depends on a tensor
        return None
    return {"what": "icon", "algorithm": ALGORITHM, **settings}


def _batches(basis: Basis, members: Sequence[int], job: _Job) -> list[tuple[list[int], float]]:
    """Members to be drawn at once, and the power of the cosine for them."""
    width, height = _drawn_size(job) if members else (job.size, job.size)
    largest = max(1, min(_BATCH, _BATCH_PIXELS // (width * height)))
    is_channel = np.count_nonzero(basis.directions, axis=1) == 1
    groups = (
        ([k for k in members if is_channel[k]], 0.0),
        ([k for k in members if not is_channel[k]], _PURITY),
    )
    return [
        (group[start : start + largest], purity)
        for group, purity in groups
        for start in range(0, len(group), largest)
    ]


def _draw(job: _Job, directions: np.ndarray, purity: float, bar: tqdm) -> np.ndarray:
    """Icons uint8 `[K, size, size, 3]` of directions `[K, C]`."""
    number, depth = len(directions), job.model.image_shape[-1]
    width, height = _drawn_size(job)
    with model_io.eagerly():
        vis = Visualization(
            job.model,
            Basis(job.layer, directions).objective(cossim_pow=purity),
            lambda: param.image(
                width, height, number, channels=None if depth in (3, None) else depth
            ),
            lambda: tf.compat.v1.train.AdamOptimizer(job.rate),
            _transforms(job, width, height),
            seed=job.seed,
        )
        # The noise of the first image for all of them: what an icon looks like does not depend on
        # its place in the batch, and similar directions come out similar.
        (spectrum,) = vis.variables
        spectrum.assign(tf.repeat(spectrum[:, :1], number, axis=1))
        for _ in range(job.steps):
            vis.advance()
            bar.update()
        images = _rgb(vis.image())
        if (width, height) != (job.size, job.size):
            images = tf.image.resize(images, [job.size, job.size], "area").numpy()
    return np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)


def _drawn_size(job: _Job) -> tuple[int, int]:
    """Width and height of what is rendered: the icon's, or the only ones that the layer is for."""
    model, layer, size = job.model, job.layer, job.size
    height, width, depth = model.image_shape

    def works() -> bool:
        try:
            # Two, because of networks that fold positions into the batch.
            model.activations(np.zeros([2, size, size, depth or 3], np.float32), layer)
        except InvalidValueError:
            return False
        return True

    key = ("icons", layer, size)
    if None in (height, width) or model_io.skeleton(model).function(key, lambda: [works()])[0]:
        return size, size
    return width, height


def _transforms(job: _Job, width: int, height: int) -> Transforms:
    crop = transform.crop_or_pad_to(height, width)
    if job.transform is not None:
        return [job.transform] if (width, height) == (job.size, job.size) else [job.transform, crop]
    # The crop makes a step cheaper, and keeps what is at the border from being part of the feature.
    return [
        transform.pad(8, mode="constant", constant_value=0.5),
        transform.jitter(8),
        transform.random_scale([1 + i / 50 for i in range(-5, 6)]),
        transform.random_rotate([*range(-10, 11), *[0] * 5]),
        transform.jitter(4),
        crop,
    ]


def _rgb(images: np.ndarray) -> np.ndarray:
    depth = images.shape[-1]
    if depth == 1:
        return np.repeat(images, 3, axis=-1)
    return images if depth == 3 else collapse_channels(images).astype(np.float32)


def _progress_bar(total: int, wanted: bool | None) -> tqdm:
    if wanted is None:
        wanted = is_notebook_environment() or sys.stderr.isatty()
    return tqdm(total=total, disable=not (wanted and total), unit="step", desc="icons", leave=False)
