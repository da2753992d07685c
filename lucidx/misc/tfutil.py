"""Sessions as TensorFlow 1 had them."""

from __future__ import annotations

import tensorflow as tf


def create_session(target: str = "", timeout_sec: float = 10) -> tf.compat.v1.InteractiveSession:
    """Begin an empty graph and a session on it; both are the default ones until `close()`.

    Parameters
    ----------
    target : execution engine to connect to; this process by default.
    timeout_sec : seconds that one call of `run` may take; 0 for any time. The default is short for
        large networks without a GPU.

    Returns
    -------
    Session whose graph is `session.graph`. GPU memory is taken as it is needed.
    """
    config = tf.compat.v1.ConfigProto(
        operation_timeout_in_ms=int(timeout_sec * 1000),
        gpu_options=tf.compat.v1.GPUOptions(allow_growth=True),
    )
    return tf.compat.v1.InteractiveSession(target, graph=tf.Graph(), config=config)
