"""Saving models, as Lucid does: a frozen graph in a .pb file that also says how to use it.

The record in it has Lucid's keys, so that Lucid reads the file, and further ones that Lucid passes
over. `lucidx.modelzoo.serialized` reads them. Lucid knows no order of channels but RGB, so the
graph in a file takes that, and reverses it for a network that was trained on BGR.
"""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidValueError, UnsafeFileError
from lucidx.misc import io
from lucidx.misc.io.naming import extension_of, name_of
from lucidx.modelzoo import files, graphs, importing, model_io, util
from lucidx.modelzoo.description import (
    LayerEntry,
    as_layers,
    as_names,
    as_saved_shape,
    as_value_range,
    name_of_layer,
)
from lucidx.modelzoo.graphs import GraphDef
from lucidx.modelzoo.layer import Layer
from lucidx.modelzoo.vision_base import Model

tf1 = tf.compat.v1

# What suggest_save_args offers for what it cannot tell.
_EXAMPLES = {
    "input_name": "'input'",
    "image_shape": "[224, 224, 3]",
    "output_names": "['logits']",
    "image_value_range": "[-1, 1], [0, 1], [0, 255], or [-117, 138]",
}


def save(
    save_url: str | os.PathLike | IO[bytes],
    input_name: str,
    output_names: str | Sequence[str],
    image_shape: Sequence[int | None],
    image_value_range: tuple[Any, Any],
    *,
    is_BGR: bool,
    labels: Sequence[str] | None,
    layers: Sequence[str | Mapping[str, Any] | Layer] | None,
    name: str | None,
) -> None:
    """See `Model.save`."""
    _check_target(save_url)
    single = isinstance(output_names, str)
    outputs = as_names([output_names] if single else output_names, "output_names")
    (image,) = as_names([input_name], "input_name")
    if not outputs:
        raise InvalidValueError("output_names is empty: name the nodes to compute.")
    for node in (image, *outputs):
        if ":" in node:
            raise InvalidValueError(
                f"{node!r} is the name of a tensor. Name the node: {graphs.node_of(node)!r}."
            )
    if labels is not None:
        labels = as_names(labels, "labels")
    entries = None if layers is None else as_layers(layers)
    wanted = outputs + [graphs.node_of(name_of_layer(entry)) for entry in entries or ()]
    record = {
        **_entrance(image, image_shape, image_value_range),
        "labels": labels,
        "layers": entries and list(map(_recorded, entries)),
        "name": name,
    }
    graph_def = _entered_at(image, util.frozen_default_graph_def([image], wanted), wanted)
    _warn_of_effects(graph_def)
    if is_BGR:
        record |= _reverse_channels(graph_def, record)
    _write(save_url, graph_def, record)


def export(model: Model, path: str | os.PathLike | IO[bytes]) -> None:
    """See `Model.export`."""
    _check_target(path)
    graph_def = GraphDef()
    graph_def.CopyFrom(model.graph_def)
    # What `post_import` adds at each import of this model is part of the file.
    graph_def.node.extend(model_io.skeleton(model).added)
    graphs.check_wiring(graph_def, model.name)
    has_labels = model._labels is not None or files.has_lines(model, "labels")
    has_synsets = model._synset_ids is not None or files.has_lines(model, "synsets")
    record = {
        **_entrance(model.input_name, model.image_shape, model.image_value_range),
        "labels": model.labels if has_labels else None,
        "synset_ids": model.synset_ids if has_synsets else None,
        "layers": list(map(_recorded, as_layers(model.layers))),
        "name": model.name,
        "dataset": model.dataset,
    }
    if model.is_BGR is True:
        record |= _reverse_channels(graph_def, record)
    _write(path, graph_def, record)


def _check_target(save_url: str | os.PathLike | IO[bytes]) -> None:
    name = name_of(save_url)
    if extension_of(name) != ".pb":
        raise InvalidValueError(f"A model is saved as a .pb file, not as {name!r}.")


def _recorded(entry: str | LayerEntry) -> str | dict[str, Any]:
    if isinstance(entry, str):
        return entry
    name, depth, tags = entry
    return {"name": name, "depth": depth, "tags": sorted(tags)}


def _entrance(image: str, shape: Any, value_range: Any) -> dict[str, Any]:
    """The part of the record that Lucid reads."""
    sides = as_saved_shape(shape)
    bounds = as_value_range(value_range, sides[-1])
    return {
        "input_name": image,
        "image_shape": sides,
        "image_value_range": [np.asarray(bound).tolist() for bound in bounds],
    }


def _entered_at(image: str, graph_def: GraphDef, outputs: Sequence[str]) -> GraphDef:
    """The graph without what comes before the image, such as the reading of pictures."""
    node = next((node for node in graph_def.node if node.name == image), None)
    if node is None:
        raise InvalidValueError(
            f"{list(outputs)} do not depend on {image!r}: input_name is the node that takes images."
        )
    op = tf1.get_default_graph().get_operation_by_name(image)
    if op.type not in graphs.PLACEHOLDERS and len(op.outputs) == 1:
        (tensor,) = op.outputs
        node.Clear()
        node.name, node.op = image, "Placeholder"
        node.attr["dtype"].type = tensor.dtype.as_datatype_enum
        node.attr["shape"].shape.CopyFrom(tensor.shape.as_proto())
    importing.input_node(graph_def, image, "The default graph")
    return graphs.prune(graph_def, outputs)


