"""A circuit: one channel, the earlier channels that it is made of most, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lucidx.attribution.feeding import INPUT
from lucidx.basis import Basis, channels
from lucidx.icons import icons
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.recipes.circuits.checking import predictions
from lucidx.recipes.circuits.reducing import (
    WeightGroups,
    norms_and_sums,
    share,
    strongest,
    weight_groups,
)
from lucidx.recipes.circuits.weights import ExpandedWeights, expanded_weights

_COLOURED = (1, 3, None)  # channels of images in which photos come


@dataclass(frozen=True, eq=False, repr=False)
class Part:
    """An earlier channel, or a group of them, of which a channel is made.

    Attributes
    ----------
    name : such as `"mixed4a:12"`.
    kernel : float32 `[h, w]`: its weights.
    norm, sum : of the kernel: its Euclidean norm, and its sum.
    share : of all squared weights of the channel, 0..1.
    icon : float32 `[s, s, 3]` in 0..1: what excites it.
    """

    name: str
    kernel: np.ndarray
    norm: float
    sum: float
    share: float
    icon: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Circuit:
    """What one channel is made of in an earlier layer.

    Attributes
    ----------
    weights : of the one channel.
    name : of the channel, such as `"mixed4b:12"`.
    icon : float32 `[s, s, 3]` in 0..1: what excites it.
    supporting, opposing : the strongest earlier channels, by the sign of the sum of their weights.
    groups : of earlier channels.
    group_parts : the groups in the order of `groups`.
    shown : share of all squared weights that is in the supporting and opposing channels, 0..1.
    photos : how many photos the predictions were compared in; 0 if they were not.
    correlation : over photos, of the activation that the weights predict and the true one; NaN if
        it is not known.
    correlation_shown : the same for weights of the supporting and opposing channels only.
    settings : what else it depends on.
    """

    weights: ExpandedWeights
    name: str
    icon: np.ndarray
    supporting: tuple[Part, ...]
    opposing: tuple[Part, ...]
    groups: WeightGroups
    group_parts: tuple[Part, ...]
    shown: float
    photos: int
    correlation: float
    correlation_shown: float
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"<Circuit of {self.name}: {len(self.supporting)} channels of "
            f"{self.weights.layer_from} for it, {len(self.opposing)} against it>"
        )


def circuit(
    model: Model,
    layer_from: str | Layer,
    layer_to: str | Layer,
    channel: int,
    number: int = 6,
    groups: int = 3,
    *,
    relu: str = "linear",
    photos: np.ndarray | None = None,
    size: int = 96,
    quality: str = "full",
    steps: int | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> Circuit:
    """Find what a channel is made of: the earlier channels with the largest weights on it.

    "Zoom In" (Olah et al., Distill 2020) shows circuits in this way, and "Visualizing Weights"
    (Voss et al., Distill 2021) those across several layers, and groups of channels in few colours.
    Interrupted, it goes on where it was when called again: icons are in the cache.

    Parameters
    ----------
    model, layer_from, layer_to : see `expanded_weights`.
    channel : a number in `layer_to`.
    number : how many channels to show for it, and how many against it.
    groups : how many groups of channels to show.
    relu : `"linear"` or `"mean"`, see `expanded_weights`.
    photos : to compare predictions in, and for `"mean"`; see `predictions`.
    size, quality, steps, seed, progress : of the icons, see `lucidx.icons.icons`.

    Raises
    ------
    As `expanded_weights`, `predictions` and `icons`.
    """
    weights = expanded_weights(model, layer_from, layer_to, [channel], relu=relu, photos=photos)
    (channel,), (name,) = weights.channels, weights.names
    supporting, opposing = strongest(weights, channel, number)
    members = supporting + opposing
    found = weight_groups(weights, groups, seed=seed)
    count, correlations = 0, (float("nan"), float("nan"))
    if photos is not None or model.image_shape[-1] in _COLOURED:
        compared = predictions(model, weights, photos)
        count = len(compared.actual)
        correlations = tuple(float(compared.correlations(which)[0]) for which in (None, members))
    options = {"quality": quality, "steps": steps, "seed": seed, "progress": progress}
    (icon,) = icons(model, channels(model, weights.layer_to, [channel]), size, **options)

    def drawn(basis: Basis) -> np.ndarray:
        if weights.layer_from == INPUT:
            return _flat(basis.directions, size)
        return icons(model, basis, size, **options)

    pictures = drawn(_basis(model, weights, members))
    parts = _parts(weights, channel, members, pictures)
    return Circuit(
        weights,
        name,
        icon,
        parts[: len(supporting)],
        parts[len(supporting) :],
        found,
        _group_parts(weights, found, drawn(found.basis)),
        share(weights, channel, members),
        count,
        *correlations,
        {
            "relu": relu,
            "photos": "sample" if photos is None else "given",
            "size": size,
            "quality": quality,
            "steps": steps,
            "seed": seed,
        },
    )


def _basis(model: Model, weights: ExpandedWeights, members: tuple[int, ...]) -> Basis:
    if weights.layer_from != INPUT:
        return channels(model, weights.layer_from, members)
    return Basis(INPUT, np.eye(weights.values.shape[-1])[list(members)])


def _flat(directions: np.ndarray, size: int) -> np.ndarray:
    """Flat colours for directions of channels of images: pictures `[K, size, size, 3]` in 0..1."""
    colours = directions / directions.max(1, keepdims=True)
    if colours.shape[1] != 3:
        colours = np.full([len(colours), 3], 0.5)
    return np.broadcast_to(colours[:, None, None], (len(colours), size, size, 3)).astype(np.float32)


def _parts(
    weights: ExpandedWeights, channel: int, members: tuple[int, ...], icons: np.ndarray
) -> tuple[Part, ...]:
    norms, sums = norms_and_sums(weights, channel)
    return tuple(
        Part(
            _part_name(weights, c),
            weights.kernel(channel, c),
            float(norms[c]),
            float(sums[c]),
            share(weights, channel, (c,)),
            icon,
        )
        for c, icon in zip(members, icons, strict=True)
    )


def _part_name(weights: ExpandedWeights, channel: int) -> str:
    if weights.layer_from == INPUT and weights.values.shape[-1] == 3:
        return ("red", "green", "blue")[channel]
    return f"{weights.layer_from}:{channel}"


def _group_parts(
    weights: ExpandedWeights, groups: WeightGroups, icons: np.ndarray
) -> tuple[Part, ...]:
    whole = float((weights.values.astype(np.float64) ** 2).sum())
    squares = ((groups.excites.astype(np.float64) ** 2) + groups.inhibits**2).sum((0, 2, 3))
    return tuple(
        Part(
            name,
            kernel,
            float(np.linalg.norm(kernel)),
            float(kernel.sum()),
            float(square / whole),
            icon,
        )
        for name, kernel, square, icon in zip(
            groups.basis.names, groups.kernels[0], squares, icons, strict=True
        )
    )
