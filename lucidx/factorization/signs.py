"""Which layers are never negative, as factorizations that only add need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lucidx.errors import InvalidValueError
from lucidx.modelzoo import model_io

if TYPE_CHECKING:
    import tensorflow as tf

    from lucidx.modelzoo.vision_base import Model

_RELUS = ("Relu", "Relu6", "Softplus")
_JOINTS = ("Concat", "ConcatV2")
_OFFERED = 3


class NegativeActivationsError(InvalidValueError):
    """Activations are negative, and the method only adds.

    Attributes
    ----------
    reason : why, without what the message says of ways around it.
    near : names of layers near this one that are not negative.
    """

    def __init__(self, message: str, reason: str = "", near: tuple[str, ...] = ()):
        super().__init__(message)
        self.reason = reason or message
        self.near = near


def nonnegative(model: Model, layer: str) -> bool:
    """Whether a layer is never negative, as far as what makes it tells: a ReLU, or several joined.

    Identities are looked through. Layers that only pass such values on, as pools do, do not count.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    """
    return _never_negative(model_io.skeleton(model).T(layer))


def _never_negative(t: tf.Tensor) -> bool:
    while t.op.type == "Identity":
        t = t.op.inputs[0]
    if t.op.type in _JOINTS:
        return all(map(_never_negative, (part for part in t.op.inputs if part.dtype == t.dtype)))
    return t.op.type in _RELUS


def nonnegative_near(model: Model, layer: str) -> list[str]:
    """Names of the layers in the model's list that are never negative, the closest few.

    Only layers with as many axes as this one: none without positions for one that has them.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    """
    parts = model_io.skeleton(model)
    rank = parts.layer(layer).shape.rank
    names = [known.name for known in model.layers]
    here = names.index(layer) if layer in names else len(names) // 2
    found = [
        i
        for i, name in enumerate(names)
        if name != layer and nonnegative(model, name) and parts.layer(name).shape.rank == rank
    ]
    return [names[i] for i in sorted(found, key=lambda i: abs(i - here))[:_OFFERED]]


def check_adds(
    model: Model, layer: str, activations: np.ndarray, method: str, way_out: str = ""
) -> None:
    """Refuse negative activations, for a method that makes them by adding.

    Parameters
    ----------
    model, layer : what the activations are of.
    activations : an array of any shape.
    method : what it is called.
    way_out : what else the caller could be asked for: a sentence.

    Raises
    ------
    NegativeActivationsError : offers layers near this one.
    """
    lowest = activations.min()
    if lowest >= 0:
        return
    reason = (
        f"{method} makes activations by adding, so they must not be negative; {layer!r} of "
        f"{model.name} goes down to {lowest:.4g}."
    )
    near = nonnegative_near(model, layer)
    such = f", such as {' or '.join(map(repr, near))}" if near else ""
    message = f"{reason} Take a layer behind a ReLU{such}."
    raise NegativeActivationsError(f"{message} {way_out}".rstrip(), reason, tuple(near))
