"""Neuron groups: a layer's activations as a handful of directions, each with a map of places.

"The Building Blocks of Interpretability" (Distill 2018): activations `[positions, C]` are about
`spatial [positions, K] @ directions [K, C]`. Directions can be drawn; maps say where they are.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lucidx.attribution.feeding import channels_last
from lucidx.basis import Basis
from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.factorization import factors
from lucidx.factorization.channel_reducer import NONNEGATIVE
from lucidx.factorization.signs import check_adds
from lucidx.modelzoo import model_io

if TYPE_CHECKING:
    from lucidx.modelzoo.layer import Layer
    from lucidx.modelzoo.vision_base import Model

_SAME = 1e-4  # relative to the highest; activations computed with other code differ by less


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class NeuronGroups:
    """Groups of neurons that are active together; an immutable value.

    `activations` are about `spatial @ directions + mean`. Groups go from left to right, by where
    the middle of their mass is in the images.

    Attributes
    ----------
    basis : the groups' directions in the layer, of length 1.
    spatial : float32 `[N, h, w, K]`, how much of each group is at each position, in units of
        activation; not negative for NMF and k-means.
    mean : float32 `[C]`, what the method takes off the activations first; 0 for NMF and k-means.
    activations : float32 `[N, h, w, C]`, what was grouped; h and w are 1 for layers `[N, C]`.
    error : norm of what the groups leave of the activations, relative to the activations' own
        (Frobenius): 0 is perfect.
    """

    basis: Basis
    spatial: np.ndarray
    mean: np.ndarray
    activations: np.ndarray
    error: float

    def __post_init__(self):
        for array in (self.spatial, self.mean, self.activations):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.basis)

    def __repr__(self) -> str:
        return f"<NeuronGroups: {len(self)} in {self.layer!r}, error {self.error:.2f}>"

    @property
    def layer(self) -> str:
        """Name of the layer."""
        return self.basis.layer

    @property
    def directions(self) -> np.ndarray:
        """Float32 `[K, C]`, of length 1."""
        return self.basis.directions

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the groups."""
        return self.basis.names

    @functools.cached_property
    def columns(self) -> np.ndarray:
        """Where in its images each group is: `[K]` from 0, all left, to 1, all right."""
        return _columns(self.spatial)

    def coefficients(self, activations: np.ndarray) -> np.ndarray:
        """How much of each group is in activations of the layer.

        In those that were grouped, what `spatial` says. Others are taken apart alike: by k-means
        each position has the group with the nearest centre, by NMF they are sums
        (`Basis.coefficients`), and by other methods sums after the mean is taken off.

        Parameters
        ----------
        activations : `[..., C]`; those that were grouped are known of one image or of all.

        Returns
        -------
        float32 `[..., K]`.

        Raises
        ------
        InvalidValueError : another number of channels, or not finite.
        """
        activations = np.asarray(activations, np.float32)
        known = [
            (self.activations, self.spatial),
            *zip(self.activations, self.spatial, strict=True),
        ]
        for grouped, spatial in known:
            if _same(activations, grouped):
                return spatial.reshape(*activations.shape[:-1], len(self))
        sums = self.basis.coefficients(activations)
        if self.basis.origin.get("method") == factors.CLUSTERS:
            return self._clusters(activations)
        return sums - self.basis.coefficients(self.mean)

    def _clusters(self, activations: np.ndarray) -> np.ndarray:
        lengths = self.spatial.max((0, 1, 2))  # of the centres
        # Distances up to what is the same for all centres.
        along = activations @ self.directions.T * lengths - lengths**2 / 2
        return np.eye(len(self), dtype=np.float32)[along.argmax(-1)] * lengths


