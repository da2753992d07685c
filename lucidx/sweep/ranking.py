"""Which channels are the most active, for pictures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lucidx.errors import DiagnosisWarning, InvalidValueError, LucidxError
from lucidx.modelzoo import model_io
from lucidx.modelzoo.pictures import read_image

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model

USUAL_SIDE = 224  # in pixels, for models that take images of any size
_BATCH = 16


def most_active(
    model: Model, layers: Sequence[str], files: Sequence[str], number: int
) -> dict[str, list[int]]:
    """Channels with the largest mean activation over pictures and positions.

    Parameters
    ----------
    model, layers : whose channels.
    files : pictures; those that cannot be read are left out with a warning.
    number : how many of each layer; all, if it has fewer.

    Returns
    -------
    For each layer channels, the most active first; of equal ones the one with the smaller number.

    Raises
    ------
    InvalidValueError : no picture can be read, or an activation is not finite.
    """
    totals: dict[str, np.ndarray | int] = dict.fromkeys(layers, 0)
    for images in _batches(model, files):
        for layer, acts in model.activations(images, list(layers), _BATCH).items():
            if model_io.skeleton(model).layer(layer).data_format == "NCHW":
                acts = np.moveaxis(acts, 1, -1)
            each = acts.reshape(len(acts), -1, acts.shape[-1]).mean(axis=1, dtype=np.float64)
            totals[layer] = totals[layer] + each.sum(axis=0)
    for layer, total in totals.items():
        if not np.isfinite(total).all():
            raise InvalidValueError(
                f"Layer {layer!r} has activations for these pictures that are not finite: there is "
                "no most active channel. Name channels, or 'all'."
            )
    return {
        layer: np.argsort(-total, kind="stable")[:number].tolist()
        for layer, total in totals.items()
    }


def _batches(model: Model, files: Sequence[str]) -> Iterator[np.ndarray]:
    height, width, depth = model.image_shape
    shape = (height or USUAL_SIDE, width or USUAL_SIDE, depth or 3)
    images, unreadable = [], []
    for file in files:
        try:
            images.append(read_image(file, shape))
        except LucidxError:
            unreadable.append(file)
        if len(images) == _BATCH:
            yield np.stack(images)
            images = []
    if len(unreadable) == len(files):
        raise InvalidValueError(f"None of the {len(files)} pictures can be read.")
    if unreadable:
        some = ", ".join(unreadable[:5]) + (", ..." if len(unreadable) > 5 else "")
        warnings.warn(
            f"{len(unreadable)} of {len(files)} pictures cannot be read, and are left out: {some}",
            DiagnosisWarning,
            stacklevel=2,
        )
    if images:
        yield np.stack(images)