def _reverse_channels(graph_def: GraphDef, record: Mapping[str, Any]) -> dict[str, Any]:
    """Give a graph that takes BGR an entrance for RGB, in place, and say how that is fed.

    The name of the node that took the images goes to the one that reverses them, so a layer of this
    name stays what it was; unless the node has further outputs that the graph needs.
    """
    image = graphs.tensor_of(record["input_name"])
    node = next(node for node in graph_def.node if node.name == graphs.node_of(image))
    taken = {node.name.partition("/")[0] for node in graph_def.node}
    entrance = next(name for i in itertools.count() if (name := f"rgb{i or ''}") not in taken)
    read = {name for name in graphs.tensors_read(graph_def) if name.startswith(f"{node.name}:")}
    if {image, *read} == {f"{node.name}:0"}:
        reversed_name = node.name
        graph_def.node.remove(node)
    else:
        reversed_name = f"{entrance}/reversed"
    with tf.Graph().as_default() as graph:
        rgb = tf1.placeholder(tf.float32, [None, *record["image_shape"]], name=entrance)
        axis = tf.constant([-1], name=f"{entrance}/axis")
        tf.reverse(rgb, axis, name=reversed_name)
    for node in graph_def.node:
        node.input[:] = [
            reversed_name if graphs.tensor_of(name) == image else name for name in node.input
        ]
    graph_def.node.extend(graph.as_graph_def().node)
    bounds = [
        bound[::-1] if isinstance(bound, list) else bound for bound in record["image_value_range"]
    ]
    return {"input_name": entrance, "image_value_range": bounds}


def _warn_of_effects(graph_def: GraphDef) -> None:
    try:
        graphs.prepare(graph_def, "The saved graph")
    except UnsafeFileError as error:
        warnings.warn(f"{error} So will have to do who loads it.", stacklevel=4)


def _write(
    save_url: str | os.PathLike | IO[bytes], graph_def: GraphDef, record: Mapping[str, Any]
) -> None:
    known = {key: value for key, value in record.items() if value is not None}
    util.infuse_metadata(graph_def, known)
    importing.check_size(graph_def, "The graph")
    io.save(graph_def, save_url)


def suggest_save_args(graph_def: GraphDef | None) -> dict[str, Any]:
    """See `Model.suggest_save_args`."""
    if graph_def is None:
        graph_def = tf1.get_default_graph().as_graph_def()
    helper = util.GraphDefHelper(graph_def)
    found: dict[str, Any] = dict.fromkeys(_EXAMPLES)
    placeholders = helper.by_op["Placeholder"]
    if len(placeholders) == 1:
        (image,) = placeholders
        found |= _guessed_entrance(helper, image)
        found["image_shape"] = _guessed_shape(image)
    else:
        names = ", ".join(repr(node.name) for node in placeholders) or "none"
        warnings.warn(
            f"Which node takes images cannot be told by the placeholders: {names}.", stacklevel=3
        )
    outputs = [node.name for node in helper.by_op["Softmax"]]
    if outputs:
        print(f"Guessed: output_names = {outputs} (the nodes that are a Softmax)")
        found["output_names"] = outputs
    else:
        warnings.warn("There is no Softmax: the outputs cannot be told.", stacklevel=3)
    print(_template(found))
    return found


def _guessed_entrance(helper: util.GraphDefHelper, image: graphs.NodeDef) -> dict[str, Any]:
    dtype = graphs.dtype_of(image)
    if dtype == tf.float32:
        print(f"Inferred: input_name = {image.name!r} (the only placeholder)")
        return {"input_name": image.name}
    kind = dtype.name if dtype else "no known type"
    print(f"The only placeholder, {image.name!r}, takes {kind}, and lucidx feeds float32.")
    near = helper.neighborhood(image, degree=5)
    divisions = [node.name for node in near if node.op == "RealDiv"]
    if not any(_is_255(node) for node in near):
        divisions = []
    if len(divisions) == 1:
        print(f"Guessed: input_name = {divisions[0]!r}, image_value_range = (0, 1) (after / 255)")
        return {"input_name": divisions[0], "image_value_range": (0, 1)}
    warnings.warn(
        f"Which node near {image.name!r} has made float images of it cannot be told; divisions "
        f"near a 255: {divisions or 'none'}.",
        stacklevel=4,
    )
    return {}


def _is_255(node: graphs.NodeDef) -> bool:
    if node.op != "Const":
        return False
    value = node.attr["value"].tensor
    return 255 in (*value.int_val, *value.float_val)


def _guessed_shape(image: graphs.NodeDef) -> list[int] | None:
    shape = image.attr["shape"].shape
    sides = [dim.size for dim in shape.dim][-3:]
    if len(shape.dim) in (3, 4) and all(side > 0 for side in sides):
        print(f"Inferred: image_shape = {sides}")
        return sides
    warnings.warn(f"{image.name!r} does not say what shape images have.", stacklevel=4)
    return None


def _template(found: Mapping[str, Any]) -> str:
    lines = [
        f"    {key}=_,  # TODO (eg. {_EXAMPLES[key]})" if value is None else f"    {key}={value!r},"
        for key, value in found.items()
    ]
    return "\n".join(["Model.save(", "    'model.pb',", *lines, ")"])
