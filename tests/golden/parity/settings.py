"""The three settings in which one and the same function has to compute the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

Result = tuple[np.ndarray, list[np.ndarray]]
Setting = Callable[[Callable[..., tf.Tensor], Sequence[np.ndarray], np.ndarray | None], Result]
tf1 = tf.compat.v1


def eager(f, inputs, cotangent=None) -> Result:
    """Run `f` eagerly under a GradientTape."""
    tensors = [tf.constant(x) for x in inputs]
    out, gradients = _on_tape(f, tensors, cotangent)
    return out.numpy(), [g.numpy() for g in gradients]


def traced(f, inputs, cotangent=None) -> Result:
    """Run `f`, and the GradientTape around it, inside a tf.function."""
    run = tf.function(lambda *tensors: _on_tape(f, tensors, cotangent))
    out, gradients = run(*[tf.constant(x) for x in inputs])
    return out.numpy(), [g.numpy() for g in gradients]


def v1_graph(f, inputs, cotangent=None) -> Result:
    """Build `f` and its tf.gradients in a tf.Graph, run them in a Session."""
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = [tf1.placeholder(x.dtype, x.shape) for x in inputs]
        out = tf.convert_to_tensor(f(*tensors))
        gradients = tf.gradients(
            out, tensors, _as_list(cotangent), unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        session.run(tf1.global_variables_initializer())
        return session.run((out, gradients), dict(zip(tensors, inputs, strict=True)))


SETTINGS: dict[str, Setting] = {"eager": eager, "tf.function": traced, "v1 graph": v1_graph}


def in_every_setting(
    f: Callable[..., tf.Tensor],
    inputs: Sequence[np.ndarray] = (),
    cotangent: np.ndarray | None = None,
) -> Iterator[tuple[str, np.ndarray, list[np.ndarray]]]:
    """Yield for each setting its name, the value of `f(*inputs)`, and its gradients.

    Parameters
    ----------
    f : from tensors to one tensor.
    inputs : what it is called with.
    cotangent : the gradients are those of `sum(f(*inputs) * cotangent)`; ones by default.
    """
    for name, run in SETTINGS.items():
        yield name, *run(f, inputs, cotangent)


def _on_tape(f, tensors, cotangent):
    with tf.GradientTape() as tape:
        tape.watch([t for t in tensors if t.dtype.is_floating])
        out = tf.convert_to_tensor(f(*tensors))
    gradients = tape.gradient(
        out, tensors, cotangent, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    return out, gradients


def _as_list(cotangent):
    return None if cotangent is None else [tf.constant(cotangent)]
