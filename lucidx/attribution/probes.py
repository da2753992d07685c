"""What methods of attribution take and return."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lucidx.attribution.feeding import as_images, batches, check_batch_size
from lucidx.attribution.scoring import Scorer
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis.objective import Objective


class Weights(NamedTuple):
    """Attribution as `(activations - baseline) * gradient`.

    Attributes
    ----------
    gradient, baseline : arrays shaped like the activations.
    unweighted_total : for gradients that are weighted so that the attributions add up: what their
        sum would be by the trapezoidal rule.
    """

    gradient: np.ndarray
    baseline: np.ndarray
    unweighted_total: float | None = None


@dataclass(frozen=True, eq=False)
class Probe:
    """One image at one layer, as methods see it.

    Attributes
    ----------
    activations : of the layer, `[h, w, C]` or `[C]` float32.
    score : of the image.
    image : `[H, W, C]` float32 in 0..1.
    """

    activations: np.ndarray
    score: float
    image: np.ndarray = field(repr=False)
    _scorer: Scorer = field(repr=False)
    _batch_size: int = field(repr=False)
    _gradient: np.ndarray | None = field(default=None, repr=False)

    @property
    def layer(self) -> str:
        """Name of the layer, or `"input"`."""
        return self._scorer.layer

    @functools.cached_property
    def gradient(self) -> np.ndarray:
        """Gradient of the score with respect to `activations`, in their shape."""
        if self._gradient is not None:
            return self._gradient
        return next(self.evaluations([self.activations], 1))[1]

    def scores(self, points: Iterable[np.ndarray], count: int) -> Iterator[float]:
        """Scores with other activations in place of the layer's own.

        Parameters
        ----------
        points : arrays shaped like `activations`; a generator will do.
        count : how many there are.
        """
        for score, _ in self._scorer.stream(self.image, points, count, self._batch_size, False):
            yield score

    def evaluations(
        self, points: Iterable[np.ndarray], count: int
    ) -> Iterator[tuple[float, np.ndarray]]:
        """Scores, and their gradients, at other activations of the layer.

        Parameters
        ----------
        points : arrays shaped like `activations`; a generator will do.
        count : how many there are.
        """
        return self._scorer.stream(self.image, points, count, self._batch_size, True)


def probes_at(
    scorer: Scorer, images: np.ndarray, batch_size: int, gradients: bool
) -> Iterator[Probe]:
    """Probes of many images, evaluated in batches.

    Parameters
    ----------
    scorer : the score, at the layer.
    images : `[N, H, W, C]`, floats in 0..1 or uint8.
    batch_size : how many at once.
    gradients : whether to compute the gradients along with the scores.

    Raises
    ------
    InvalidValueError, InvalidTypeError
    """
    check_batch_size(batch_size)
    images = as_images(scorer.model, images)
    for batch, kept in batches(images, len(images), batch_size):
        scores, activations, slopes = scorer(batch, gradients=gradients)
        for n in range(kept):
            slope = None if slopes is None else slopes[n]
            yield Probe(activations[n], float(scores[n]), batch[n], scorer, batch_size, slope)


def probe_at(
    model: Model,
    image: np.ndarray,
    score: Objective | str | Any,
    layer: str | Layer,
    *,
    batch_size: int = 16,
) -> Probe:
    """One image at one layer: what `attribute` gives to a method.

    Parameters
    ----------
    model, score, layer, batch_size : as in `attribute`.
    image : `[H, W, C]` RGB, floats in 0..1 or uint8.

    Raises
    ------
    UnknownLayerError, InvalidValueError, InvalidTypeError
    """
    images = as_images(model, image)
    if np.ndim(image) != 3:
        raise InvalidValueError(f"This takes one image [H, W, C], not {list(np.shape(image))}.")
    (probe,) = probes_at(Scorer(model, score, layer), images, batch_size, gradients=False)
    return probe