def neuron_groups(
    model: Model,
    images: np.ndarray,
    layer: str | Layer,
    n_groups: int = 6,
    method: str = "NMF",
    *,
    attribution: Any = None,
    seed: int = 0,
) -> NeuronGroups:
    """Group the neurons of a layer that are active together in one image or in many.

    Parameters
    ----------
    model : whose layer it is.
    images : one image `[H, W, C]` or several `[N, H, W, C]`: RGB, floats in 0..1 or uint8.
    layer : layer with activations `[N, H, W, C]`; or `[N, C]`, with many images.
    n_groups : at most as many as the layer has channels, and the images positions in it.
    method : "NMF", for layers that are not negative, such as those behind a ReLU; the name of
        another class of `sklearn.decomposition`, such as "PCA"; or "KMeans", where each position
        is in one group.
    attribution : group what made a decision rather than all that is active. An `Attribution` at
        this layer, or a list of them, one per image; or an array like the activations. NMF finds
        the directions in the attributions that speak for it and, apart, in those against
        ("Understanding RL Vision", Distill 2020); the maps then say where these are in the
        activations. Effects on the decision come out larger and more apart than without, and more
        of the activations is left over. For NMF only.
    seed : decides everything random.

    Raises
    ------
    InvalidValueError : more groups than channels or positions; activations that the method cannot
        group; an unknown method; or an attribution of another shape.
    UnknownLayerError : the model has no such layer.
    """
    given = prepare(model, images, layer, method, attribution)
    number = given.checked(n_groups)
    found = factors.take_apart(given.rows, number, method, seed, given.attributed)
    origin = {
        "made_by": "neuron_groups",
        "model": model.name,
        "method": method,
        "attribution": attribution is not None,
        "seed": seed,
    }
    return as_groups(given.layer, given.activations, found, origin)


class Prepared(NamedTuple):
    """What is to be grouped.

    Attributes
    ----------
    layer : name of the layer.
    activations : `[N, h, w, C]`.
    attributed : rows `[M, C]` to find the directions in, if not in the activations.
    """

    layer: str
    activations: np.ndarray
    attributed: np.ndarray | None

    @property
    def rows(self) -> np.ndarray:
        """The activations as `[M, C]`, one row per position."""
        return self.activations.reshape(-1, self.activations.shape[-1])

    def checked(self, number: Any) -> int:
        """A number of groups that is possible.

        Raises
        ------
        InvalidTypeError, InvalidValueError
        """
        return _checked_number(number, self.activations, self.layer)


def prepare(
    model: Model,
    images: np.ndarray,
    layer: str | Layer,
    method: str,
    attribution: Any,
    way_out: str = "Or group by method='PCA', which also subtracts.",
) -> Prepared:
    """What `neuron_groups` is to group; raises what it raises.

    Parameters
    ----------
    way_out : of negative activations, which the caller has: a sentence.
    model, images, layer, method, attribution : as for `neuron_groups`.
    """
    factors.check_method(method)
    acts = activations_of(model, images, layer)
    layer = getattr(layer, "name", layer)
    if method in NONNEGATIVE:
        check_adds(model, layer, acts, method, way_out)
    attributed = None if attribution is None else _as_attributed(attribution, acts, method)
    return Prepared(layer, acts, attributed)


def activations_of(model: Model, images: np.ndarray, layer: str | Layer) -> np.ndarray:
    """Activations `[N, h, w, C]`, float32, of one image or several.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError : the layer is of another form, or not finite, or 0 everywhere.
    """
    layer = getattr(layer, "name", layer)
    acts = model.activations(model_io.as_images(model, images), layer)
    acts = as_nhwc(model, layer, acts)
    if acts.ndim != 4:
        raise InvalidValueError(
            f"Groups are found in layers [N, H, W, C] or [N, C]; {layer!r} of {model.name} is "
            f"{acts.shape}."
        )
    if not np.isfinite(acts).all():
        raise InvalidValueError(f"{layer!r} of {model.name} is not finite for these images.")
    if not acts.any():
        raise InvalidValueError(
            f"{layer!r} of {model.name} is 0 everywhere for these images: there is nothing to "
            "group. lucidx.diagnose(model) looks for reasons."
        )
    return acts


