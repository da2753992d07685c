"""The layers of TensorFlow 1's `tf.contrib.slim` that pattern networks and notebooks use."""

from lucidx.compat.contrib.framework import (
    add_arg_scope,
    arg_scope,
    get_or_create_global_step,
    get_variables,
)
from lucidx.compat.contrib.layers import (
    avg_pool2d,
    conv2d,
    dropout,
    flatten,
    fully_connected,
    instance_norm,
    l1_regularizer,
    l2_regularizer,
    max_pool2d,
    repeat,
    stack,
    variance_scaling_initializer,
    xavier_initializer,
)
from lucidx.compat.missing import reporter

__all__ = [
    "add_arg_scope",
    "arg_scope",
    "avg_pool2d",
    "conv2d",
    "dropout",
    "flatten",
    "fully_connected",
    "get_or_create_global_step",
    "get_variables",
    "instance_norm",
    "l1_regularizer",
    "l2_regularizer",
    "max_pool2d",
    "repeat",
    "stack",
    "variance_scaling_initializer",
    "xavier_initializer",
]

__getattr__ = reporter("tf.contrib.slim", __all__)
