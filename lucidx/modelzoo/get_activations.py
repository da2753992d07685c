"""Activations of one layer for many examples, arranged by index, at Lucid's import path."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from lucidx.errors import InvalidValueError
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
    generator : yields (index, image `[H, W, C]` in 0..1); memory does not grow with its length, only
        with the number of different indices.
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
    InvalidValueError : an unknown reducer, no examples, or images of several sizes in a batch.
    """
    if reducer not in REDUCERS:
        raise InvalidValueError(f"reducer is one of {', '.join(REDUCERS)}; got {reducer!r}.")
    run = model.function(getattr(layer, "name", layer))
    combine = np.maximum if reducer == "max" else np.add
    reduced: dict[tuple[int, ...], np.ndarray] = {}
    counts: dict[tuple[int, ...], int] = {}
    for batch in _batches(generator, batch_size):
        if len({np.shape(image) for _, image in batch}) > 1:
            raise InvalidValueError("The images of a batch differ in size: resize them first.")
        acts = run(model_io.as_images(model, np.stack([image for _, image in batch]))).numpy()
        if center_only:
            acts = acts[:, acts.shape[1] // 2, acts.shape[2] // 2]
        acts = acts**2 if reducer == "rms" else acts
        for (index, _), value in zip(batch, acts, strict=True):
            reduced[index] = combine(reduced[index], value) if index in reduced else value
            counts[index] = counts.get(index, 0) + 1
    if not reduced:
        raise InvalidValueError("There are no examples.")
    if ind_shape is None:
        ind_shape = [1 + max(axis) for axis in zip(*reduced, strict=True)]
    result = np.zeros([*ind_shape, *value.shape], np.float32)
    for index, total in reduced.items():
        mean = total if reducer == "max" else total / counts[index]
        result[index] = np.sqrt(mean) if reducer == "rms" else mean
    return result if dtype is None else result.astype(dtype)


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
    examples : array `[..., H, W, C]` of images in 0..1; or nested lists, tuples or generators of images
        `[H, W, C]`.
    batch_size, dtype, ind_shape, center_only : as in `get_activations_iter`.

    Returns
    -------
    Array of shape `leading axes + activation shape`.
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
    if isinstance(examples, np.ndarray) and examples.ndim <= 3:
        yield prefix, examples
        return
    for i, example in enumerate(examples):
        yield from _enumerate(example, (*prefix, i))
