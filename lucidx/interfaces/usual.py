"""Layers that stand for a model where none are named."""

from __future__ import annotations

from collections import Counter
from graphlib import TopologicalSorter

import tensorflow as tf

from lucidx import value_range
from lucidx.errors import InvalidValueError
from lucidx.factorization.signs import nonnegative
from lucidx.interfaces.grammar import INPUT
from lucidx.interfaces.photos import USUAL_SIDE
from lucidx.modelzoo import graphs, model_io
from lucidx.modelzoo.graph_functions import node_of
from lucidx.modelzoo.vision_base import Model

# Stride of a layer, how many layers of that stride are taken, and how far into those they are.
_PLACES = ((8, (0.0,)), (16, (0.0, 0.75)), (32, (0.0,)))
_FRACTIONS = (1 / 8, 1 / 3, 2 / 3, 7 / 8)


def usual_layers(model: Model) -> list[str]:
    """Four layers, from edges to objects: early, middle, late, and last.

    In networks that halve their grids, those are the first with an eighth of the photo's side, the
    first with a sixteenth, one late among these, and the first with a thirty-second: of InceptionV1
    mixed3a, mixed4a, mixed4d and mixed5a. Layers that all the evidence for classes passes through
    come first, since beside others some passes that their attributions do not show; and of these,
    layers behind ReLUs, whose activations are amounts. A small network may have fewer than four
    such layers, of which some are then named twice.

    Raises
    ------
    InvalidValueError : the model names no layer with positions.
    """
    rows = rows_of(model)
    if not rows:
        raise InvalidValueError(
            f"{model.name} names no layer with positions. Name layers of yours: layers=[...]."
        )
    photo = model.image_shape[0] or USUAL_SIDE
    by_stride = {
        stride: [name for name in rows if rows[name] == -(-photo // stride)]
        for stride, _ in _PLACES
    }
    if all(by_stride.values()):
        chosen = [(_best(model, by_stride[stride], len(at)), at) for stride, at in _PLACES]
        return [_at(names, fraction) for names, at in chosen for fraction in at]
    candidates = _best(model, list(rows), 2)
    return [_at(candidates, fraction) for fraction in _FRACTIONS]


def bypassed(model: Model, layer: str) -> bool:
    """Whether some of what the photo does for classes does not pass through a layer."""
    if layer == INPUT:
        return False
    cuts = model_io.skeleton(model).fact("cuts", lambda: _cuts(model))
    return graphs.tensor_of(layer) not in cuts


def _cuts(model: Model) -> set[str]:
    """Names of the tensors that all ways from the image to the class scores pass through.

    Those are the tensors through which there are as many ways as there are in all.
    """
    parts = model_io.skeleton(model)
    image = graphs.tensor_of(model.input_name)
    # Of a network without classes, the last layer stands for what it is for.
    last = graphs.tensor_of(value_range.class_scores(model) or model.layers[-1].name)
    reads = {
        node.name: [graphs.tensor_of(name) for name in node.input if not name.startswith("^")]
        for node in (*parts.graph_def.node, *parts.added)
    }
    before = {name: {node_of(tensor) for tensor in read} for name, read in reads.items()}
    order = list(TopologicalSorter(before).static_order())
    to_node: dict[str, int] = {}
    for name in order:
        ways = (to_node[node_of(t)] for t in reads.get(name, ()))
        to_node[name] = 1 if name == node_of(image) else sum(ways)
    from_tensor, from_node = Counter({last: 1}), Counter({node_of(last): 1})
    for name in reversed(order):
        for tensor in reads.get(name, ()):
            from_tensor[tensor] += from_node[name]
            from_node[node_of(tensor)] += from_node[name]
    total = to_node[node_of(last)]
    return {t for t, ways in from_tensor.items() if to_node[node_of(t)] * ways == total}


def _best(model: Model, names: list[str], number: int) -> list[str]:
    """The layers among some that are shown best, at least `number` where there are as many."""
    amounts = [name for name in names if nonnegative(model, name)]
    cuts = [name for name in names if not bypassed(model, name)]
    both = [name for name in amounts if name in cuts]
    return next((found for found in (both, cuts, amounts) if len(found) >= number), names)


def _at(names: list[str], fraction: float) -> str:
    return names[min(int(len(names) * fraction), len(names) - 1)]


def rows_of(model: Model) -> dict[str, int]:
    """Rows of the grids of the model's layers that have positions, more than one."""
    height, width, channels = model.image_shape
    shape = [1, height or USUAL_SIDE, width or USUAL_SIDE, channels]
    parts = model_io.skeleton(model)
    found = {}
    with tf.Graph().as_default():
        photo = tf.compat.v1.placeholder(tf.float32, shape)
        T = model.import_graph(photo, forget_xy_shape=False)
        for layer in model.layers:
            axis = 2 if parts.layer(layer.name).data_format == "NCHW" else 1
            known = T(layer.name).shape
            if known.rank == 4 and (known[axis] or 0) > 1:
                found[layer.name] = int(known[axis])
    return found
