"""Running a Keras model once on a symbolic image while its layer calls are watched.

Each output of a layer is replaced by an identity of itself, on which everything downstream then
depends. Renamed to the layer's path, these identities are where activations are read, where the
graph can be cut, and where gradients arrive. Watching calls rather than reading `model.layers` is
what makes nested, subclassed and shared layers all the same case.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf


class Output(NamedTuple):
    """What a layer returned, or, as path "output", the model itself.

    Attributes
    ----------
    path : names of the layers whose calls enclose it and of the layer, joined by "/".
    index : position among the outputs of the call.
    tensor : symbolic; channels last.
    """

    path: str
    index: int
    tensor: tf.Tensor


def all_layers(keras_model: keras.Model) -> list[keras.Layer]:
    """The model and every layer in it, once each, outer ones first.

    Keras goes round in circles where a layer holds the model that holds it.
    """
    found: dict[int, keras.Layer] = {}

    def visit(layer: keras.Layer) -> None:
        if id(layer) not in found:
            found[id(layer)] = layer
            for inner in layer._flatten_layers(include_self=False, recursive=False):
                visit(inner)

    visit(keras_model)
    return list(found.values())


def all_weights(keras_model: keras.Model) -> list[keras.Variable]:
    """The variables of the model and its layers, once each."""
    weights = (
        weight
        for layer in all_layers(keras_model)
        for weight in (*layer._trainable_variables, *layer._non_trainable_variables)
    )
    return list({id(weight): weight for weight in weights}.values())


class Trace:
    """One run of a model on symbolic images, and what its layers returned.

    Parameters
    ----------
    keras_model : a built model.
    channels_first : whether its images are.
    inlined : run the bodies of `tf.function`s as part of the traced graph.

    Attributes
    ----------
    function : the model as a traced function; None before the run.
    inputs : its placeholders: one for images, float32 `[N, H, W, C]`, then one per weight.
    weights : variables of these placeholders. As inputs, they stay out of the many copies that
        freezing makes of a graph. Functions that are not inlined would remember such inputs: there
        are none then, and the function captures its variables.
    outputs : of the layers, in the order of computation.
    failed_at : path of the layer whose call failed.
    """

    def __init__(self, keras_model: keras.Model, *, channels_first: bool, inlined: bool):
        self.function: Any = None
        self.inputs: list[tf.Tensor] = []
        self.weights: list[keras.Variable] = all_weights(keras_model) if inlined else []
        self.outputs: list[Output] = []
        self.failed_at: str | None = None
        self._keras_model = keras_model
        self._channels_first = channels_first
        self._inlined = inlined
        self._enclosing: list[str] = []
        self._passed_on: list[tf.Tensor] = []

    def run(self, image_shape: Sequence[int | None]) -> None:
        """Run the model on images `[N, *image_shape]`, with N left open.

        Not safe for several threads at once: this patches `keras.Layer` and changes a global
        setting of TensorFlow.
        """
        specs = [tf.TensorSpec([None, *image_shape], tf.float32)]
        specs += [tf.TensorSpec(w.shape, w.dtype, name=w.path) for w in self.weights]
        with _functions_inlined(self._inlined), _watched(self._call_layer):
            self.function = tf.compat.v1.wrap_function(self._call_model, specs)

    def _call_model(self, *inputs: tf.Tensor) -> None:
        self.inputs = list(inputs)
        image, *values = inputs
        image = tf.transpose(image, [0, 3, 1, 2]) if self._channels_first else image
        with keras.StatelessScope(list(zip(self.weights, values, strict=True))):
            result = self._keras_model(_structured(self._keras_model, image), training=False)
        recorded = {id(tensor) for tensor in self._passed_on}
        for index, tensor in enumerate(tf.nest.flatten(result)):
            if id(tensor) not in recorded:
                self._record(tensor, "output", index)

    def _call_layer(self, layer: keras.Layer, call: Callable[[], Any]) -> Any:
        if layer is self._keras_model:
            return call()
        self._enclosing.append(layer.name)
        path = "/".join(self._enclosing)
        try:
            result = call()
        except Exception:
            self.failed_at = self.failed_at or path
            raise
        finally:
            self._enclosing.pop()
        self.failed_at = None
        # Layers that work on any format (activations, additions) keep that of the layer before.
        own_format = getattr(layer, "data_format", None)
        if own_format:
            self._channels_first = own_format == "channels_first"
        flat = [
            self._record(tensor, path, index)
            for index, tensor in enumerate(tf.nest.flatten(result))
        ]
        return tf.nest.pack_sequence_as(result, flat)

    def _record(self, tensor: Any, path: str, index: int) -> Any:
        """Record an output of a layer, and return what is passed on in its place."""
        # Layers are also called on Keras's symbolic tensors while others are being built, and in
        # the graphs of the bodies of loops.
        if not (isinstance(tensor, tf.Tensor) and tf.is_symbolic_tensor(tensor)):
            return tensor
        if tensor.graph is not self.inputs[0].graph:
            return tensor
        transposed = self._channels_first and tensor.shape.rank == 4
        node = tf.identity(tf.transpose(tensor, [0, 2, 3, 1]) if transposed else tensor)
        passed_on = tf.transpose(node, [0, 3, 1, 2]) if transposed else node
        mask = getattr(tensor, "_keras_mask", None)
        if mask is not None:
            passed_on._keras_mask = mask
        self.outputs.append(Output(path, index, node))
        self._passed_on.append(passed_on)
        return passed_on


def _structured(keras_model: keras.Model, image: tf.Tensor) -> Any:
    """`image` in the list or dictionary in which the model wants its one input."""
    try:
        return tf.nest.pack_sequence_as(keras_model.input, [image])
    except (AttributeError, ValueError):
        return image


@contextlib.contextmanager
def _watched(call_layer: Callable[[keras.Layer, Callable[[], Any]], Any]) -> Iterator[None]:
    """Send the layer calls of this thread through `call_layer`."""
    original = keras.Layer.__call__
    thread = threading.get_ident()

    def watched(self: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return original(self, *args, **kwargs)
        return call_layer(self, lambda: original(self, *args, **kwargs))

    keras.Layer.__call__ = watched
    try:
        yield
    finally:
        keras.Layer.__call__ = original


@contextlib.contextmanager
def _functions_inlined(inlined: bool) -> Iterator[None]:
    """Run the bodies of `tf.function`s, jit-compiled ones too, as part of the traced graph.

    Nothing of this trace then remains in their caches, nor do layers in earlier traces go unseen.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(inlined or before)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def node_names(outputs: Sequence[Output]) -> list[str]:
    """One name per output, in order; first outputs of first calls have the first choice."""
    first_choices = {_valid(output.path) for output in outputs if output.index == 0}
    taken = set(first_choices)
    names = []
    for path, index, _ in outputs:
        name = _valid(path)
        if index == 0 and name in first_choices:
            first_choices.remove(name)
        else:
            name = unique_name(f"{name}_output{index}" if index else name, taken)
            taken.add(name)
        names.append(name)
    return names


def _valid(path: str) -> str:
    return path if path[0].isalnum() or path[0] == "." else f"layer{path}"


def unique_name(name: str, taken: Container[str]) -> str:
    """`name`, or the first of `name_1`, `name_2`, ... that is not taken."""
    candidates = itertools.chain([name], (f"{name}_{n}" for n in itertools.count(1)))
    return next(candidate for candidate in candidates if candidate not in taken)
