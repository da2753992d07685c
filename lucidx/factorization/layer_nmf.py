"""Lucid's LayerNMF: a layer factorized over observations, its features drawn and exemplified.

"Understanding RL Vision" (Hilton et al., Distill 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidValueError
from lucidx.factorization import patches
from lucidx.factorization.channel_reducer import ChannelReducer
from lucidx.factorization.gradients import get_acts, get_attr
from lucidx.optvis import objectives, param, render, transform

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model

_VIS_SIZE = 64
_ATTR_OPTS = {"integrate_steps": 10}
_TRANSFORMS = (transform.jitter(2),)


class TooFewObservationsError(InvalidValueError, RuntimeError):
    """More observations are needed for this picture."""


class LayerNMF:
    """Features of a layer: directions found by non-negative matrix factorization.

    Parameters
    ----------
    model : whose layer it is.
    layer_name : layer with activations `[N, H, W, C]` that are not negative.
    obses : observations `[N, H, W, C]`, floats in 0..1 or uint8.
    obses_full : the observations as examples are cut from, of any size; by default `obses`.
    features : how many; None for the layer's channels as they are.
    attr_layer_name : a later layer, to find the features in what the activations contribute to it,
        for it and against it apart, rather than in the activations.
    attr_opts : for `get_attr`.

    Attributes
    ----------
    model, layer_name, obses, obses_full, features : as given.
    acts_reduced : `[N, H, W, features]`.
    channel_dirs : `[features, C]`.
    reducer : the `ChannelReducer`; None if `features` was.
    transform, inverse_transform : functions from activations to features, and back.
    patch_h, patch_w : pixels of `obses_full` for a position of the layer.
    pad_h, pad_w : pixels around observations in `padded_obses`.
    padded_obses : observations on a checkerboard, `[N, H + 2 pad_h, W + 2 pad_w, C]`.

    Raises
    ------
    UnknownLayerError, InvalidValueError
    """

    def __init__(
        self,
        model: Model,
        layer_name: str,
        obses: np.ndarray,
        obses_full: np.ndarray | None = None,
        features: int | None = 10,
        *,
        attr_layer_name: str | None = None,
        attr_opts: Mapping[str, Any] = _ATTR_OPTS,
    ) -> None:
        self.model, self.layer_name = model, layer_name
        self.obses = obses
        self.obses_full = obses if obses_full is None else obses_full
        if len(self.obses_full) != len(obses):
            raise InvalidValueError(
                f"There are {len(obses)} observations and {len(self.obses_full)} in obses_full."
            )
        acts = get_acts(model, layer_name, obses)
        if acts.ndim != 4:
            raise InvalidValueError(
                f"Features are found in layers [N, H, W, C]; {layer_name!r} is {acts.shape}."
            )
        self.transform: Callable[[np.ndarray], np.ndarray]
        self.inverse_transform: Callable[[np.ndarray], np.ndarray]
        if features is None:
            self.reducer = None
            self.channel_dirs = np.eye(acts.shape[-1], dtype=np.float32)
            self.transform = self.inverse_transform = np.asarray
            self.acts_reduced = acts
        else:
            self.reducer = ChannelReducer(features)
            if attr_layer_name is None:
                self.acts_reduced = self.reducer.fit_transform(acts)
            else:
                attr = get_attr(model, attr_layer_name, layer_name, obses, **attr_opts)
                self.reducer.fit(np.concatenate([np.maximum(attr, 0), np.maximum(-attr, 0)]))
                self.acts_reduced = self.reducer.transform(acts)
            self.channel_dirs = self.reducer.components.astype(np.float32)
            self.transform = self.reducer.transform
            self.inverse_transform = self.reducer.inverse_transform
        self.features = self.channel_dirs.shape[0]
        full_h, full_w = self.obses_full.shape[1:3]
        self.patch_h, self.patch_w = full_h / acts.shape[1], full_w / acts.shape[2]
        self.pad_obses()

    def vis_traditional(
        self,
        feature_list: Sequence[int] | int | None = None,
        *,
        transforms: Sequence[Callable[[tf.Tensor], tf.Tensor]] = _TRANSFORMS,
        l2_coeff: float = 0.0,
        l2_layer_name: str | None = None,
    ) -> np.ndarray:
        """Feature visualizations.

        Parameters
        ----------
        feature_list : which features, by number; all by default.
        transforms : see `render_vis`.
        l2_coeff, l2_layer_name : weight of a penalty on the activations (L2) of a layer.

        Returns
        -------
        `[features, 64, 64, C]` in 0..1.

        Raises
        ------
        InvalidValueError : no such feature; or a weight without a layer.
        """
        chosen = range(self.features) if feature_list is None else np.atleast_1d(feature_list)
        chosen = [self._checked(feature) for feature in chosen]
        if bool(l2_coeff) != (l2_layer_name is not None):
            raise InvalidValueError("l2_coeff and l2_layer_name go together.")
        objective = objectives.Objective.sum(
            objectives.direction_neuron(self.layer_name, self.channel_dirs[feature], batch=n)
            for n, feature in enumerate(chosen)
        )
        if l2_layer_name is not None:
            objective -= l2_coeff * objectives.L2(l2_layer_name)
        channels = np.shape(self.obses)[-1]
        return render.render_vis(
            self.model,
            objective,
            lambda: param.image(
                _VIS_SIZE, batch=len(chosen), channels=None if channels == 3 else channels
            ),
            transforms=list(transforms),
            verbose=False,
        )[-1]

    def pad_obses(self, *, expand_mult: float = 1) -> None:
        """Make `padded_obses`, so that patches of this size around any position are whole.

        Parameters
        ----------
        expand_mult : size of patches, in positions of the layer.
        """
        self.pad_h = int(np.ceil(self.patch_h * expand_mult / 2))
        self.pad_w = int(np.ceil(self.patch_w * expand_mult / 2))
        self.padded_obses = patches.padded(self.obses_full, self.pad_h, self.pad_w)

    def get_patch(
        self, obs_index: int, pos_h: float, pos_w: float, *, expand_mult: float = 1
    ) -> np.ndarray:
        """What of an observation is around a position of the layer.

        Parameters
        ----------
        obs_index : which observation.
        pos_h, pos_w : row and column of the layer.
        expand_mult : size of the patch, in positions of the layer.

        Returns
        -------
        Floats `[h, w, C]` in 0..1.
        """
        self._pad_for(expand_mult)
        height = max(1, round(self.patch_h * expand_mult))
        width = max(1, round(self.patch_w * expand_mult))
        top = round(self.pad_h + (pos_h + 0.5) * self.patch_h - height / 2)
        left = round(self.pad_w + (pos_w + 0.5) * self.patch_w - width / 2)
        return self.padded_obses[obs_index, top : top + height, left : left + width]

    def vis_dataset(
        self,
        feature: int,
        *,
        subdiv_mult: int = 1,
        expand_mult: float = 1,
        top_frac: float = 0.1,
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the feature is strongest on, at each position of the layer.

        Parameters
        ----------
        feature : its number.
        subdiv_mult : observations per position, along each side. One is the strongest; more go
            evenly through the strongest.
        expand_mult : size of patches, in positions of the layer.
        top_frac : of all observations, those that count as the strongest.

        Returns
        -------
        Collage `[h, w, 4]`, RGBA in 0..1, its opacity the activation relative to the highest; and
        the numbers of the observations, one per cell.

        Raises
        ------
        InvalidValueError : no such feature.
        TooFewObservationsError : (a RuntimeError) fewer than a position shows.
        """
        acts = self.acts_reduced[..., self._checked(feature)]
        per_position = subdiv_mult**2
        self._check_count(per_position)
        top = max(per_position, int(np.ceil(top_frac * len(acts))))
        ranks = np.linspace(0, top - 1, per_position).round().astype(int)
        strongest = np.argsort(-acts, axis=0, kind="stable")[ranks]
        height, width = acts.shape[1:]
        # [side, side, h, w] to [h * side, w * side]
        obs_indices = (
            strongest.reshape(subdiv_mult, subdiv_mult, height, width)
            .transpose(2, 0, 3, 1)
            .reshape(height * subdiv_mult, width * subdiv_mult)
        )
        rows, columns = np.indices(obs_indices.shape) // subdiv_mult
        return self._collage(acts, obs_indices, rows, columns, expand_mult), obs_indices

    def vis_dataset_thumbnail(
        self,
        feature: int,
        *,
        num_mult: int = 1,
        expand_mult: float = 1,
        max_rep: int | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the feature is strongest on, wherever that is.

        Parameters
        ----------
        feature : its number.
        num_mult : patches along each side, each of another observation.
        expand_mult : size of patches, in positions of the layer.
        max_rep : how many observations may have their strongest position at the same place; others
            are shown at another.

        Returns
        -------
        Collage `[h, w, 4]`, RGBA in 0..1, its opacity the activation relative to the highest; and
        the numbers of the observations `[num_mult, num_mult]`.

        Raises
        ------
        InvalidValueError : no such feature.
        TooFewObservationsError : (a RuntimeError) fewer than `num_mult²`.
        """
        acts = self.acts_reduced[..., self._checked(feature)]
        self._check_count(num_mult**2)
        limit = np.inf if max_rep is None else max_rep
        rows, columns = patches.argmax_nd(acts, [1, 2], max_rep=limit, max_rep_strict=False)
        best = acts[np.arange(len(acts)), rows, columns]
        obs_indices = np.argsort(-best, kind="stable")[: num_mult**2].reshape(num_mult, num_mult)
        collage = self._collage(
            acts, obs_indices, rows[obs_indices], columns[obs_indices], expand_mult
        )
        return collage, obs_indices

    def _collage(
        self,
        acts: np.ndarray,
        obs_indices: np.ndarray,
        rows: np.ndarray,
        columns: np.ndarray,
        expand_mult: float,
    ) -> np.ndarray:
        cells = [
            [self.get_patch(*cell, expand_mult=expand_mult) for cell in zip(*line, strict=True)]
            for line in zip(obs_indices, rows, columns, strict=True)
        ]
        opacity = acts[obs_indices, rows, columns] / max(acts.max(), np.finfo(np.float32).tiny)
        return patches.collage(cells, opacity)

    def _pad_for(self, expand_mult: float) -> None:
        if (
            self.pad_h < self.patch_h * expand_mult / 2
            or self.pad_w < self.patch_w * expand_mult / 2
        ):
            self.pad_obses(expand_mult=expand_mult)

    def _checked(self, feature: int) -> int:
        if not 0 <= feature < self.features:
            raise InvalidValueError(
                f"{self.layer_name!r} has features 0 to {self.features - 1} here, not {feature}."
            )
        return int(feature)

    def _check_count(self, needed: int) -> None:
        if needed > len(self.acts_reduced):
            raise TooFewObservationsError(
                f"This shows {needed} observations at once; there are {len(self.acts_reduced)}."
            )
