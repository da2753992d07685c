"""What the workers of a sweep do: draw a batch, and write its files."""

from __future__ import annotations

import functools
import hashlib
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from lucidx import picture_cache
from lucidx.basis import Basis, unit
from lucidx.errors import (
    ChangedFileError,
    DiagnosisWarning,
    LucidxError,
    NonFiniteLossError,
)
from lucidx.misc.io.collapse_channels import collapse_channels
from lucidx.modelzoo import model_io
from lucidx.optvis import objectives, param, transform
from lucidx.optvis.overrides.redirected_relu_grad import acts_at
from lucidx.optvis.parameterization import instantiate
from lucidx.optvis.visualization import Visualization
from lucidx.sweep import store
from lucidx.sweep.plan import Batch

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model


class Job(NamedTuple):
    """What the batches of a sweep have in common.

    Attributes
    ----------
    out : the sweep's directory.
    model : to draw channels of.
    digest : of it, to be sure that all workers have the same.
    steps, seed : as in `sweep`.
    directions : digest of the `Basis` whose members are drawn; None if channels are.
    """

    out: Path
    model: Model
    digest: str
    steps: int
    seed: int
    directions: str | None = None


class _Easel(NamedTuple):
    """What draws channels of one layer, or directions, traced once for all batches.

    Attributes
    ----------
    sought : int32 `[N]` or float32 `[N, C]`, the channel or direction that image n is to be of.
    early, late : the run while ReLUs' gradients are redirected, and the rest of it.
    blank : their state before the first step.
    said : warnings given while this was made.
    """

    sought: tf.Variable
    early: Visualization
    late: Visualization
    blank: dict[str, np.ndarray]
    said: tuple[str, ...]


def draw_batch(job: Job, batch: Batch) -> str:
    """Draw a batch, and write its pictures and a record of it; the batch's name.

    Raises
    ------
    LucidxError : model or directions are not to be had here, or are others.
    OSError : the files cannot be written.
    """
    job = job._replace(model=_checked(job.model, job.digest))
    sought = _sought(job, batch)
    start = time.perf_counter()
    try:
        images, dead, said = _draw(job, batch, sought)
        values = _measure(job, batch, sought, images)
    except LucidxError as error:
        store.write_failed(job.out, batch, str(error))
        return batch.name
    except (tf.errors.OpError, ValueError, TypeError) as error:
        # What TensorFlow says of a layer that cannot be computed. It may be one of hundreds.
        store.write_failed(job.out, batch, f"{type(error).__name__}: {error}")
        return batch.name
    pictures = []
    for image, channel, value, is_dead in zip(images, batch.channels, values, dead, strict=True):
        file = store.image_file(batch, channel)
        sha256 = store.write_picture(job.out, file, _pixels(image))
        pictures.append(
            store.Picture(
                batch.layer, channel, file, float(value), bool(is_dead), batch.name, sha256
            )
        )
    seconds = round(time.perf_counter() - start, 3)
    record = store.Record(tuple(pictures), seconds, tf.__version__, said)
    store.write_done(job.out, batch, record)
    return batch.name


@functools.lru_cache(maxsize=1)
def _checked(model: Model, digest: str) -> Model:
    """The model, and for all tasks of a worker the same one, which has read its graph."""
    if picture_cache.model_digest(model) != digest:
        raise ChangedFileError(
            f"The model {model.name} that a worker finds is another than the one the sweep was "
            "begun with: give all workers the same files."
        )
    return model


def _sought(job: Job, batch: Batch) -> np.ndarray:
    """What a batch is of: channels int32 `[K]`, or directions of length 1, float32 `[K, C]`."""
    channels = np.array(batch.channels, np.int32)
    if job.directions is None:
        return channels
    return _directions(job.out, batch.layer, job.directions)[channels]


@functools.lru_cache(maxsize=1)
def _directions(out: Path, layer: str, digest: str) -> np.ndarray:
    basis = Basis(layer, store.read_directions(out))
    if basis.digest != digest:
        raise ChangedFileError(
            f"{out / store.DIRECTIONS} has other directions than the ones the sweep was begun with."
        )
    return unit(basis.directions)


