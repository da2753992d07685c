"""Groups of a layer, or of several and what flows between them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from lucidx import attribution
from lucidx.errors import InvalidValueError
from lucidx.factorization import NeuronGroups, compatible_groups, neuron_groups
from lucidx.factorization.signs import NegativeActivationsError
from lucidx.interfaces.grammar import GROUPED_BY, Atoms
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import objectives

FOR_ANY = "KMeans"  # groups layers that are negative in places; its maps are not


class GroupsFound(NamedTuple):
    """Groups of layers, and the effects of those of each layer on those of the next."""

    groups: dict[Atoms, NeuronGroups]
    effects: dict[tuple[Atoms, Atoms], np.ndarray]


def method_for(model: Model, image: np.ndarray, layer: str) -> str:
    """How to group a layer: "NMF" if nothing in it is negative for an image `[H, W, C]`."""
    return GROUPED_BY if np.min(model.activations(image, layer)) >= 0 else FOR_ANY


def fit_each_other(chain: Sequence[Atoms]) -> bool:
    """Whether groups of several layers are found together, each made to fit the next."""
    return len(chain) > 1 and all(atoms.method == GROUPED_BY for atoms in chain)


def find_groups(model: Model, image: np.ndarray, chain: Sequence[Atoms], seed: int) -> GroupsFound:
    """Groups of one layer, or of several that flow into each other, the lowest first.

    Where all are found by non-negative matrix factorization, those of a layer are made to fit those
    of the next: see `compatible_groups`. Effects are to first order: gradient times activation of
    the activity of a group above.

    Parameters
    ----------
    image : `[H, W, C]`, as the model takes it.
    chain : groups.
    seed : decides everything random.

    Raises
    ------
    InvalidValueError : what `neuron_groups` refuses.
    """
    try:
        if fit_each_other(chain):
            return _compatible(model, image, chain, seed)
        found = {
            atoms: neuron_groups(model, image, atoms.layer, atoms.number, atoms.method, seed=seed)
            for atoms in chain
        }
    except NegativeActivationsError as error:
        near = f", or take {' or '.join(map(repr, error.near))}" if error.near else ""
        raise InvalidValueError(
            f"{error.reason} Group it by another method: groups(..., method={FOR_ANY!r}){near}."
        ) from error
    effects = {
        (below, above): effects_between(model, image, found[below], found[above])
        for below, above in itertools.pairwise(chain)
    }
    return GroupsFound(found, effects)


def _compatible(model: Model, image: np.ndarray, chain: Sequence[Atoms], seed: int) -> GroupsFound:
    layers, numbers = [a.layer for a in chain], [a.number for a in chain]
    fitting = compatible_groups(model, image, layers, numbers, seed=seed)
    return GroupsFound(
        dict(zip(chain, fitting.groups, strict=True)),
        dict(zip(itertools.pairwise(chain), fitting.effects, strict=True)),
    )


@objectives.wrap_objective(require_format="NHWC", traced=("share",))
def _activity(layer: str, share: np.ndarray) -> objectives.Objective:
    """Sum of a layer's activations, weighted by a group's share `[h, w, C]` in them."""

    def inner(T: Callable[[str], tf.Tensor]) -> tf.Tensor:
        return tf.reduce_sum(T(layer) * share)

    return inner


def effects_between(
    model: Model, image: np.ndarray, below: NeuronGroups, above: NeuronGroups
) -> np.ndarray:
    """What each group adds to the activity of each group of a later layer, to first order.

    Parameters
    ----------
    image : `[H, W, C]`, as the model takes it.
    below, above : groups of K and of K' members, found in this image.

    Returns
    -------
    Float64 `[K, K']`.
    """
    columns = []
    for k, direction in enumerate(above.directions):
        activity = _activity(above.layer, above.spatial[0][..., k, np.newaxis] * direction)
        columns.append(attribution.attribute(model, image, activity, below.layer).groups(below))
    return np.stack([column.effects for column in columns], -1)
