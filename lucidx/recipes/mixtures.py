"""Several objectives at once: in images of their own, of a size that suits all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import tensorflow as tf

from lucidx.arguments import whole
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import ascent, defaults, objectives
from lucidx.optvis.expressions import Expression, T, as_expression, combine
from lucidx.optvis.objectives import Objective, wrap_objective
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


def each(goals: Sequence[Callable[[T], Any]]) -> Objective:
    """One number for each objective; what is maximised is their sum."""
    parts = [as_expression(goal) for goal in goals]
    return Objective(combine("stack", lambda *values: tf.stack(values), parts), "each")


def sparing(objective: Objective, n: int) -> Objective:
    """The objective, with as little opacity in image n of a batch `[N, H, W, 4]` as it takes.

    "Differentiable Image Parameterizations" (Mordvintsev et al., Distill 2018), the section on
    transparency.
    """
    return objective * (1 - _opacity(batch=n)) - 0.1 * _change_of_opacity(batch=n)


@wrap_objective(handle_batch=True, traced=())
def _opacity() -> Objective:
    return lambda T: tf.reduce_mean(T("input")[..., 3])


@wrap_objective(handle_batch=True, traced=())
def _change_of_opacity() -> Objective:
    return objectives.blur_alpha_each_step()


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