def _draw(
    job: Job, batch: Batch, sought: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Images float32 `[K, H, W, C]`, which of them no gradient reached, and warnings."""
    number = len(sought)
    filled = np.concatenate([sought, np.repeat(sought[:1], batch.filled - number, axis=0)])
    with model_io.eagerly():
        size = batch.width, batch.height
        easel = _easel(job.model, job.digest, batch.layer, *size, job.seed, filled.shape)
        easel.sought.assign(filled)
        start = _noise(job, batch, filled)
        state = {**easel.blank, "variable_0": start}
        with warnings.catch_warnings():
            # It would say so once for all batches; `dead` says it of each picture.
            warnings.simplefilter("ignore", DiagnosisWarning)
            for run in (easel.early, easel.late):
                run.restore(state)
                while run.step < job.steps and (run is easel.late or acts_at(run.step)):
                    run.advance()
                state = run.state()
        images = easel.late.image()[:number]
    dead = (state["variable_0"] == start).all(axis=(0, 2, 3, 4))[:number]
    return images, dead, easel.said


# With the digest, since models of one path are equal, whatever file was put there in between.
@functools.lru_cache(maxsize=1)
def _easel(
    model: Model,
    digest: str,
    layer: str,
    width: int,
    height: int,
    seed: int,
    shape: tuple[int, ...],
) -> _Easel:
    number, *depth = shape
    sought = tf.Variable(tf.zeros(shape, tf.float32 if depth else tf.int32), trainable=False)
    # The crop makes a step cheaper, and keeps what is at the border from being part of the feature.
    transforms = [*transform.standard_transforms, transform.crop_or_pad_to(height, width)]

    def run(redirects: bool) -> Visualization:
        return Visualization(
            model,
            _each(layer, sought),
            lambda: _image(model, width, height, number),
            None,
            transforms,
            relu_gradient_override=redirects,
            seed=seed,
        )

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        early, late = run(True), run(False)
    own = [str(w.message) for w in said if issubclass(w.category, DiagnosisWarning)]
    return _Easel(sought, early, late, early.state(), tuple(dict.fromkeys(own)))


@objectives.wrap_objective(require_format="NHWC")
def _each(layer: str, sought: tf.Variable) -> objectives.Objective:
    """For each image the mean activation of a channel, or of a direction, of its own."""

    def inner(T):
        acts = T(layer)
        positions = list(range(1, acts.shape.rank - 1))
        if sought.dtype.is_integer:
            return tf.gather(tf.reduce_mean(acts, positions), sought, axis=1, batch_dims=1)
        directions = tf.reshape(sought, [sought.shape[0], *[1 for _ in positions], -1])
        # Of one channel, whatever its company, as for icons.
        single = tf.math.count_nonzero(directions, -1) == 1
        dots = tf.reduce_sum(acts * directions, -1)
        return tf.reduce_mean(dots * tf.where(single, 1.0, _purity(acts, dots)), positions)

    return inner


def _purity(acts: tf.Tensor, dots: tf.Tensor) -> tf.Tensor:
    """At each position `max(0.1, cosine) ** 2`, of activations `[..., C]` and a direction.

    Without powers and roots: their last bits depend on where in a batch a number is.
    """
    squares = tf.reduce_sum(acts * acts, -1)
    positive = tf.maximum(dots, 0.0)
    return tf.maximum(0.01, positive * positive / (squares + 1e-8))


def _image(model: Model, width: int, height: int, number: int) -> tf.Tensor:
    depth = model.image_shape[-1]
    return param.image(width, height, number, channels=None if depth in (3, None) else depth)


def _noise(job: Job, batch: Batch, sought: np.ndarray) -> np.ndarray:
    """What the images' one variable starts from: of each picture its own."""

    def start(one: np.ndarray) -> np.ndarray:
        name = f"{job.seed} {batch.layer}:{_identity(one)}"
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")
        one = instantiate(lambda: _image(job.model, batch.width, batch.height, 1), seed)
        (variable,) = one.variables
        return variable.numpy()

    return np.concatenate([start(one) for one in sought], axis=1)


def _identity(sought: np.ndarray) -> int | list[int]:
    """What a channel or direction is known by: for a direction along a channel, that channel."""
    if not sought.ndim:
        return int(sought)
    if np.count_nonzero(sought) == 1 and sought.max() > 0:
        return int(sought.argmax())
    # Rounded, since what is left of a direction's length are its last bits.
    return np.round(1000 * sought).astype(int).tolist()


def _measure(job: Job, batch: Batch, sought: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Mean activations `[K]` of what was sought for the pictures as they are in their files."""
    filled = np.resize(images, (batch.filled, *images.shape[1:]))
    as_written = np.round(filled * 255) / np.float32(255)
    acts = job.model.activations(as_written, batch.layer, batch.filled)
    if model_io.skeleton(job.model).layer(batch.layer).data_format == "NCHW":
        acts = np.moveaxis(acts, 1, -1)
    means = acts.reshape(len(acts), -1, acts.shape[-1]).mean(axis=1, dtype=np.float64)
    if sought.ndim == 1:
        values = means[np.arange(len(images)), sought]
    else:
        values = (means[: len(images)] * sought).sum(axis=1)
    if not np.isfinite(values).all():
        raise NonFiniteLossError(
            f"An activation that was sought is not finite for its picture ({values}).",
            job.steps,
            images,
        )
    return values


def _pixels(image: np.ndarray) -> np.ndarray:
    """What is written of an image `[H, W, C]`: grey, RGB, or hues for other numbers of channels."""
    depth = image.shape[-1]
    if depth not in (1, 3):
        image = collapse_channels(image)
        image = image / image.max()
    pixels = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return pixels[..., 0] if depth == 1 else pixels
