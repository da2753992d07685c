"""Expanded weights: what channels of a layer are made of in an earlier layer, adjacent or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

import numpy as np

from lucidx.arguments import whole
from lucidx.attribution.feeding import INPUT, as_images
from lucidx.basis import depth_of, layer_name
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis.objectives_util import static_index
from lucidx.recipes.circuits.gates import mean_gates
from lucidx.recipes.circuits.linearizing import LinearMap, check_layers, linear_map
from lucidx.recipes.circuits.samples import sample_windows
from lucidx.recipes.rendering import window

RELUS = ("linear", "mean")
_ENLARGED = (1, 2, 4)  # how many times the model's images are enlarged for a field to fit
_NOTHING = 1e-6  # of the largest weight: rounding, outside of the receptive field


@dataclass(frozen=True, eq=False, repr=False)
class ExpandedWeights:
    """Linear weights between two layers; an immutable value.

    Attributes
    ----------
    model, layer_from, layer_to : names.
    channels : K numbers of channels of `layer_to`.
    values : float32 `[K, h, w, C]`, read-only: what one unit of each of the C channels of
        `layer_from`, at each place of the receptive field, adds to the channels of `layer_to`.
    corner : row and column of `values[:, 0, 0]` in `layer_from`, for images of `size`.
    position : row and column of the neurons in `layer_to`: its middle; None if it has no positions.
    size : height and width of the images.
    clipped : whether the field reaches the border of `layer_from`, and so may go on beyond.
    gates : by the names of rectifiers, what they were taken to multiply activations with; those
        that are not there pass all on.
    origin : how the weights were made: what JSON can express.
    """

    model: str
    layer_from: str
    layer_to: str
    channels: tuple[int, ...]
    values: np.ndarray
    corner: tuple[int, int]
    position: tuple[int, int] | None
    size: tuple[int, int]
    clipped: bool
    gates: Mapping[str, np.ndarray] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = np.array(self.values, np.float32)
        if values.ndim != 4 or len(values) != len(self.channels):
            raise InvalidValueError(
                f"Weights of {len(self.channels)} channels are [{len(self.channels)}, h, w, C]; "
                f"these have shape {values.shape}."
            )
        values.flags.writeable = False
        object.__setattr__(self, "values", values)
        for name in ("gates", "origin"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __reduce__(self) -> tuple[Any, ...]:
        # Read-only mappings cannot be pickled.
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values |= {"gates": dict(self.gates), "origin": dict(self.origin)}
        return ExpandedWeights, tuple(values.values())

    def __len__(self) -> int:
        return len(self.channels)

    def __repr__(self) -> str:
        number, height, width, depth = self.values.shape
        return (
            f"<ExpandedWeights of {number} channels of {self.layer_to!r} in {height}x{width} "
            f"places of {depth} channels of {self.layer_from!r}>"
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Of the K channels of `layer_to`, such as `"mixed4b:12"`."""
        return tuple(f"{self.layer_to}:{channel}" for channel in self.channels)

    @property
    def strengths(self) -> np.ndarray:
        """Euclidean norm of every kernel: float32 `[K, C]`."""
        return np.sqrt(np.square(self.values, dtype=np.float64).sum((1, 2))).astype(np.float32)

    @property
    def sums(self) -> np.ndarray:
        """What every channel of `layer_from` adds where it is 1 all over: float32 `[K, C]`."""
        return self.values.sum((1, 2), dtype=np.float64).astype(np.float32)

    def of(self, channel: int) -> np.ndarray:
        """Weights `[h, w, C]` of one channel of `layer_to`.

        Raises
        ------
        InvalidValueError : there are no weights of this channel.
        """
        if channel not in self.channels:
            raise InvalidValueError(
                f"There are weights of {', '.join(self.names[:5])}"
                f"{', ...' if len(self) > 5 else ''}, not of channel {channel!r}."
            )
        return self.values[self.channels.index(channel)]

    def kernel(self, channel_to: int, channel_from: int) -> np.ndarray:
        """Weights `[h, w]` of one channel of `layer_to` in one of `layer_from`.

        Raises
        ------
        InvalidValueError : there are no weights of these channels.
        """
        of_channel = self.of(channel_to)
        return of_channel[
            ..., static_index(channel_from, of_channel.shape[-1], self.layer_from, "channels")
        ]


