"""Is an attribution true? Take away, or put in, what it says matters, and see.

Insertion and deletion curves are those of Petsiuk et al. 2018, "RISE", at the input or at any
hidden layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lucidx.attribution.attributing import attribute, method_name
from lucidx.attribution.baselines import Baseline, baseline_like
from lucidx.attribution.feeding import INPUT
from lucidx.attribution.methods import Method
from lucidx.attribution.probes import Probe, probe_at
from lucidx.attribution.results import Attribution
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis.objective import Objective

MODES = ("insertion", "deletion")
# At the input as in RISE, where a black image would have edges of its own.
INPUT_BASELINES = {"insertion": "blurred", "deletion": "mean"}


@dataclass(frozen=True, eq=False, repr=False)
class Curve:
    """Score while positions of a layer are inserted or deleted, those that matter most first.

    Attributes
    ----------
    mode : `"insertion"` or `"deletion"`.
    order : indices of all P positions, row by row, as they were taken: `[P]`.
    fractions : part of the positions taken, from 0 to 1: `[steps + 1]`.
    scores : at those fractions, `[steps + 1]` float32.
    """

    mode: str
    order: np.ndarray
    fractions: np.ndarray
    scores: np.ndarray

    def __repr__(self) -> str:
        return f"<Curve of {self.mode}: {len(self.scores)} scores, mean height {self.auc:.4g}>"

    @property
    def auc(self) -> float:
        """Mean height of the curve, in units of the score.

        For insertion more is better, for deletion less.
        """
        widths = np.diff(self.fractions)
        return float((widths * (self.scores[1:] + self.scores[:-1]) / 2).sum())


class Faithfulness(NamedTuple):
    """Areas under both curves; of random orders the means, with the standard deviations."""

    insertion: float
    deletion: float
    insertion_sd: float = 0.0
    deletion_sd: float = 0.0


def curves(
    model: Model,
    image: np.ndarray,
    score: Objective | str | Any,
    attribution: Attribution,
    *,
    steps: int = 20,
    mode: str = "insertion",
    baseline: Baseline | None = None,
    batch_size: int = 16,
) -> Curve:
    """Score while the positions of a layer are inserted, or deleted, in the order of attribution.

    Parameters
    ----------
    model, image, score : what was explained; one image.
    attribution : says the layer, and the order. In dense layers, each neuron is a position.
    steps : how many times positions are taken and the score is computed.
    mode : `"insertion"`: positions of the baseline get their activations back; `"deletion"`:
        positions are set to the baseline.
    baseline : `"zero"`, `"mean"`, `"blurred"`, or an array. By default zero; at the input, the
        blurred image for insertion and its mean colour for deletion.
    batch_size : how many evaluations of the network run at once.

    Raises
    ------
    UnknownLayerError, InvalidValueError, InvalidTypeError
    """
    probe = probe_at(model, image, score, attribution.layer, batch_size=batch_size)
    if attribution.activations.shape != probe.activations.shape:
        raise InvalidValueError(
            f"The attribution is to {attribution.activations.shape}; the layer of this image is "
            f"{probe.activations.shape}."
        )
    return _curve(probe, _importance(attribution), steps, mode, baseline)


def compare(
    model: Model,
    image: np.ndarray,
    score: Objective | str | Any,
    layer: str | Layer,
    methods: Sequence[str | Method] | Mapping[str, str | Method],
    *,
    steps: int = 20,
    baseline: Baseline | None = None,
    draws: int = 5,
    seed: int = 0,
    batch_size: int = 16,
) -> dict[str, Faithfulness]:
    """Insertion and deletion of several methods, and of positions in random order.

    Parameters
    ----------
    model, image, score, layer, batch_size : as in `attribute`; one image.
    methods : names of methods, or functions as in `attribute`; by a name of one's own if given as a
        mapping, such as `{"50 steps": partial(METHODS["path"], steps=50)}`.
    steps, baseline : as in `curves`.
    draws : how many random orders.
    seed : of the random orders.

    Returns
    -------
    By name of the method, and last `"random"`: a method that does no better is not to be trusted.

    Raises
    ------
    UnknownLayerError, InvalidValueError, InvalidTypeError
    """
    named = dict(methods) if isinstance(methods, Mapping) else {method_name(m): m for m in methods}
    if draws < 1:
        raise InvalidValueError(f"draws is at least 1, not {draws}.")
    probe = probe_at(model, image, score, layer, batch_size=batch_size)
    rng = np.random.default_rng(seed)

    def areas(importance: np.ndarray) -> list[float]:
        return [_curve(probe, importance, steps, mode, baseline).auc for mode in MODES]

    found = {}
    for name, method in named.items():
        attribution = attribute(model, image, score, layer, method, batch_size=batch_size)
        found[name] = Faithfulness(*areas(_importance(attribution)))
    shape = _positions(probe.activations)
    random = np.array([areas(rng.random(shape)) for _ in range(draws)])
    spread = random.std(0, ddof=1) if draws > 1 else np.zeros(2)
    found["random"] = Faithfulness(*random.mean(0).tolist(), *spread.tolist())
    return found


def _importance(attribution: Attribution) -> np.ndarray:
    return attribution.values if attribution.values.ndim == 1 else attribution.spatial()


def _positions(activations: np.ndarray) -> tuple[int, ...]:
    return activations.shape if activations.ndim == 1 else activations.shape[:-1]


def _curve(
    probe: Probe, importance: np.ndarray, steps: int, mode: str, baseline: Baseline | None
) -> Curve:
    if mode not in MODES:
        raise InvalidValueError(f"mode is 'insertion' or 'deletion', not {mode!r}.")
    if steps < 1:
        raise InvalidValueError(f"steps is at least 1, not {steps}.")
    if baseline is None:
        baseline = INPUT_BASELINES[mode] if probe.layer == INPUT else "zero"
    at, start = probe.activations, baseline_like(baseline, probe.activations)
    before, after = (at, start) if mode == "deletion" else (start, at)
    flat = importance.ravel()
    # Equals in random order: where they lie should not matter.
    shuffled = np.random.default_rng(0).permutation(flat.size)
    order = shuffled[np.argsort(-flat[shuffled], kind="stable")]
    counts = np.unique(np.round(np.linspace(0, flat.size, steps + 1)).astype(int))

    def partly() -> Iterator[np.ndarray]:
        taken = np.zeros(flat.size, bool)
        for count in counts:
            taken[order[:count]] = True
            mask = taken.reshape(importance.shape)
            yield np.where(mask if at.ndim == 1 else mask[..., np.newaxis], after, before)

    scores = np.fromiter(probe.scores(partly(), len(counts)), np.float32)
    return Curve(mode, order, counts / flat.size, scores)
