"""TensorFlow 2 as TensorFlow 1: what `import tensorflow` gives to the user's code under compat."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from lucidx.compat import contrib, default_graph, layers, missing

tf1 = tf.compat.v1

_VERSION = "1.15.5"

_SWITCHES = """
disable_control_flow_v2 disable_eager_execution disable_resource_variables disable_tensor_equality
disable_v2_behavior disable_v2_tensorshape
""".split()


def view() -> types.ModuleType:
    """A module like TensorFlow 1's: `tf.compat.v1`, with what is gone from it or differs."""
    compat = _module("tensorflow.compat", {"v2": tf}, lambda name: getattr(tf.compat, name))
    replaced = {
        "VERSION": _VERSION,
        "__version__": _VERSION,
        "compat": compat,
        "contrib": contrib,
        "enable_eager_execution": default_graph.enable_eager_execution,
        "layers": layers,
        "reset_default_graph": default_graph.reset_default_graph,
        # The view has version 1's behaviour already; the switches would be for the whole process.
        **dict.fromkeys(_SWITCHES, _already_so),
    }
    replaced["__dir__"] = lambda: sorted({*dir(tf1), *replaced})
    made = _module("tensorflow", replaced, _tensorflow1_attribute)
    compat.v1 = made
    return made


def _already_so() -> None:
    """Do nothing: this is how things are under `lucidx.compat`."""


def _module(name: str, members: Mapping[str, Any], other: Callable[[str], Any]) -> types.ModuleType:
    module = types.ModuleType(name, "TensorFlow 1, as `lucidx.compat` shows it.")
    vars(module).update(members, __path__=[], __getattr__=other)
    return module


def _tensorflow1_attribute(name: str) -> Any:
    if hasattr(tf1, name):
        return getattr(tf1, name)
    # TensorFlow's insides, such as tensorflow.python, are modules beside the public ones.
    inside = sys.modules.get(f"tensorflow.{name}")
    return inside or _report_missing(name)


_report_missing = missing.reporter("tf", dir(tf1))
