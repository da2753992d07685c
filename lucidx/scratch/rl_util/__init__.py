"""Lucid's helpers for reinforcement learning, for `from lucidx.scratch.rl_util import *`.

As in Lucid, the star brings numpy, TensorFlow and the parts of the library that notebooks use.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.misc.channel_reducer import ChannelReducer
from lucidx.misc.io import save, show
from lucidx.misc.io.showing import _display_html, _image_url
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import objectives, param, render, transform
from lucidx.scratch.rl_util.attribution import (
    get_acts,
    get_attr,
    get_grad,
    get_grad_or_attr,
    get_multi_path_attr,
    get_paths,
    gradient_override_map,
    maxpool_override,
)
from lucidx.scratch.rl_util.joblib_wrapper import load_joblib, save_joblib
from lucidx.scratch.rl_util.nmf import LayerNMF, argmax_nd, rescale_opacity
from lucidx.scratch.rl_util.util import (
    brightness_to_opacity,
    channels_to_rgb,
    concatenate_horizontally,
    conv2d,
    get_shape,
    get_var,
    hue_to_rgb,
    norm_filter,
    zoom_to,
)
from lucidx.scratch.web import svelte as lucid_svelte

__all__ = [
    "ChannelReducer",
    "LayerNMF",
    "Model",
    "_display_html",
    "_image_url",
    "all_",
    "argmax_nd",
    "brightness_to_opacity",
    "channels_to_rgb",
    "concatenate_horizontally",
    "conv2d",
    "get_acts",
    "get_attr",
    "get_grad",
    "get_grad_or_attr",
    "get_multi_path_attr",
    "get_paths",
    "get_shape",
    "get_var",
    "gradient_override_map",
    "hue_to_rgb",
    "load_joblib",
    "lucid_svelte",
    "maxpool_override",
    "norm_filter",
    "np",
    "objectives",
    "param",
    "reload",
    "render",
    "rescale_opacity",
    "save",
    "save_joblib",
    "show",
    "tf",
    "transform",
    "zoom_to",
]


# Each after those that it imports from.
_SOURCES = [
    *(f"lucidx.factorization.{name}" for name in "gradients paths patches layer_nmf".split()),
    *(f"{__name__}.{name}" for name in "util attribution nmf joblib_wrapper".split()),
]


def all_() -> list[str]:
    """Names that `from lucidx.scratch.rl_util import *` brings."""
    return __all__


def reload(globals_dict: dict[str, Any]) -> None:
    """Import these helpers anew after their source has changed.

    That is also what `attribution` and `nmf` pass on from `lucidx.factorization`. What notebooks
    made with the old ones stays old.

    Parameters
    ----------
    globals_dict : `globals()` of the notebook, which gets the new ones.
    """
    for name in _SOURCES:
        importlib.reload(sys.modules[name])
    module = importlib.reload(sys.modules[__name__])
    globals_dict.update({name: getattr(module, name) for name in module.__all__})
