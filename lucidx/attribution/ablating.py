"""What a score loses without parts of a layer: exact, and without any gradient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from lucidx.attribution.probes import Probe, probe_at
from lucidx.attribution.results import basis_of, coefficients_of
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis.objective import Objective


def ablate_groups(
    model: Model,
    image: np.ndarray,
    score: Objective | str | Any,
    layer: str | Layer,
    groups: Any,
    *,
    batch_size: int = 16,
) -> np.ndarray:
    """What the score loses when each member of a basis is taken out of the activations.

    Activations are a sum of the members' directions and a remainder, as for `Attribution.groups`;
    the k-th effect is the score minus that without the k-th term. Unlike those, effects are exact,
    and do not add up.

    Parameters
    ----------
    model, image, score, layer, batch_size : as in `attribute`; one image.
    groups : a `Basis` of this layer, `NeuronGroups`, or what has a basis as `.basis`.

    Returns
    -------
    `[K]` float32, in units of the score.

    Raises
    ------
    UnknownLayerError, InvalidValueError, InvalidTypeError
    """
    probe = probe_at(model, image, score, layer, batch_size=batch_size)
    at = probe.activations
    directions = basis_of(groups, probe.layer, at.shape[-1]).directions
    coefficients = coefficients_of(groups, at)
    without = (at - coefficients[..., k, None] * d for k, d in enumerate(directions))
    return score_lost(probe, without, len(directions))


def score_lost(probe: Probe, ablated: Iterable[np.ndarray], count: int) -> np.ndarray:
    """Score minus that of each of `count` ablated activations: `[count]` float32."""
    lost = [probe.score - score for score in probe.scores(ablated, count)]
    return np.asarray(lost, np.float32)


def without_each(
    activations: np.ndarray, baseline: np.ndarray, shape: tuple[int, ...]
) -> Iterator[np.ndarray]:
    """Activations with one unit after another at the baseline; see `unit_shape`."""
    for unit in np.ndindex(shape):
        where = tuple(slice(None) if n == 1 else i for i, n in zip(unit, shape, strict=True))
        changed = activations.copy()
        changed[where] = baseline[where]
        yield changed


def unit_shape(units: str, activations: np.ndarray) -> tuple[int, ...]:
    """Shape of one number for each unit of a layer: `(h, w, 1)` or `(1, 1, C)`.

    Raises
    ------
    InvalidValueError : no such units, or the layer has no positions.
    """
    *positions, depth = activations.shape
    if units == "channels":
        return (*(1 for _ in positions), depth)
    if units != "positions":
        raise InvalidValueError(
            f"units is 'positions' or 'channels', not {units!r}. For groups, use ablate_groups."
        )
    if not positions:
        raise InvalidValueError("A dense layer has no positions. Use units='channels'.")
    return (*positions, 1)
