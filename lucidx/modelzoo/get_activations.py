"""Activations of one layer for many examples, arranged by index, at Lucid's import path."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo import model_io
from lucidx.modelzoo.vision_base import Layer, Model

REDUCERS = ("mean", "max", "rms")


def get_activations_iter(
    model: Model,
    layer: Layer | str,
    generator: Iterable[tuple[tuple[int, ...], np.ndarray]],
    reducer: str = "mean",
    batch_size: int = 64,
    dtype: Any = None,
    ind_shape: Sequence[int] | None = None,
    center_only: bool = False,
) -> np.ndarray:
    """Activations of a layer for examples that come with an index.

    Parameters
    ----------
    model, layer : what to evaluate.
    generator : yields (index, image `[H, W, C]`: floats in 0..1 or uint8); memory does not grow
        with its length, only with the number of different indices and what is kept for each.
    reducer : what to do with several examples of one index: `"mean"`, `"max"` or `"rms"`.
    batch_size : images evaluated at once; those of a batch have one size.
    dtype : of the result; by default float32.
    ind_shape : shape of the index; by default just large enough.
    center_only : keep the activations at the centre only.

    Returns
    -------
    Array of shape `ind_shape + activation shape`; zero at indices that did not occur.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidTypeError : an example is not an image.
    InvalidValueError : an unknown reducer, no examples, images or activations of several sizes,
        indices of several lengths or outside `ind_shape`.
    """
    if reducer not in REDUCERS:
        raise InvalidValueError(f"reducer is one of {', '.join(REDUCERS)}; got {reducer!r}.")
    if batch_size < 1:
        raise InvalidValueError(f"batch_size is at least 1, not {batch_size}.")
    name = getattr(layer, "name", layer)
    evaluate = model_io.evaluator(model, [name])
    data_format = model_io.skeleton(model).layer(name).data_format
    reduced: dict[tuple[int, ...], np.ndarray] = {}
    counts: dict[tuple[int, ...], int] = {}
    for batch in _batches(generator, batch_size):
        (acts,) = evaluate(_stacked(model, [image for _, image in batch]))
        acts = centers(acts, data_format, name) if center_only else acts
        acts = acts**2 if reducer == "rms" else acts
        for (index, _), value in zip(batch, acts, strict=True):
            index = tuple(index)
            # A copy, since a view would keep the whole batch.
            reduced[index] = (
                _combined(reduced[index], value, reducer) if index in reduced else value.copy()
            )
            counts[index] = counts.get(index, 0) + 1
    shape = _index_shape(reduced, ind_shape)
    if len({value.shape for value in reduced.values()}) > 1:
        raise InvalidValueError(
            "The images differ in size, and so do their activations: resize them first, or use "
            "center_only."
        )
    result = np.zeros([*shape, *value.shape], np.float32 if dtype is None else dtype)
    while reduced:
        index, total = reduced.popitem()
        mean = total if reducer == "max" else total / counts[index]
        result[index] = np.sqrt(mean) if reducer == "rms" else mean
    return result


def _combined(total: np.ndarray, value: np.ndarray, reducer: str) -> np.ndarray:
    # Sums of many examples lose digits in single precision.
    return np.maximum(total, value) if reducer == "max" else np.add(total, value, dtype=np.float64)


def _stacked(model: Model, images: Sequence[np.ndarray]) -> np.ndarray:
    shapes = {np.shape(image) for image in images}
    if len(shapes) > 1 or len(*shapes) != 3:
        raise InvalidValueError(
            "Examples are images [H, W, C], and those of a batch have one size: resize them first. "
            f"Among these are {', '.join(map(str, sorted(shapes)))}."
        )
    return model_io.as_images(model, np.stack(images))


def centers(acts: np.ndarray, data_format: str | None, layer: str) -> np.ndarray:
    """Activations at the centre, `[N, C]`, of activations `[N, H, W, C]` or channels first.

    Raises
    ------
    InvalidValueError : the layer has no height and width.
    """
    if acts.ndim != 4:
        raise InvalidValueError(f"{layer!r} has no height and width, and so no centre.")
    acts = np.moveaxis(acts, 1, -1) if data_format == "NCHW" else acts
    return acts[:, acts.shape[1] // 2, acts.shape[2] // 2]


def _index_shape(
    indices: Collection[tuple[int, ...]], wanted: Sequence[int] | None
) -> tuple[int, ...]:
    if not indices:
        raise InvalidValueError("There are no examples.")
    if len(set(map(len, indices))) > 1:
        raise InvalidValueError("The indices of the examples differ in length.")
    largest = [max(axis) for axis in zip(*indices, strict=True)]
    smallest = [min(axis) for axis in zip(*indices, strict=True)]
    shape = tuple(1 + i for i in largest) if wanted is None else tuple(wanted)
    fits = len(shape) == len(largest) and all(i < n for i, n in zip(largest, shape, strict=True))
    if not fits or any(i < 0 for i in smallest):
        raise InvalidValueError(
            f"The indices go from {tuple(smallest)} to {tuple(largest)}, and ind_shape is {shape}."
        )
    return shape


def get_activations(
    model: Model,
    layer: Layer | str,
    examples: Any,
    batch_size: int = 64,
    dtype: Any = None,
    ind_shape: Sequence[int] | None = None,
    center_only: bool = False,
) -> np.ndarray:
    """Activations of a layer for examples.

    Parameters
    ----------
    model, layer : what to evaluate.
    examples : array `[..., H, W, C]` of images, floats in 0..1 or uint8; or nested lists, tuples or
        generators of images `[H, W, C]`. Memory does not grow with their number when they are
        generated, or read in chunks from a file (a data set of h5py or zarr).
    batch_size, dtype, ind_shape, center_only : as in `get_activations_iter`.

    Returns
    -------
    Array of shape `leading axes + activation shape`.

    Raises
    ------
    LucidxError : as in `get_activations_iter`.
    """
    return get_activations_iter(
        model,
        layer,
        _enumerate(examples),
        batch_size=batch_size,
        dtype=dtype,
        ind_shape=ind_shape,
        center_only=center_only,
    )


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def _enumerate(
    examples: Any, prefix: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """Each image with its index, depth first."""
    if hasattr(examples, "chunks") and np.ndim(examples) > 3:
        # In a file (h5py, zarr), and maybe too large for memory.
        examples = map(examples.__getitem__, range(examples.shape[0]))
    if hasattr(examples, "__array__"):
        examples = np.asarray(examples)
        if examples.ndim <= 3:
            yield prefix, examples
            return
    elif isinstance(examples, str) or not isinstance(examples, Iterable):
        raise InvalidTypeError(
            "Examples are arrays, or nested lists, tuples or generators of them; there is a "
            f"{type(examples).__name__} among them."
        )
    for i, example in enumerate(examples):
        yield from _enumerate(example, (*prefix, i))
