"""Integrals of gradients along a way from a baseline to the activations of a layer.

The derivative of a deep network along such a way jumps: most of the change happens within the first
percents, and neighbouring gradients differ. Plain rules with 50 steps miss the change in score by
up to a quarter at the input of InceptionV1. `tracking` makes up for both:

- Steps are dense near the baseline: at (1/n)², (2/n)², ..., 1.
- Each step's score comes with its gradient, so the change in score between two steps is known. In
  each interval the integral is estimated by the mean of the gradients at its two ends, weighted so
  that it accounts for that change, as far as a weighted mean can; what is missed is made up for in
  the next interval.

All weights are between 0 and 1, and where the two gradients agree it is the trapezoidal rule.

So the sum of the attributions says nothing of how good they are: the weights see to it. What the
trapezoidal rule makes of the same gradients does, and comes at no cost.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lucidx.attribution.probes import Probe, Weights

# Part of the way that each channel has gone at time t in 0..1: a number, or `[C]`.
Pace = Callable[[float], "float | np.ndarray"]


def straight(t: float) -> float:
    """All channels at the same pace."""
    return t


def bent(bend: np.ndarray) -> Pace:
    """Each channel at a pace of its own: quadratic and never backwards.

    Parameters
    ----------
    bend : `[C]` in -1..1; channels with positive ones start slowly.
    """
    return lambda t: (1 - bend) * np.float32(t) + bend * np.float32(t) ** 2


def tracking(probe: Probe, start: np.ndarray, steps: int, pace: Pace) -> Weights:
    """Effective weights of the way from a baseline; see the module.

    Parameters
    ----------
    probe : what to ask.
    start : the baseline, shaped like the activations.
    steps : number of gradients to compute.
    pace : of the channels.
    """
    ahead = probe.activations - start
    paces = [pace((n / steps) ** 2) for n in range(steps + 1)]
    (score,) = probe.scores([start], 1)
    total, missed, trapezoids, before = np.zeros_like(ahead), 0.0, 0.0, None
    stops = probe.evaluations((start + p * ahead for p in paces[1:]), steps)
    for n, (next_score, slope) in enumerate(stops):
        part = np.asarray(paces[n + 1] - paces[n], np.float32)
        if before is None:
            before = slope
        way = part * ahead
        changes = [np.vdot(way, s) for s in (before, slope)]
        trapezoids += sum(changes) / 2
        wanted = missed + next_score - score
        share = _share(*changes, wanted)
        missed = wanted - (share * changes[0] + (1 - share) * changes[1])
        total += part * (np.float32(share) * before + np.float32(1 - share) * slope)
        score, before = next_score, slope
    return Weights(total, start, float(trapezoids))


def _share(first: float, second: float, wanted: float) -> float:
    """Weight of `first`, in 0..1, in the mean of two numbers that comes closest to `wanted`."""
    if first == second:
        return 0.5
    return float(np.clip((wanted - second) / (first - second), 0, 1))


def left(probe: Probe, start: np.ndarray, steps: int) -> Weights:
    """Mean of the gradients at 0, 1/steps, 2/steps, ... of the straight way from a baseline."""
    ahead = probe.activations - start
    points = (start + np.float32(n / steps) * ahead for n in range(steps))
    mean = sum(slope for _, slope in probe.evaluations(points, steps)) / np.float32(steps)
    return Weights(mean, start, float(np.vdot(ahead, mean)))
