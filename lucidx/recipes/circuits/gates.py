"""How much rectifiers pass on average: which of a network's ways are mostly closed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.attribution.feeding import INPUT, channels_last
from lucidx.modelzoo import graphs, model_io
from lucidx.modelzoo.vision_base import Model

_BATCH = 8

# Slopes of rectifiers by what comes out of them.
_SLOPES: dict[str, Callable[[np.ndarray, tf.Operation], np.ndarray]] = {
    "Relu": lambda out, op: out > 0,
    "Relu6": lambda out, op: (out > 0) & (out < 6),
    "LeakyRelu": lambda out, op: np.where(out > 0, 1, op.get_attr("alpha")),
    "Elu": lambda out, op: np.where(out > 0, 1, out + 1),
}
RECTIFIERS = tuple(_SLOPES)
_JOINTS = ("Identity", "Concat", "ConcatV2")

# TensorFlow never forgets a registered gradient: it is one, and what it needs is here while traced.
GATES: ContextVar[Mapping[str, np.ndarray]] = ContextVar("gates")


def gated_grad(op: tf.Operation, grad: tf.Tensor) -> tf.Tensor:
    """Gradient of a rectifier: of one that is in `GATES`, multiplied by that; else unchanged."""
    gate = GATES.get().get(op.name.partition("import/")[2])
    return grad if gate is None else grad * tf.constant(gate, grad.dtype)


def mean_gates(model: Model, first: str, last: str, images: np.ndarray) -> dict[str, np.ndarray]:
    """Mean slope of every rectifier between two layers, for each of its channels.

    Those that the later layer itself is made by are left out: they come after all weights.

    Parameters
    ----------
    model, first, last : as in `linear_map`.
    images : `[N, H, W, C]` floats in 0..1, over which, and over all positions, means are taken.

    Returns
    -------
    By the name of the operation, float32 that can be multiplied with its activations.
    """
    parts = model_io.skeleton(model)
    cut = graphs.tensor_of(model.input_name if first == INPUT else first)
    between = graphs.prune(parts.graph_def, [last], {cut}, parts.added)
    own = _making(parts.T(last))
    names = [n.name for n in between.node if n.op in _SLOPES and n.name not in own]
    if not names:
        return {}
    evaluate = model_io.evaluator(model, names)
    totals: dict[str, Any] = dict.fromkeys(names, 0.0)
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH]
        for name, out in zip(names, evaluate(batch), strict=True):
            op = parts.T(name).op
            slopes = _SLOPES[op.type](channels_last(model, name, out), op)
            totals[name] += slopes.mean(tuple(range(1, slopes.ndim - 1))).sum(0)
    return {name: _in_layout(model, name, total / len(images)) for name, total in totals.items()}


def digest(gates: Mapping[str, np.ndarray]) -> str:
    """What tells some gates from others."""
    found = hashlib.sha256()
    for name, values in sorted(gates.items()):
        found.update(name.encode() + b"\0" + values.tobytes())
    return found.hexdigest()


def _making(t: tf.Tensor) -> set[str]:
    """Names of the rectifiers whose output, or several joined, a tensor is."""
    if t.op.type in _JOINTS:
        return set().union(*(_making(part) for part in t.op.inputs))
    return {t.op.name.removeprefix("import/")} if t.op.type in _SLOPES else set()


def _in_layout(model: Model, name: str, gate: np.ndarray) -> np.ndarray:
    gate = gate.astype(np.float32)
    nchw = model_io.skeleton(model).layer(name).data_format == "NCHW"
    return gate[:, np.newaxis, np.newaxis] if nchw else gate
