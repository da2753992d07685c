"""Where rendering gets its random numbers from.

Parameterizations and transforms draw through this module. Inside `stream` (that is, inside
`render_vis`) every draw is a pure function of the run's seed, the step and the order of the draw,
so a run can be repeated, resumed and traced once. Outside, draws are TensorFlow's and numpy's
ordinary ones, as in Lucid.
"""

from __future__ import annotations

import contextlib
import contextvars
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf


class _Stream(NamedTuple):
    seed: tf.Tensor
    step: tf.Tensor
    draws: Iterator[int]

    def key(self, op_seed: int | None) -> tf.Tensor:
        run = self.seed if op_seed is None else op_seed
        key = tf.stack([tf.cast(run, tf.int64), tf.cast(self.step, tf.int64)])
        return tf.random.fold_in(key, next(self.draws))


_current: contextvars.ContextVar[_Stream | None] = contextvars.ContextVar("stream", default=None)


@contextlib.contextmanager
def stream(seed: int | tf.Tensor, step: int | tf.Tensor = 0) -> Iterator[None]:
    """Make every draw inside the block depend on nothing but `seed`, `step` and the order of draws.

    Parameters
    ----------
    seed : integer or integer scalar tensor; the run.
    step : integer or integer scalar tensor; the optimisation step.
    """
    token = _current.set(_Stream(seed, step, itertools.count()))
    try:
        yield
    finally:
        _current.reset(token)


def normal(shape: Sequence[int], seed: int | None = None) -> tf.Tensor:
    """Unit normal float32 tensor, drawn anew each time it is evaluated.

    Parameters
    ----------
    shape : of the result; may be a tensor.
    seed : repeats this draw over runs, whatever the seed of the run.
    """
    current = _current.get()
    if current is None:
        return tf.random.normal(shape, seed=seed)
    return tf.random.stateless_normal(shape, current.key(seed))


def uniform(
    shape: Sequence[int],
    minval: float | tf.Tensor = 0,
    maxval: float | tf.Tensor = 1,
    dtype: tf.DType = tf.float32,
    seed: int | None = None,
) -> tf.Tensor:
    """Uniform tensor in `[minval, maxval)`, drawn anew each time it is evaluated.

    Parameters
    ----------
    shape : of the result; may be a tensor.
    minval, maxval : bounds; integers if `dtype` is.
    dtype : float32, or an integer type.
    seed : repeats this draw over runs, whatever the seed of the run.
    """
    current = _current.get()
    if current is None:
        return tf.random.uniform(shape, minval, maxval, dtype, seed=seed)
    return tf.random.stateless_uniform(shape, current.key(seed), minval, maxval, dtype)


def initial_noise(shape: Sequence[int], sd: float, batch_axis: int = 0) -> np.ndarray:
    """Normal float32 noise to start a variable from.

    Inside `stream` with a plain integer seed, each batch entry gets noise of its own that does not
    depend on how many entries there are. Outside, numpy's global generator is used.

    Parameters
    ----------
    shape : of the variable.
    sd : standard deviation.
    batch_axis : axis of `shape` that counts batch entries.
    """
    current = _current.get()
    if current is None:
        return (sd * np.random.standard_normal(shape)).astype(np.float32)  # noqa: NPY002
    draw = next(current.draws)
    entry_shape = [*shape[:batch_axis], *shape[batch_axis + 1 :]]
    entries = [
        np.random.default_rng([int(current.seed), draw, n]).standard_normal(entry_shape)
        for n in range(shape[batch_axis])
    ]
    return (sd * np.stack(entries, batch_axis)).astype(np.float32)
