"""Caricatures: what a layer makes of an image, exaggerated."""

from __future__ import annotations

import tensorflow as tf

from lucidx.optvis.objectives import Objective, wrap_objective
from lucidx.optvis.objectives_util import dimension, static_index


@wrap_objective(traced=())
def dot_compare(layer: str, batch: int = 1, cossim_pow: float = 0) -> Objective:
    """Likeness of an image of the batch to the first one, as a layer sees them.

    Dot product of the two activations, times a power of `max(0.1, dot / |activation|)`. Only the
    norm of the optimised image's activations is divided by, so it is not quite the cosine.

    Parameters
    ----------
    layer : name of a layer.
    batch : which image of the batch to make alike.
    cossim_pow : the power.
    """

    def inner(T):
        acts = T(layer)
        n = static_index(batch, dimension(acts, 0), f"The batch of {layer!r}", "images")
        original, image = acts[0], acts[n]
        dot = tf.reduce_sum(original * image)
        likeness = dot / (1e-6 + tf.sqrt(tf.reduce_sum(image**2)))
        return dot * tf.maximum(0.1, likeness) ** cossim_pow

    return inner