def as_nhwc(model: Model, layer: str, acts: np.ndarray) -> np.ndarray:
    """Activations of a layer, which may be dense or have channels first, as `[N, h, w, C]`."""
    if acts.ndim == 2:
        return acts[:, np.newaxis, np.newaxis]
    return channels_last(model, layer, acts)


def as_groups(
    layer: str, acts: np.ndarray, found: factors.Factors, origin: Mapping[str, Any]
) -> NeuronGroups:
    """Groups of length 1 from left to right, from factors of activations `[N, h, w, C]`.

    Raises
    ------
    InvalidValueError : a group has no direction.
    """
    lengths = np.linalg.norm(found.directions, axis=1)
    alive = np.isfinite(lengths) & (lengths > 1e-6 * lengths.max())
    if not alive.all():
        raise InvalidValueError(
            f"Of {len(alive)} groups in {layer!r}, {(~alive).sum()} stand for activations of 0 and "
            "have no direction. Ask for another number of groups; with k-means, where positions at "
            "which nothing is active are a group of their own, for method='NMF'."
        )
    directions = found.directions / lengths[:, np.newaxis]
    spatial = (found.spatial * lengths).reshape(*acts.shape[:3], -1)
    order = np.argsort(_columns(spatial), kind="stable")
    basis = Basis(
        layer,
        directions[order],
        tuple(f"group {k}" for k in range(len(order))),
        origin,
        nonnegative=origin["method"] in NONNEGATIVE,
    )
    error = factors.relative_error(acts.reshape(-1, acts.shape[-1]), found)
    spatial = np.ascontiguousarray(spatial[..., order], np.float32)
    mean = found.mean.astype(np.float32)
    return NeuronGroups(basis, spatial, mean, acts, error)


def _same(some: np.ndarray, others: np.ndarray) -> bool:
    """Whether activations are those, but for axes of length 1."""
    if some.size != others.size or some.shape[-1:] != others.shape[-1:]:
        return False
    differences = np.abs(some.reshape(others.shape) - others)
    return bool(differences.max() <= _SAME * np.abs(others).max())


def _columns(spatial: np.ndarray) -> np.ndarray:
    mass = np.abs(spatial).sum((0, 1), dtype=np.float64)
    columns = np.linspace(0, 1, len(mass)) if len(mass) > 1 else np.array([0.5])
    total = mass.sum(0)
    # A group that is nowhere comes last.
    return np.where(total > 0, columns @ mass / np.where(total > 0, total, 1), 1)


def _checked_number(n_groups: Any, acts: np.ndarray, layer: str) -> int:
    try:
        number = operator.index(n_groups)
    except TypeError:
        raise InvalidTypeError(f"n_groups is a whole number, not {n_groups!r}.") from None
    channels, positions = acts.shape[-1], int(np.prod(acts.shape[:3]))
    if not 1 <= number <= min(channels, positions):
        raise InvalidValueError(
            f"In {layer!r}, with {channels} channels and {positions} positions in the images, "
            f"there can be 1 to {min(channels, positions)} groups, not {number}."
        )
    return number


def _as_attributed(attribution: Any, acts: np.ndarray, method: str) -> np.ndarray:
    """Rows `[2 M, C]`: what of an attribution speaks for a decision, and what against."""
    if method not in NONNEGATIVE:
        raise InvalidValueError(f"Attribution goes with method='NMF', not {method!r}.")
    parts = attribution if isinstance(attribution, Sequence) else [attribution]
    arrays = [np.asarray(getattr(part, "values", part), np.float32) for part in parts]
    array = np.stack(arrays) if len({a.shape for a in arrays}) == 1 else arrays[0]
    if array.size != acts.size or array.shape[-1:] != acts.shape[-1:]:
        raise InvalidValueError(
            f"An attribution has the shape of the activations, {acts.shape}; this one is "
            f"{array.shape}."
        )
    rows = array.reshape(-1, acts.shape[-1])
    if not np.isfinite(rows).all() or not rows.any():
        raise InvalidValueError("The attribution is 0 everywhere, or not finite.")
    return np.concatenate([np.maximum(rows, 0), np.maximum(-rows, 0)])
