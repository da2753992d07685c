"""Helpers for model files, at Lucid's import path."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from lucidx.misc.io import load
from lucidx.modelzoo import graphs


def load_text_labels(labels_path: str | Path) -> list[str]:
    """The lines of a text file."""
    return load(labels_path, split=True)


def load_graphdef(model_url: str | Path, reset_device: bool = True) -> graphs.GraphDef:
    """The GraphDef in a .pb file.

    Parameters
    ----------
    model_url : path of the file.
    reset_device : forget on which device each node was placed.

    Raises
    ------
    WeightsNotFoundError, CorruptFileError
    """
    graph_def = graphs.read_graphdef(model_url)
    if reset_device:
        for node in graph_def.node:
            node.device = ""
    return graph_def


def forget_xy(t: tf.Tensor) -> tf.Tensor:
    """The same images `[N, H, W, C]` with H and W statically unknown."""
    return tf.compat.v1.placeholder_with_default(t, (t.shape[0], None, None, t.shape[3]))
