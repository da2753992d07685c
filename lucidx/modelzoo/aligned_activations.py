"""Activations of many models' layers for the same examples, at Lucid's import path.

Row i of every layer is of one position of one image, the same in all models. Layers can thus be
compared, and what is known of one can be carried over to another: see "Activation Atlas" (Distill,
2019), which uses the second moments as whitening.

Lucid's activations are kept in pages, `.npy` files of `PAGE_SIZE` rows. They are fetched when they
are needed; set `PATH_TEMPLATE` to use those of a local directory in the same layout.
"""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lucidx.errors import CorruptFileError, InvalidValueError
from lucidx.misc.io import load
from lucidx.misc.io.sanitizing import sanitize
from lucidx.modelzoo import downloads

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Layer

# Of a page: the model, the layer, the page's number.
PATH_TEMPLATE = "gs://modelzoo/aligned-activations/{}/{}-{:05d}-of-01000.npy"
PAGE_SIZE = 10_000
NUMBER_OF_AVAILABLE_SAMPLES = 100_000
NUMBER_OF_PAGES = NUMBER_OF_AVAILABLE_SAMPLES // PAGE_SIZE

MATRICES_KEPT = 16
# What somebody holds anyway need not be read again.
_alive: weakref.WeakValueDictionary[tuple[str, ...], np.ndarray] = weakref.WeakValueDictionary()


class HasActivations(Protocol):
    """A `Layer`, or anything else with activations `[N, C]`."""

    activations: np.ndarray


def get_aligned_activations(layer: Layer) -> np.ndarray:
    """The aligned activations of a layer.

    Pages that are not on this machine are fetched. The array is shared by all who ask while one of
    them holds it, so it cannot be written to.

    Parameters
    ----------
    layer : of a model of Lucid's zoo.

    Returns
    -------
    Floats `[NUMBER_OF_AVAILABLE_SAMPLES, layer.depth]`.

    Raises
    ------
    CorruptFileError : a page is damaged, of another shape, or has numbers that are not finite.
    DownloadError, FileNotFoundError : a page cannot be fetched, or is not in the directory.
    """
    key = (PATH_TEMPLATE, layer.model_name, layer.name)
    activations = _alive.get(key)
    if activations is None:
        activations = _alive[key] = _read_pages(layer)
    return activations


def _read_pages(layer: Layer) -> np.ndarray:
    names = (sanitize(layer.model_name), sanitize(layer.name))
    activations = None
    for page in range(NUMBER_OF_PAGES):
        path = PATH_TEMPLATE.format(*names, page)
        rows = _read_page(path, layer)
        if activations is None:
            activations = np.empty((NUMBER_OF_AVAILABLE_SAMPLES, layer.depth), rows.dtype)
        activations[page * PAGE_SIZE : (page + 1) * PAGE_SIZE] = rows
    activations.setflags(write=False)
    return activations


def _read_page(path: str, layer: Layer) -> np.ndarray:
    rows = load(downloads.cached(path) if downloads.is_remote(path) else path)
    expected = (PAGE_SIZE, layer.depth)
    if not isinstance(rows, np.ndarray) or rows.dtype.kind != "f" or rows.shape != expected:
        is_a = f"{rows.dtype} {rows.shape}" if isinstance(rows, np.ndarray) else "no single array"
        raise CorruptFileError(
            f"{path} should hold activations of {layer.name!r} of {layer.model_name}, floats "
            f"{expected}; it is {is_a}."
        )
    if not np.isfinite(rows).all():
        raise CorruptFileError(f"{path} has activations that are infinite or not numbers.")
    return rows


def layer_covariance(layer1: HasActivations, layer2: HasActivations | None = None) -> np.ndarray:
    """Second moments of the channels of one layer, or between those of two.

    The means are not subtracted: `mean_i(layer1[i, c] * layer2[i, d])`. Computed once for a layer
    and its activations.

    Parameters
    ----------
    layer1, layer2 : layers with aligned activations; `layer2` is `layer1` by default.

    Returns
    -------
    Float64 `[C1, C2]`; not to be written to.

    Raises
    ------
    InvalidValueError : the layers' activations are not `[N, C1]` and `[N, C2]`.
    """
    return _covariance(weakref.ref(layer1), weakref.ref(layer1 if layer2 is None else layer2))


# Weak references: layers hold their activations, which are large.
@functools.lru_cache(MATRICES_KEPT)
def _covariance(
    layer1: weakref.ref[HasActivations], layer2: weakref.ref[HasActivations]
) -> np.ndarray:
    first, second = layer1().activations, layer2().activations
    shapes = np.shape(first), np.shape(second)
    if any(len(shape) != 2 for shape in shapes) or not shapes[0][0] == shapes[1][0] > 0:
        raise InvalidValueError(
            "Aligned activations are [N, C], with the same N for all layers; these have shapes "
            f"{shapes[0]} and {shapes[1]}."
        )
    covariance = np.zeros((first.shape[1], second.shape[1]))
    for start in range(0, len(first), PAGE_SIZE):
        rows = slice(start, start + PAGE_SIZE)
        covariance += first[rows].T.astype(np.float64) @ second[rows].astype(np.float64)
    covariance /= len(first)
    covariance.setflags(write=False)
    return covariance


def layer_inverse_covariance(layer: HasActivations) -> np.ndarray:
    """Inverse of the second moments of a layer's channels.

    The pseudo-inverse, where directions have no activations at all (a channel that is always 0, or
    fewer activations than channels): it leaves those out, for they have no inverse.

    Returns
    -------
    Float64 `[C, C]`; not to be written to.
    """
    return _inverse_covariance(weakref.ref(layer))


@functools.lru_cache(MATRICES_KEPT)
def _inverse_covariance(layer: weakref.ref[HasActivations]) -> np.ndarray:
    covariance = _covariance(layer, layer)
    smallest = len(covariance) * np.finfo(covariance.dtype).eps
    inverse = np.linalg.pinv(covariance, smallest, hermitian=True)
    inverse.setflags(write=False)
    return inverse


def push_activations(
    activations: np.ndarray, from_layer: HasActivations, to_layer: HasActivations
) -> np.ndarray:
    """What activations of one layer would be in another: the best linear guess.

    Least squares over the aligned activations, without an offset.

    Parameters
    ----------
    activations : `[..., C_from]`.
    from_layer, to_layer : layers with aligned activations.

    Returns
    -------
    Float64 `[..., C_to]`.

    Raises
    ------
    InvalidValueError : `activations` have another number of channels than `from_layer`, or the
        layers are not aligned.
    """
    inverse = layer_inverse_covariance(from_layer)
    if np.shape(activations)[-1:] != inverse.shape[:1]:
        raise InvalidValueError(
            f"The layer has {len(inverse)} channels; activations to push from it are "
            f"[..., {len(inverse)}], and these have shape {np.shape(activations)}."
        )
    return activations @ inverse @ layer_covariance(from_layer, to_layer)
