"""What an attribution is: a number for each neuron of a layer, and ways to add them up."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lucidx.errors import InvalidTypeError, InvalidValueError


class Neuron(NamedTuple):
    """One neuron and what it did; `position` is (row, column), empty in dense layers."""

    position: tuple[int, ...]
    channel: int
    value: float


class Channels(NamedTuple):
    """The channels that argue most for a score, and against it.

    Attributes
    ----------
    supporting, opposing : pairs of channel and value, the strongest first; all values of the first
        are positive, of the second negative.
    """

    supporting: list[tuple[int, float]]
    opposing: list[tuple[int, float]]


_SHOWN = 8  # groups


@dataclass(frozen=True, eq=False, repr=False)
class GroupAttribution:
    """What each member of a basis did for a score.

    Attributes
    ----------
    names : of the K members.
    effects : `[K]` float64.
    rest : what no member explains; effects and rest add up to the layer's total.
    spatial : where the effects come from, `[h, w, K]` float64; `[K]` in dense layers.
    """

    names: tuple[str, ...]
    effects: np.ndarray
    rest: float
    spatial: np.ndarray

    def __repr__(self) -> str:
        strongest = sorted(np.argsort(-np.abs(self.effects), kind="stable")[:_SHOWN])
        shown = [f"{self.names[k]} {self.effects[k]:+.4g}" for k in strongest]
        more = len(self.names) - len(shown)
        others = [f"{more} weaker ones {self.effects.sum() - self.effects[strongest].sum():+.4g}"]
        shown += [*others[:more], f"rest {self.rest:+.4g}"]
        return f"<GroupAttribution: {', '.join(shown)}>"


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each neuron of a layer did for a score of one image.

    Attributes
    ----------
    model : name of the model.
    layer : name of the layer, or `"input"`.
    target : what was explained: description of the score.
    method : how.
    values : the attributions, `[h, w, C]` float32, in units of the score; `[C]` for dense layers.
        Ablation of positions has `[h, w, 1]`, of channels `[1, 1, C]`.
    activations : of the layer, `[h, w, C]` or `[C]` float32.
    score : of the image.
    baseline : activations that the attributions explain the difference from, shaped like
        `activations`; None for methods without one.
    gradient : effective weights, shaped like `activations`, with `values == (activations -
        baseline) * gradient`; None for methods that do not have this form.
    baseline_scorer : computes `baseline_score` when it is first asked for, because that takes
        another pass through the network.
    unweighted_total : for methods that weight gradients so that the values add up: what `total`
        would be by the trapezoidal rule; None for others.
    """

    model: str
    layer: str
    target: str
    method: str
    values: np.ndarray
    activations: np.ndarray
    score: float
    baseline: np.ndarray | None = None
    gradient: np.ndarray | None = None
    baseline_scorer: Callable[[], float] | None = None
    unweighted_total: float | None = None

    def __post_init__(self) -> None:
        for name in ("values", "activations", "baseline", "gradient"):
            array = getattr(self, name)
            if array is not None:
                view = array.view()
                view.flags.writeable = False
                object.__setattr__(self, name, view)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.values.shape))
        return (
            f"<Attribution of {self.target!r} ({self.score:.4g}) to {shape} of {self.layer!r} by "
            f"{self.method}>"
        )

    def __getstate__(self) -> dict[str, Any]:
        # Without the network.
        return {**self.__dict__, "baseline_score": self.baseline_score, "baseline_scorer": None}

    @functools.cached_property
    def baseline_score(self) -> float | None:
        """The score with the baseline at the layer; None without a baseline.

        Raises
        ------
        InvalidValueError : the score is not finite there.
        """
        return None if self.baseline_scorer is None else float(self.baseline_scorer())

    @property
    def total(self) -> float:
        """Sum of all attributions."""
        return float(self.values.sum(dtype=np.float64))

    @property
    def gap(self) -> float | None:
        """Completeness gap: the total minus the change in score; None without a baseline.

        It is 0 where attributions account for all that replacing the baseline by the activations
        did to the score (Sundararajan et al. 2017).
        """
        return None if self.baseline_score is None else self.total - self._change

    @property
    def relative_gap(self) -> float | None:
        """`gap` as a part of the change in score: ±inf where that is 0 and the gap is not.

        Of `path` and `stochastic_path` it is small whatever the attributions are worth, because
        their steps are weighted so that they add up: see `unweighted_gap`.
        """
        return self._part_missed(self.total)

    @property
    def unweighted_gap(self) -> float | None:
        """What integration without weights misses, as a part of the change in score.

        The gap that the trapezoidal rule would leave with the same gradients. Where it is large,
        gradients differ too much from step to step for their integral to be known well: take more
        steps. None for methods that do not integrate.
        """
        return None if self.unweighted_total is None else self._part_missed(self.unweighted_total)

    @property
    def _change(self) -> float:
        return self.score - self.baseline_score

    def _part_missed(self, total: float) -> float | None:
        if self.baseline_score is None:
            return None
        gap = total - self._change
        if self._change == 0:
            return 0.0 if gap == 0 else float(np.copysign(np.inf, gap))
        return gap / abs(self._change)

    @property
    def of_positions(self) -> bool:
        """Whether there is a number for each position; dense layers have one position."""
        return self.values.shape[:-1] == self.activations.shape[:-1]

    @property
    def of_channels(self) -> bool:
        """Whether there is a number for each channel."""
        return self.values.shape[-1] == self.activations.shape[-1]

    def spatial(self) -> np.ndarray:
        """What each position did: sum over channels, `[h, w]`; a scalar array in dense layers.

        Raises
        ------
        InvalidValueError : it is of channels only.
        """
        if not self.of_positions:
            raise InvalidValueError(
                "This attribution is to whole channels, and says nothing of positions. Use "
                "units='positions'."
            )
        return self.values.sum(-1, dtype=np.float64).astype(np.float32)

    def channels(self) -> np.ndarray:
        """What each channel did: sum over positions, `[C]`.

        Raises
        ------
        InvalidValueError : it is of positions only.
        """
        if not self.of_channels:
            raise InvalidValueError(
                "This attribution is to whole positions, and says nothing of channels. Use "
                "units='channels'."
            )
        positions = tuple(range(self.values.ndim - 1))
        return self.values.sum(positions, dtype=np.float64).astype(np.float32)

    def neurons(self, top: int = 10) -> list[Neuron]:
        """The neurons that did most, for or against, the strongest first; none that did nothing.

        Raises
        ------
        InvalidValueError : it is not of neurons, or `top` is not positive.
        """
        if not (self.of_positions and self.of_channels):
            raise InvalidValueError(
                f"This attribution is to {'positions' if self.of_positions else 'channels'}, not "
                "to neurons."
            )
        flat = self.values.ravel()
        strongest = np.argsort(-np.abs(flat), kind="stable")[: _count(top)]
        places = np.stack(np.unravel_index(strongest, self.values.shape), -1).tolist()
        return [
            Neuron(tuple(position), channel, float(flat[i]))
            for i, (*position, channel) in zip(strongest, places, strict=True)
            if flat[i]
        ]

    def top(self, n: int = 3) -> Channels:
        """The channels that argue most for the score, and against it.

        Parameters
        ----------
        n : at most so many of each.

        Raises
        ------
        InvalidValueError : it is of positions only, or `n` is not positive.
        """
        channels, n = self.channels(), _count(n)
        order = np.argsort(-channels, kind="stable")

        def pairs(indices: Sequence[int]) -> list[tuple[int, float]]:
            return [(int(c), float(channels[c])) for c in indices]

        return Channels(
            pairs([c for c in order[:n] if channels[c] > 0]),
            pairs([c for c in order[::-1][:n] if channels[c] < 0]),
        )

    def groups(self, groups: Any) -> GroupAttribution:
        """What each member of a basis did, and what none of them explains.

        Activations are a sum of the members' directions and a remainder, the mean of groups that
        have one included; each term has its own share of the attribution ("The Building Blocks of
        Interpretability", Distill 2018). How much of a member is where is what `coefficients` of
        the groups tells: of `NeuronGroups` of this image, their maps. A baseline other than zero is
        such a sum too, and taken off.

        Parameters
        ----------
        groups : a `Basis` of this layer, `NeuronGroups`, or what has a basis as `.basis`.

        Returns
        -------
        Effects that, with the rest, add up to the total.

        Raises
        ------
        InvalidValueError : the method does not have effective weights, or the basis is of another
            layer or number of channels.
        InvalidTypeError : not a basis.
        """
        basis = basis_of(groups, self.layer, self.activations.shape[-1])
        if self.gradient is None:
            raise InvalidValueError(
                f"The method {self.method!r} has no effective weights to share among groups. Use "
                "'linear', 'path' or 'smoothed'; ablate_groups measures groups."
            )
        coefficients = coefficients_of(groups, self.activations).astype(np.float64)
        if self.baseline.any():
            coefficients -= coefficients_of(groups, self.baseline)
        per_unit = self.gradient.astype(np.float64) @ basis.directions.T.astype(np.float64)
        spatial = coefficients * per_unit
        effects = spatial.reshape(-1, len(basis.names)).sum(0)
        return GroupAttribution(
            tuple(basis.names), effects, self.total - float(effects.sum()), spatial
        )


