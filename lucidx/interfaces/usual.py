"""Layers that stand for a model where none are named."""

from __future__ import annotations

import tensorflow as tf

from lucidx.errors import InvalidValueError
from lucidx.interfaces.photos import USUAL_SIDE
from lucidx.modelzoo import model_io
from lucidx.modelzoo.vision_base import Model

_ADDING = ("Relu", "Relu6", "Concat", "ConcatV2")  # nothing negative, as far as can be told
_PLACES = ((8, 0.0), (16, 0.0), (16, 0.75), (32, 0.0))  # stride, and how far into those layers
_FRACTIONS = (0.125, 0.375, 0.625, 0.875)


def usual_layers(model: Model) -> list[str]:
    """Four layers, from edges to objects: early, middle, late, and last.

    In networks that halve their grids, those are the first with an eighth of the photo's side, the
    first with a sixteenth, one late among these, and the first with a thirty-second: of InceptionV1
    mixed3a, mixed4a, mixed4d and mixed5a. Layers behind ReLUs come first, since groups need them.

    Raises
    ------
    InvalidValueError : the model names no layer with positions.
    """
    sides = _sides(model)
    adding = [name for name in sides if _made_by(model, name) in _ADDING]
    candidates = adding if len(adding) >= len(_PLACES) else list(sides)
    if not candidates:
        raise InvalidValueError(
            f"{model.name} names no layer with positions. Name layers of yours: layers=[...]."
        )
    photo = model.image_shape[0] or USUAL_SIDE
    by_stride = {
        stride: [name for name in candidates if sides[name] == -(-photo // stride)]
        for stride, _ in _PLACES
    }
    if all(by_stride.values()):
        return [_at(by_stride[stride], fraction) for stride, fraction in _PLACES]
    return [_at(candidates, fraction) for fraction in _FRACTIONS]


def _made_by(model: Model, layer: str) -> str:
    """Type of the operation that makes a layer, whatever else it is called."""
    op = model_io.skeleton(model).T(layer).op
    while op.type == "Identity":
        op = op.inputs[0].op
    return op.type


def _at(names: list[str], fraction: float) -> str:
    return names[min(int(len(names) * fraction), len(names) - 1)]


def _sides(model: Model) -> dict[str, int]:
    """Rows of the grids of the model's layers that have positions, more than one."""
    height, width, channels = model.image_shape
    shape = [1, height or USUAL_SIDE, width or USUAL_SIDE, channels]
    parts = model_io.skeleton(model)
    found = {}
    with tf.Graph().as_default():
        photo = tf.compat.v1.placeholder(tf.float32, shape)
        T = model.import_graph(photo, forget_xy_shape=False)
        for layer in model.layers:
            axis = 2 if parts.layer(layer.name).data_format == "NCHW" else 1
            known = T(layer.name).shape
            if known.rank == 4 and (known[axis] or 0) > 1:
                found[layer.name] = int(known[axis])
    return found
