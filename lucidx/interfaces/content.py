"""The numbers that contents stand for, as arrays: pure functions of what was computed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lucidx.interfaces import grammar
from lucidx.interfaces.grids import pooled
from lucidx.interfaces.planning import ComputeActivations

if TYPE_CHECKING:
    from lucidx.interfaces.compute import Results
    from lucidx.interfaces.grammar import Content, Top


class Strongest(NamedTuple):
    """The strongest channels at each position.

    Attributes
    ----------
    channels : `[h, w, K]` int64, the strongest first.
    values : `[h, w, K]` float32, their activations.
    """

    channels: np.ndarray
    values: np.ndarray


class Ranking(NamedTuple):
    """Channels that argue for something, and against it, the strongest first.

    Attributes
    ----------
    label : of what is argued about: numbers of classes, one, or two for a difference.
    supporting, opposing : pairs of channel and value.
    """

    label: tuple[int, ...]
    supporting: list[tuple[int, float]]
    opposing: list[tuple[int, float]]


def strongest(activations: np.ndarray, number: int) -> Strongest:
    """The channels with the largest activations at each position of `[h, w, C]`."""
    order = np.argsort(-activations, axis=-1, kind="stable")[..., :number]
    return Strongest(order, np.take_along_axis(activations, order, -1).astype(np.float32))


def rank(values: np.ndarray, number: int, label: tuple[int, ...] = ()) -> Ranking:
    """The largest positive and the most negative of channels' values `[C]`."""
    order = np.argsort(-values, kind="stable")

    def pairs(indices: Sequence[int]) -> list[tuple[int, float]]:
        return [(int(c), float(values[c])) for c in indices if values[c]]

    return Ranking(
        label,
        [pair for pair in pairs(order[:number]) if pair[1] > 0],
        [pair for pair in pairs(order[::-1][:number]) if pair[1] < 0],
    )


def channel_values(content: Content, results: Results) -> np.ndarray:
    """Values of a layer's channels, float32 `[n, C]`: one row, or one for each class.

    Activations are means over positions.
    """
    layer = content.of.layer
    if isinstance(getattr(content, "content", content), grammar.Attribution):
        return np.stack([found.channels() for found in results.class_attributions(layer)])
    acts = results[ComputeActivations(layer)]
    return acts.reshape(-1, acts.shape[-1]).mean(0)[np.newaxis]


def rankings(content: Top, results: Results) -> list[Ranking]:
    """The strongest channels: for each class, or for each two classes, or by activation."""
    values = channel_values(content, results)
    to = getattr(content.content, "to", None)
    if to is not None and to.kind == grammar.DIFFERENCE:
        pairs = itertools.combinations(range(len(values)), 2)
        return [rank(values[a] - values[b], content.number, (a, b)) for a, b in pairs]
    return [rank(row, content.number, (k,)) for k, row in enumerate(values)]


def neurons_at(content: Top, results: Results) -> Strongest:
    """The strongest channels at each position, or at each cell of neighbouring positions."""
    acts = pooled(results[ComputeActivations(content.of.layer)], results.quality.cells)
    return strongest(acts, content.number)


def most_shown(contents: Sequence[Top], results: Results) -> list[int]:
    """The channels that contents show, at most as many as the quality allows.

    Where there are more, those that are seen in most places stay.
    """
    counts: dict[int, float] = {}
    for content in contents:
        if content.of.kind == grammar.NEURONS:
            found = neurons_at(content, results)
            shown = found.channels[found.values > 0]
        else:
            ranked = rankings(content, results)
            shown = [c for r in ranked for c, _ in (*r.supporting, *r.opposing)]
        weight = 1 if content.of.kind == grammar.NEURONS else 1000  # each ranking is seen at once
        for channel in np.asarray(shown, np.int64):
            counts[int(channel)] = counts.get(int(channel), 0) + weight
    order = sorted(counts, key=lambda channel: (-counts[channel], channel))
    return sorted(order[: results.quality.most_icons])
