"""Weights on hundreds of channels as few as a person can look at: the strongest, and groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lucidx.arguments import whole
from lucidx.basis import Basis, directions
from lucidx.errors import InvalidValueError
from lucidx.factorization.factors import relative_error, take_apart
from lucidx.recipes.circuits.weights import ExpandedWeights


@dataclass(frozen=True, eq=False, repr=False)
class WeightGroups:
    """Channels that a layer's weights take together, as if they were one.

    Attributes
    ----------
    basis : the groups: non-negative directions of unit length in `layer_from`; those that hold most
        of the weights come first.
    excites, inhibits : float32 `[K, G, h, w]`, not negative: how much of each of the G groups the
        positive weights, and the negative ones, of the K channels are made of at each place.
    error : norm of what the groups leave of the weights, relative to theirs.
    """

    basis: Basis
    excites: np.ndarray
    inhibits: np.ndarray
    error: float

    def __len__(self) -> int:
        return len(self.basis)

    def __repr__(self) -> str:
        return (
            f"<WeightGroups: {len(self)} groups of channels of {self.basis.layer!r}, relative "
            f"error {self.error:.2f}>"
        )

    @property
    def kernels(self) -> np.ndarray:
        """Weights of the K channels in the G groups, float32 `[K, G, h, w]`, of either sign."""
        return self.excites - self.inhibits


def strongest(
    weights: ExpandedWeights, channel: int, number: int = 6
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The channels with the strongest kernels for one channel, and against it.

    The strength of a kernel is its Euclidean norm; it is for the channel if its sum is positive.

    Parameters
    ----------
    weights : those of the channel may be among others.
    channel : a number in `layer_to`.
    number : at most, of either kind.

    Returns
    -------
    Numbers of channels of `layer_from`, the strongest first: those for it, and those against it.

    Raises
    ------
    InvalidValueError, InvalidTypeError : there are no weights of the channel, or `number` is not 1
        or more.
    """
    whole("number", number)
    norms, sums = norms_and_sums(weights, channel)
    order = np.argsort(-norms, kind="stable")
    order = order[norms[order] > 0]
    return (
        tuple(order[sums[order] > 0][:number].tolist()),
        tuple(order[sums[order] <= 0][:number].tolist()),
    )


def norms_and_sums(weights: ExpandedWeights, channel: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the kernels of one channel in each of the C earlier ones, `[C]` and `[C]`, float64.

    Raises
    ------
    InvalidValueError : there are no weights of this channel.
    """
    kernels = weights.of(channel).astype(np.float64)
    return np.sqrt((kernels**2).sum((0, 1))), kernels.sum((0, 1))


def share(weights: ExpandedWeights, channel: int, members: tuple[int, ...]) -> float:
    """How much of all squared weights of a channel is in the kernels of some earlier channels.

    Returns
    -------
    0..1.

    Raises
    ------
    InvalidValueError : there are no weights of this channel, or they are zero.
    """
    norms, _ = norms_and_sums(weights, channel)
    squares = norms**2
    if not squares.any():
        raise InvalidValueError(f"All weights of {weights.layer_to}:{channel} are zero.")
    return float(squares[list(members)].sum() / squares.sum())


def weight_groups(weights: ExpandedWeights, number: int = 3, *, seed: int = 0) -> WeightGroups:
    """Groups of channels that the weights take together, by non-negative matrix factorization.

    Positive and negative weights of all places are rows of one matrix, `[2 K h w, C]`, so that a
    group stands for the same channels wherever it excites and wherever it inhibits ("Visualizing
    Weights", Voss et al., Distill 2021: one-sided NMF).

    Parameters
    ----------
    weights : of one channel, or of several, for which the groups then are the same.
    number : of groups; fewer where there are not as many channels or places.
    seed : decides everything random.

    Raises
    ------
    InvalidValueError, InvalidTypeError : `number` is not a whole number of 1 or more.
    """
    *places, depth = weights.values.shape
    signed = np.stack([weights.values, -weights.values])
    rows = np.maximum(signed, 0).reshape(-1, depth).astype(np.float64)
    scale = np.abs(rows).max()
    used = min(whole("number", number), np.count_nonzero(rows.any(0)), *rows.shape)
    found = take_apart(rows / scale, used, "NMF", seed)
    lengths = np.linalg.norm(found.directions, axis=1)
    amounts = found.spatial * lengths * scale
    order = np.argsort(-(amounts**2).sum(0), kind="stable")
    order = order[(amounts**2).sum(0)[order] > 0]
    maps = amounts[:, order].reshape(2, *places, len(order)).astype(np.float32)
    excites, inhibits = np.moveaxis(maps, -1, 2)
    return WeightGroups(
        directions(
            weights.layer_from,
            (found.directions / np.where(lengths > 0, lengths, 1)[:, None])[order],
            [f"group {k + 1}" for k in range(len(order))],
            origin={**weights.origin, "method": "groups of weights", "seed": seed},
            nonnegative=True,
        ),
        excites,
        inhibits,
        relative_error(rows / scale, found),
    )
