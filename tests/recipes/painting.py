"""What TensorFlow paints with the weights of a CPPN."""

import numpy as np
import tensorflow as tf

from lucidx.optvis import param


def painted(function, width):
    """The picture of `param.cppn` with these weights, `[width, width, C]`."""
    values = iter([v for w, b in function.layers for v in (w[np.newaxis, np.newaxis], b)])

    def given(next_creator, **options):
        return next_creator(**options | {"initial_value": next(values)})

    sizes = {
        "num_output_channels": function.channels,
        "num_hidden_channels": len(function.layers[0][1]),
        "num_layers": len(function.layers) - 1,
    }
    with tf.variable_creator_scope(given):
        return param.cppn(width, **sizes).numpy()[0]
