"""Ways to attribute a score to the neurons of a layer, as data: name -> function.

A method is a function of a `Probe` and keyword options. It returns `Weights`, or an array of
values. Users pass theirs to `attribute` in place of a name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lucidx.attribution import integration
from lucidx.attribution.ablating import score_lost, unit_shape, without_each
from lucidx.attribution.baselines import Baseline, baseline_like
from lucidx.attribution.probes import Probe, Weights
from lucidx.errors import InvalidValueError

Method = Callable[..., Any]


def gradient(probe: Probe) -> np.ndarray:
    """The gradient itself: what a unit more of each neuron would do (Simonyan et al. 2013)."""
    return probe.gradient


def linear(probe: Probe) -> Weights:
    """Gradient times activation: exact if the score were linear in the layer.

    The method of "The Building Blocks of Interpretability" (Distill 2018).
    """
    return Weights(probe.gradient, np.zeros_like(probe.activations))


def path(
    probe: Probe, *, steps: int = 50, baseline: Baseline = "zero", rule: str = "tracking"
) -> Weights:
    """Gradients integrated along the straight line from a baseline (Sundararajan et al. 2017).

    Parameters
    ----------
    steps : how many gradients are computed.
    baseline : `"zero"`, `"mean"` (of each channel), `"blurred"`, or an array.
    rule : how to integrate. `"tracking"`: weights the steps so that the attributions add up to the
        change in score; see `lucidx.attribution.integration`. A small `gap` is then no evidence of
        accuracy, and `unweighted_gap` tells more. `"left"`: the mean of gradients at 0, 1/steps,
        2/steps, ..., which is that of the notebook of "The Building Blocks of Interpretability".
    """
    _check_count("steps", steps)
    start = baseline_like(baseline, probe.activations)
    if rule == "tracking":
        return integration.tracking(probe, start, steps, integration.straight)
    if rule == "left":
        return integration.left(probe, start, steps)
    raise InvalidValueError(f"rule is 'tracking' or 'left', not {rule!r}.")


def stochastic_path(
    probe: Probe,
    *,
    steps: int = 50,
    paths: int = 4,
    baseline: Baseline = "zero",
    seed: int = 0,
) -> Weights:
    """Gradients integrated along random curves, on which each channel has a pace of its own.

    The straight line is one of many ways from a baseline to the activations. What holds on average
    over others depends less on that choice ("The Building Blocks of Interpretability", Distill
    2018: channel attribution). Steps are weighted so that the attributions of each curve add up to
    the change in score, as by `path`.

    Parameters
    ----------
    steps : gradients along each curve.
    paths : how many curves are averaged.
    baseline : `"zero"`, `"mean"` (of each channel), `"blurred"`, or an array.
    seed : of the random paces.
    """
    _check_count("steps", steps)
    _check_count("paths", paths)
    start = baseline_like(baseline, probe.activations)
    bends = np.random.default_rng(seed).uniform(-1, 1, (paths, start.shape[-1]))
    mean, unweighted = np.zeros_like(start), 0.0
    for bend in bends.astype(np.float32):
        found = integration.tracking(probe, start, steps, integration.bent(bend))
        mean += found.gradient / np.float32(paths)
        unweighted += found.unweighted_total / paths
    return Weights(mean, start, unweighted)


def smoothed(probe: Probe, *, samples: int = 25, noise: float = 0.15, seed: int = 0) -> Weights:
    """Mean gradient over noisy copies of the layer, times activation.

    SmoothGrad (Smilkov et al. 2017), with the noise at the layer.

    Parameters
    ----------
    samples : how many noisy copies.
    noise : its standard deviation, as a part of the range of the activations.
    seed : of the noise.
    """
    _check_count("samples", samples)
    if not 0 <= noise < np.inf:
        raise InvalidValueError(f"noise is a part of the range of activations, not {noise!r}.")
    rng, at = np.random.default_rng(seed), probe.activations
    sd = np.float32(noise * np.ptp(at))
    points = (at + sd * rng.standard_normal(at.shape, np.float32) for _ in range(samples))
    mean = sum(slope for _, slope in probe.evaluations(points, samples)) / np.float32(samples)
    return Weights(mean, np.zeros_like(at))


def grad_cam(probe: Probe) -> Weights:
    """Channels weighted by the mean of their gradient, where they argue for the score.

    Grad-CAM (Selvaraju et al. 2017); `spatial()` of the result is its map.
    """
    at = probe.activations
    if at.ndim < 3:
        raise InvalidValueError(
            "Grad-CAM weights the maps of a layer with positions, [h, w, C]; this layer is "
            f"{list(at.shape)}."
        )
    weights = probe.gradient.mean(tuple(range(at.ndim - 1)), keepdims=True)
    supporting = (at * weights).sum(-1, keepdims=True) > 0
    return Weights(weights * supporting, np.zeros_like(at))


def ablation(probe: Probe, *, units: str = "positions", baseline: Baseline = "zero") -> np.ndarray:
    """What the score loses when one position, or one channel, is set to a baseline: exact.

    Parameters
    ----------
    units : `"positions"` or `"channels"`.
    baseline : `"zero"`, `"mean"` (of each channel), `"blurred"`, or an array.

    Returns
    -------
    `[h, w, 1]` for positions, `[1, 1, C]` for channels, `[C]` for the channels of dense layers.
    """
    shape = unit_shape(units, probe.activations)
    start = baseline_like(baseline, probe.activations)
    lost = score_lost(probe, without_each(probe.activations, start, shape), math.prod(shape))
    return lost.reshape(shape)


METHODS: dict[str, Method] = {
    "gradient": gradient,
    "linear": linear,
    "path": path,
    "stochastic_path": stochastic_path,
    "smoothed": smoothed,
    "grad_cam": grad_cam,
    "ablation": ablation,
}
# Those that need the gradient at the activations themselves, which comes with the score.
USE_GRADIENT = frozenset({"gradient", "linear", "grad_cam"})


def _check_count(name: str, number: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
        raise InvalidValueError(f"{name} is a whole number of at least 1, not {number!r}.")
