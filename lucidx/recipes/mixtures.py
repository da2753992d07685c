"""Several objectives at once: in images of their own, of a size that suits all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import tensorflow as tf

from lucidx.arguments import whole
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import ascent, defaults
from lucidx.optvis.expressions import Expression, T, as_expression
from lucidx.optvis.objectives import Objective
from lucidx.optvis.objectives_util import _T_handle_batch

Transforms = Sequence[Callable[[tf.Tensor], tf.Tensor]]


def in_image(objective: Callable[[T], Any], n: int) -> Objective:
    """The objective for image n of a batch, as if that were alone.

    Parameters
    ----------
    objective : for a batch of one image.
    n : index of the image.
    """
    alone = as_expression(objective)

    def build(T: T, values: tuple[Any, ...]) -> Any:
        return alone.build(_T_handle_batch(T, n), values)

    key = None if alone.key is None else ("in image", n, alone.key)
    name, description = (getattr(objective, a, "") for a in ("name", "description"))
    return Objective(Expression(build, alone.values, key), name, description)


def layers_of(model: Model, objectives: Iterable[Callable[[T], Any]]) -> list[str]:
    """Names of the layers that objectives read, after a trial of each.

    Raises
    ------
    UnknownLayerError, InvalidValueError, InvalidTypeError : one of them cannot work.
    """
    spec = tf.TensorSpec([1, None, None, model.image_shape[-1]], tf.float32)
    return [name for each in objectives for name in ascent.layers_read(model, each, spec)]


def suited(
    model: Model, layers: Sequence[str], size: int | None
) -> tuple[tuple[int, int], Transforms]:
    """Width and height of images for layers, and the transforms.

    Parameters
    ----------
    size : both; by default what `defaults.size_for` says.

    Raises
    ------
    InvalidValueError, InvalidTypeError : no size for an image.
    """
    sides = defaults.size_for(model, layers) if size is None else (whole("size", size, 2),) * 2
    return sides, defaults.transforms_for(model, layers)
