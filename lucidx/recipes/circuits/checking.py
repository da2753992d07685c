"""How well linear weights predict what the network really does."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lucidx.attribution.feeding import INPUT, as_images, channels_last
from lucidx.basis import depth_of
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Model
from lucidx.recipes.circuits.linearizing import linear_map
from lucidx.recipes.circuits.samples import sample_windows
from lucidx.recipes.circuits.weights import ExpandedWeights

_BATCH = 16


class Predictions(NamedTuple):
    """What weights predict of neurons, and what these really do.

    Attributes
    ----------
    parts : float32 `[N, K, C]`: what each of C channels of the earlier layer adds to each of K
        neurons in each of N photos, by the weights. Their sum is the prediction, but for a constant
        of each neuron.
    actual : float32 `[N, K]`: activations of the neurons.
    """

    parts: np.ndarray
    actual: np.ndarray

    def correlations(self, members: tuple[int, ...] | None = None) -> np.ndarray:
        """Correlation over photos of what is predicted and what is.

        Parameters
        ----------
        members : the earlier channels to predict from; by default all.

        Returns
        -------
        float64 `[K]` in -1..1; NaN for neurons that do the same in all photos.
        """
        parts = self.parts if members is None else self.parts[..., list(members)]
        predicted = parts.sum(-1, dtype=np.float64)
        centred = [values - values.mean(0) for values in (predicted, self.actual.astype(float))]
        above = (centred[0] * centred[1]).mean(0)
        below = np.sqrt((centred[0] ** 2).mean(0) * (centred[1] ** 2).mean(0))
        return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def predictions(
    model: Model, weights: ExpandedWeights, photos: np.ndarray | None = None
) -> Predictions:
    """What weights predict of the neurons in the middle of a layer, in photos, and what they do.

    Weights are taken anew for the size of the photos, so that fields that reach over the border of
    a photo are treated as the network treats them.

    Parameters
    ----------
    model : whose weights they are.
    weights : of some channels.
    photos : `[N, H, W, C]`, floats in 0..1 or uint8, at least three; by default 64 windows of the
        two photos that come with scikit-learn, of the model's size.

    Raises
    ------
    InvalidValueError, InvalidTypeError : too few photos or of another kind, or the weights are of
        another model.
    """
    check_model(model)
    if weights.model != model.name:
        raise InvalidValueError(f"These are weights of {weights.model}, not of {model.name}.")
    images = sample_windows(model) if photos is None else as_images(model, photos)
    if len(images) < 3:
        raise InvalidValueError(
            f"A correlation is over at least three photos; these are {len(images)}."
        )
    first, last = weights.layer_from, weights.layer_to
    found = linear_map(model, first, last, *images.shape[1:3], weights.gates)
    members = list(weights.channels)
    seeds = np.eye(depth_of(model, last), dtype=np.float32)[members]
    slopes = [found.slope(seed) for seed in seeds]
    parts, actual = [], []
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH]
        names = [last] if first == INPUT else [first, last]
        acts = {
            name: channels_last(model, name, value)
            for name, value in model.activations(batch, names).items()
        }
        earlier = (batch if first == INPUT else acts[first]).reshape(len(batch), *found.grid, -1)
        parts.append(np.stack([np.einsum("nhwc,hwc->nc", earlier, s) for s in slopes], 1))
        middle = (
            acts[last] if found.position is None else acts[last][(slice(None), *found.position)]
        )
        actual.append(middle[:, members])
    return Predictions(np.concatenate(parts), np.concatenate(actual))