def basis_of(groups: Any, layer: str, depth: int) -> Any:
    """The basis that is meant, if it is one of `layer`, which has `depth` channels.

    Raises
    ------
    InvalidValueError : it is of another layer or number of channels.
    InvalidTypeError : not a basis.
    """
    basis = getattr(groups, "basis", groups)
    if not hasattr(basis, "directions") or not hasattr(basis, "coefficients"):
        raise InvalidTypeError(
            f"Groups are a Basis, or what has one, such as NeuronGroups; got {type(groups)}."
        )
    if basis.layer != layer:
        raise InvalidValueError(f"The groups are of {basis.layer!r}, the attribution of {layer!r}.")
    if basis.directions.shape[-1] != depth:
        raise InvalidValueError(
            f"The groups' directions have {basis.directions.shape[-1]} channels; {layer!r} has "
            f"{depth}."
        )
    return basis


def coefficients_of(groups: Any, activations: np.ndarray) -> np.ndarray:
    """How much of each member is in activations `[..., C]`: float32 `[..., K]`."""
    # Groups know their maps, which no basis does.
    own = getattr(groups, "coefficients", None)
    return (own if callable(own) else groups.basis.coefficients)(activations)


def _count(n: int) -> int:
    if n < 1:
        raise InvalidValueError(f"At least 1 can be asked for, not {n}.")
    return n
