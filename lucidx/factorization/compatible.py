"""Groups of several layers that fit each other, so that attribution flows between few of them.

A footnote of "The Building Blocks of Interpretability" (Distill 2018): each activation of the lower
layer is split among the groups above it in proportion to how much it matters to each, the split
activations are factorized, and the parts of a factor are put together again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from lucidx.attribution.feeding import channels_last
from lucidx.errors import InvalidValueError
from lucidx.factorization import factors, groups
from lucidx.factorization.gradients import layer_gradients

if TYPE_CHECKING:
    from lucidx.modelzoo.layer import Layer
    from lucidx.modelzoo.vision_base import Model

_METHOD = "NMF"


class CompatibleGroups(NamedTuple):
    """Groups of several layers, and what they do to each other.

    Attributes
    ----------
    groups : of each layer, the lowest first.
    effects : between each layer and the next: `[K, K']`, what each group adds to the activity of
        each group of the next layer (to first order: activation times gradient).
    """

    groups: tuple[groups.NeuronGroups, ...]
    effects: tuple[np.ndarray, ...]

    def __repr__(self) -> str:
        return f"<CompatibleGroups: {', then '.join(map(repr, self.groups))}>"


def compatible_groups(
    model: Model,
    images: np.ndarray,
    layers: Sequence[str | Layer],
    n_groups: int | Sequence[int] = 6,
    *,
    seed: int = 0,
) -> CompatibleGroups:
    """Group the neurons of several layers so that each group feeds few groups of the next layer.

    The activity of a group is the sum of the activations times the group's share in them, `spatial
    ⊗ directions`.

    Parameters
    ----------
    model : whose layers they are.
    images : one image `[H, W, C]` or several `[N, H, W, C]`: RGB, floats in 0..1 or uint8.
    layers : two or more layers that are not negative, the lowest first.
    n_groups : of each layer, or one number for each.
    seed : decides everything random.

    Raises
    ------
    InvalidValueError, UnknownLayerError : as for `neuron_groups`; or a layer does not come before
        the next.
    """
    names = [getattr(layer, "name", layer) for layer in layers]
    if isinstance(layers, str) or len(names) < 2:
        raise InvalidValueError(f"Two or more layers are needed, the lowest first; not {layers!r}.")
    numbers = [n_groups] * len(names) if np.ndim(n_groups) == 0 else list(n_groups)
    if len(numbers) != len(names):
        raise InvalidValueError(f"There are {len(numbers)} numbers of groups, {len(names)} layers.")
    # What cannot be grouped is found before the work begins.
    given = [groups.prepare(model, images, name, _METHOD, None, way_out="") for name in names]
    found = [groups.neuron_groups(model, images, names[-1], numbers[-1], _METHOD, seed=seed)]
    effects: list[np.ndarray] = []
    for lower, number in zip(given[-2::-1], numbers[-2::-1], strict=True):
        below, effect = _below(model, images, lower, number, found[0], seed)
        found.insert(0, below)
        effects.insert(0, effect)
    return CompatibleGroups(tuple(found), tuple(effects))


def _below(
    model: Model,
    images: np.ndarray,
    given: groups.Prepared,
    n_groups: int,
    above: groups.NeuronGroups,
    seed: int,
) -> tuple[groups.NeuronGroups, np.ndarray]:
    number = given.checked(n_groups)
    gradient = _gradients_of_groups(model, images, given.layer, above)
    rows = _split(given.activations, gradient)
    split = factors.take_apart(rows, number, _METHOD, seed)
    together = split.directions.reshape(number, -1, len(above)).sum(-1)
    whole = factors.Factors(split.spatial, together, np.zeros_like(together[0]))
    origin = {
        "made_by": "compatible_groups",
        "model": model.name,
        "method": _METHOD,
        "above": above.layer,
        "seed": seed,
    }
    found = groups.as_groups(given.layer, given.activations, whole, origin)
    effect = np.einsum(
        "nhwk,kc,nhwcj->kj", found.spatial, found.directions, gradient, optimize=True
    )
    return found, effect


def _gradients_of_groups(
    model: Model, images: np.ndarray, layer: str, above: groups.NeuronGroups
) -> np.ndarray:
    """Of the activity of each group above, with respect to a layer: `[N, h, w, C, K]`."""
    shares = [above.spatial[..., [k]] * direction for k, direction in enumerate(above.directions)]

    def activity(acts: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
        acts = channels_last(model, above.layer, acts)
        return tf.reduce_sum(acts * (share[:, 0, 0] if acts.shape.rank == 2 else share))

    acts, gradient = layer_gradients(
        model, above.layer, layer, images, activity, shares[:1], key="activity of a group"
    )
    found = [groups.as_nhwc(model, layer, gradient(acts, share)) for share in shares]
    return np.stack(found, -1)


def _split(acts: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Activations shared out among the groups above: rows `[M, C * K]`."""
    attribution = np.abs(acts[..., np.newaxis] * gradient)
    whole = attribution.sum(-1, keepdims=True)
    groups_above = attribution.shape[-1]
    shares = np.where(whole > 0, attribution / np.where(whole > 0, whole, 1), 1 / groups_above)
    return (acts[..., np.newaxis] * shares).reshape(-1, acts.shape[-1] * groups_above)