def expanded_weights(
    model: Model,
    layer_from: str | Layer,
    layer_to: str | Layer,
    channels: Iterable[int] | int | None = None,
    *,
    size: int | None = None,
    relu: str = "linear",
    photos: np.ndarray | None = None,
) -> ExpandedWeights:
    """The weights between two layers, if everything between them were linear.

    They are the slope of the middle neurons of `layer_to` in the activations of `layer_from`, of a
    network in which ReLUs pass everything on, max pooling is average pooling, and local response
    normalization multiplies as it does with faint activations. Convolutions, averages, sums and
    batch normalization (as frozen) are linear and stay what they are. Between adjacent layers this
    is the kernel of the convolution; across several, the product of theirs, summed over all ways
    ("Zoom In", Olah et al., Distill 2020; "Visualizing Weights", Voss et al., Distill 2021). What
    passes around `layer_from`, as in residual networks, is not in it; nor are biases.

    Parameters
    ----------
    model : a model.
    layer_from : the earlier layer, or `"input"` for images RGB in 0..1.
    layer_to : the later layer, before or behind its ReLU.
    channels : numbers of channels of `layer_to`, or one; all by default.
    size : height and width of the images; by default the model's, enlarged up to four times if the
        receptive field is wider than the layer.
    relu : `"linear"`: ReLUs in between pass everything on, as in the articles. `"mean"`: each
        channel of them passes as much as it does on average over photos, which mostly predicts
        better, above all across bottlenecks; see `predictions`. Of adjacent layers it is the same.
    photos : for `"mean"`: `[N, H, W, C]`, floats in 0..1 or uint8; by default 64 windows of the two
        photos that come with scikit-learn.

    Returns
    -------
    The weights, cropped to the receptive field: to where any is not zero.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError : there is no way from one layer to the other, or what is on it has no
        constant weights, such as a softmax or a sigmoid; there is no such channel; or the network
        takes no images of this size.
    InvalidTypeError : an argument is of a kind that cannot work.
    """
    check_model(model)
    first, last = layer_name(layer_from), layer_name(layer_to)
    check_layers(model, first, last)
    if first != INPUT:
        depth_of(model, first)
    depth = depth_of(model, last)
    if channels is None:
        channels = range(depth)
    chosen = list(channels) if isinstance(channels, Iterable) else [channels]
    if not chosen:
        raise InvalidValueError("No channel is named: leave out `channels` for all of them.")
    what = f"Layer {last!r} of {model.name}"
    chosen = [static_index(channel, depth, what, "channels") for channel in chosen]
    seeds = np.eye(depth, dtype=np.float32)[chosen]
    gates = _gates(model, first, last, relu, photos)
    used, found = _fitting(model, first, last, seeds, size, gates)
    box, clipped = _field(found, seeds)
    if box is None:
        raise InvalidValueError(f"{what}: all weights of these channels in {first!r} are zero.")
    return ExpandedWeights(
        model.name,
        first,
        last,
        tuple(chosen),
        np.stack([found.slope(seed)[box] for seed in seeds]),
        (box[0].start, box[1].start),
        found.position,
        used,
        clipped,
        gates,
        {
            "method": "expanded weights",
            "model": model.name,
            "image_size": list(used),
            "relu": relu,
            "max_pooling": "average",
            "local_response_normalization": "as for faint activations",
        },
    )


def _gates(
    model: Model, first: str, last: str, relu: str, photos: np.ndarray | None
) -> dict[str, np.ndarray]:
    if relu not in RELUS:
        raise InvalidValueError(f"relu is {' or '.join(map(repr, RELUS))}, not {relu!r}.")
    if relu == "linear":
        return {}
    images = sample_windows(model) if photos is None else as_images(model, photos)
    return mean_gates(model, first, last, images)


def _fitting(
    model: Model,
    first: str,
    last: str,
    seeds: np.ndarray,
    size: int | None,
    gates: Mapping[str, np.ndarray],
) -> tuple[tuple[int, int], LinearMap]:
    """The smallest images in which a receptive field fits, or else the model's own."""
    if size is not None:
        side = whole("size", size)
        return (side, side), linear_map(model, first, last, side, side, gates)
    height, width = window(model)
    tried = []
    for times in _ENLARGED:
        enlarged = (height * times, width * times)
        try:
            found = linear_map(model, first, last, *enlarged, gates)
        except InvalidValueError:
            if not tried:
                raise
            break  # the network takes images of one size
        tried.append((enlarged, found))
        if not _field(found, seeds)[1]:
            return tried[-1]
    return tried[0]


def _field(found: LinearMap, seeds: np.ndarray) -> tuple[tuple[slice, slice] | None, bool]:
    """Where weights are not zero, and whether that reaches the border."""
    mixed = np.random.default_rng(0).uniform(0.5, 1.5, len(seeds)).astype(np.float32) @ seeds
    largest = np.abs(found.slope(mixed)).max(-1)
    rows, columns = np.nonzero(largest > _NOTHING * largest.max())
    if not len(rows):
        return None, False
    spans = [(int(at.min()), int(at.max()) + 1) for at in (rows, columns)]
    # Layers without positions see all there is.
    clipped = found.position is not None and any(
        (start == 0 or stop == length) and length > 1
        for (start, stop), length in zip(spans, found.grid, strict=True)
    )
    return (slice(*spans[0]), slice(*spans[1])), clipped
