"""What a model is: a frozen graph, and a small record of how to use it.

Lucid's `Model` and `Layer`. Importing this module does not import TensorFlow.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lucidx.errors import InvalidValueError, UnknownLayerError, did_you_mean
from lucidx.modelzoo import manifests, weights

if TYPE_CHECKING:
    import tensorflow as tf

    from lucidx.modelzoo.graphs import GraphDef, T

log = logging.getLogger(__name__)

IMAGENET_MEAN = np.array([123.68, 116.779, 103.939])
IMAGENET_MEAN_BGR = np.flip(IMAGENET_MEAN, 0)
LUCID_LABELS = "gs://modelzoo/labels/"  # where Lucid keeps the files of the catalogue's `labels/`


class Layer:
    """A layer of a model: its name, its depth (number of channels), and tags such as `"conv"`."""

    width: int | None = None
    height: int | None = None
    shape: tuple[int, ...] | None = None

    def __init__(self, model_instance: Model, name: str, depth: int, tags: Iterable[str]):
        self.model_class = type(model_instance)
        self.model_name = model_instance.name
        self.name = name
        self.depth = depth
        self.tags = set(tags)

    def __getitem__(self, name: str) -> Any:
        """`layer["name"]`, for notebooks older than Lucid 0.3.1, whose layers were dictionaries."""
        if name == "type":
            warnings.warn("Use `layer.tags`.", DeprecationWarning, stacklevel=2)
            return min(self.tags)
        if name == "size":
            return self.size
        return getattr(self, name)

    @property
    def size(self) -> int:
        """Deprecated name of `depth`."""
        warnings.warn("Use `layer.depth`.", DeprecationWarning, stacklevel=2)
        return self.depth

    def __repr__(self) -> str:
        return f"Layer (belonging to {self.model_name}) <{self.name}: {self.depth}> ([{self.tags}])"

    def to_json(self) -> str:
        """The layer's name."""
        return self.name


class Model:
    """A frozen vision network and how to feed it.

    Images are RGB in 0..1 outside a model; `image_value_range` is what 0 and 1 become inside.

    Attributes
    ----------
    model_path : file of the frozen graph; for models of the catalogue, where Lucid kept it.
    labels_path, synsets_path : one label, or WordNet id, per line; None where there is none.
    dataset : what the model was trained on.
    image_value_range : `(lo, hi)`; each a number, or one number per channel in the model's order.
    image_shape : `[height, width, channels]`, None where any size will do.
    is_BGR : whether the model takes its channels in reverse order.
    input_name : node that takes the images.
    layers : the layers worth looking at, in the order of the graph.
    catalogue_name : name of its manifest; None for models that are not of the catalogue.
    """

    model_path: str | None = None
    labels_path: str | None = None
    synsets_path: str | None = None
    dataset: str | None = None
    image_value_range: tuple[Any, Any] = (-1, 1)
    image_shape: Sequence[int | None] = (None, None, 3)
    is_BGR: bool = False
    input_name: str = "input"
    layers: tuple[Layer, ...] = ()
    model_name: str | None = None

    catalogue_name: str | None = None
    _labels: list[str] | None = None
    _graph_def: GraphDef | None = None
    _allow_unsafe_ops: bool = False

    # A model read from a file is that file; any other model is only itself.
    def __eq__(self, other: object) -> bool:
        if isinstance(other, Model) and self.model_path is not None:
            return self.model_path == other.model_path
        return self is other

    def __hash__(self) -> int:
        return hash(self.model_path) if self.model_path is not None else id(self)

    def __getstate__(self) -> dict[str, Any]:
        rebuilt = {"_skeleton", "_graph_def"} if self.model_path else {"_skeleton"}
        return {k: v for k, v in self.__dict__.items() if k not in rebuilt}

    @property
    def name(self) -> str:
        """`model_name`, or the name of the class."""
        return self.model_name or type(self).__name__

    @property
    def catalogue_entry(self) -> dict[str, Any]:
        """What the catalogue says of the model; empty for models that are not of the catalogue."""
        return manifests.manifest(self.catalogue_name) if self.catalogue_name else {}

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.layers)} layers>"

    def to_json(self) -> str:
        """The model's name."""
        return self.name

    @property
    def labels(self) -> list[str]:
        """Names of the classes, in the order of the model's outputs.

        Raises
        ------
        InvalidValueError : the model has none, or they are not on this machine.
        """
        if self._labels is None:
            self._labels = _read_lines(self, self.labels_path, "labels")
        return self._labels

    @property
    def synset_ids(self) -> list[str]:
        """WordNet ids of the classes, in the order of the model's outputs.

        Raises
        ------
        InvalidValueError : the model has none, or they are not on this machine.
        """
        return _read_lines(self, self.synsets_path, "synsets")

    @property
    def graph_def(self) -> GraphDef:
        """The frozen graph, read when it is first needed.

        Raises
        ------
        WeightsNotFoundError, CorruptFileError, UnsafeFileError
        """
        if self._graph_def is None:
            self._graph_def = _load(self)
        return self._graph_def

    def load_graphdef(self) -> None:
        """Do nothing: graphs are read when they are needed. Lucid's old notebooks call it."""
        warnings.warn("Graphs are loaded when needed.", DeprecationWarning, stacklevel=2)

    def post_import(self, scope: str) -> None:
        """Add what a model needs beside its graph; called after each import with the full scope."""
        if self.catalogue_entry.get("post_import") == "concat_pre_relu":
            from lucidx.modelzoo import graphs

            graphs.add_pre_relu_concats(scope)

    def create_input(
        self, t_input: tf.Tensor | None = None, forget_xy_shape: bool = True
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Input of the model in the graph being built, and what the model makes of it.

        Parameters
        ----------
        t_input : images `[N, H, W, C]` or one image `[H, W, C]`, RGB in 0..1; a new placeholder if
            None.
        forget_xy_shape : treat H and W as unknown, so that layers that are not evaluated may be
            impossible at this size.

        Returns
        -------
        The input as given, and the images `[N, H, W, C]` in the model's value range and channel
        order.
        """
        from lucidx.modelzoo import model_io

        return model_io.create_input(self, t_input, forget_xy_shape)

    def import_graph(
        self,
        t_input: tf.Tensor | None = None,
        scope: str = "import",
        forget_xy_shape: bool = True,
        input_map: Mapping[str, tf.Tensor] | None = None,
    ) -> T:
        """Import the whole model into the graph being built: a `tf.Graph`, or a `tf.function`.

        Parameters
        ----------
        t_input, forget_xy_shape : as in `create_input`.
        scope : name scope for the model's nodes; tensors are `"<scope>/<layer>:0"`.
        input_map : further tensors of the model's graph to replace, by name.

        Returns
        -------
        T : function from a layer's name, or a tensor's such as `"split:1"`, to its tensor.

        Raises
        ------
        InvalidValueError : no graph is being built, or `scope` is in use.
        """
        from lucidx.modelzoo import model_io

        return model_io.import_graph(self, t_input, scope, forget_xy_shape, input_map)

    def function(
        self, outputs: str | Sequence[str], inputs: str | None = None, relu: str = "exact"
    ) -> Callable[[tf.Tensor], Any]:
        """Differentiable function from images, or from a hidden layer, to layers.

        Works in eager code, under gradient tapes and inside other `tf.function`s. Only the part of
        the graph between `inputs` and `outputs` is in it. Asking again gives the same function.

        Parameters
        ----------
        outputs : a layer's name, or several.
        inputs : a hidden layer at which the graph is cut; by default images `[N, H, W, C]`, RGB in
            0..1.
        relu : `"exact"`, or `"redirected"` for gradients that also pass into units that are off
            (see `lucidx.optvis.overrides.redirected_relu_grad`). Those are gradients of what is
            minimised: differentiate minus an activation to find what raises it.

        Returns
        -------
        Function of one float32 tensor, returning one tensor, or a list in the order of `outputs`.

        Raises
        ------
        UnknownLayerError, InvalidValueError
        """
        from lucidx.modelzoo import model_io

        return model_io.function(self, outputs, inputs, relu)

    def activations(
        self, images: np.ndarray, layers: str | Sequence[str], batch_size: int = 32
    ) -> np.ndarray | dict[str, np.ndarray]:
        """Activations of layers for images.

        Parameters
        ----------
        images : `[N, H, W, C]` or one image `[H, W, C]`: RGB, floats in 0..1 or uint8.
        layers : a layer's name, or several.
        batch_size : images evaluated at once.

        Returns
        -------
        Float32 `[N, ...]` (without N for one image); for several layers a dictionary of these.

        Raises
        ------
        UnknownLayerError, InvalidValueError
        """
        from lucidx.modelzoo import model_io

        return model_io.activations(self, images, layers, batch_size)

    def get_layer(self, name: str) -> Layer:
        """The layer of that name, or with a warning the first whose name contains it.

        Raises
        ------
        UnknownLayerError : no layer's name contains `name`; the closest are offered.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        for layer in self.layers:
            if name.lower() in layer.name.lower():
                log.warning("Found layer by substring: %r -> %r.", name, layer.name)
                return layer
        known = [layer.name for layer in self.layers]
        raise UnknownLayerError(f"{self.name} has no layer {name!r}. {did_you_mean(name, known)}")

    @staticmethod
    def from_graphdef(
        path_or_graphdef: str | Path | GraphDef,
        input_name: str | None = None,
        image_value_range: tuple[Any, Any] | None = None,
        image_shape: Sequence[int | None] | None = None,
        *,
        is_BGR: bool = False,
        labels: Sequence[str] | None = None,
        name: str | None = None,
        allow_unsafe_ops: bool = False,
    ) -> Model:
        """Model from a frozen TensorFlow graph.

        Parameters
        ----------
        path_or_graphdef : a binary .pb file, or a GraphDef, which is not changed.
        input_name : node that takes the images; may be left out if the graph has one placeholder.
        image_value_range : what 0 and 1 become inside the model, for instance `(-1, 1)` or `(0,
            255)`. Has no default: a wrong one is the commonest cause of bad pictures.
        image_shape : `(height, width, channels)`; by default the placeholder's.
        is_BGR : whether the model takes its channels in reverse order.
        labels : names of the classes.
        name : of the model.
        allow_unsafe_ops : import the graph even if it may read files or run other code.

        Raises
        ------
        CorruptFileError, UnsafeFileError, InvalidValueError
        """
        from lucidx.modelzoo import importing

        return importing.from_graphdef(
            path_or_graphdef,
            input_name,
            image_value_range,
            image_shape,
            is_BGR=is_BGR,
            labels=labels,
            name=name,
            allow_unsafe_ops=allow_unsafe_ops,
        )

    @staticmethod
    def from_keras(
        keras_model: Any,
        image_value_range: tuple[Any, Any] | None = None,
        image_shape: Sequence[int | None] | None = None,
        *,
        is_BGR: bool = False,
        labels: Sequence[str] | None = None,
        name: str | None = None,
    ) -> Model:
        """Model from a Keras 3 image model: functional, nested, subclassed or mixed-precision.

        Layers have their Keras names; those of a nested model are `"base/conv5"`. The weights are
        copied: training the Keras model further does not change the result.

        Parameters
        ----------
        keras_model : takes one batch of images `[N, H, W, C]`.
        image_value_range : what the Keras model expects for black and white, for instance `(0,
            255)` when it rescales by itself. Has no default: a wrong one is the commonest cause of
            bad pictures.
        image_shape : `(height, width, channels)`, needed for subclassed models that were never
            called.
        is_BGR : whether the model takes its channels in reverse order.
        labels : names of the classes.
        name : of the model; by default the Keras model's.

        Raises
        ------
        InvalidValueError
        """
        from lucidx.modelzoo import importing

        return importing.from_keras(
            keras_model, image_value_range, image_shape, is_BGR=is_BGR, labels=labels, name=name
        )

    def get_activations(
        self,
        layer: Layer | str,
        examples: Any,
        batch_size: int = 64,
        dtype: Any = None,
        ind_shape: Sequence[int] | None = None,
        center_only: bool = False,
    ) -> np.ndarray:
        """Activations of a layer for examples; see `lucidx.modelzoo.get_activations`."""
        from lucidx.modelzoo import get_activations

        return get_activations.get_activations(
            self, layer, examples, batch_size, dtype, ind_shape, center_only
        )


def _read_lines(model: Model, path: str | None, what: str) -> list[str]:
    if path is None and model.catalogue_entry.get(what):
        return list(manifests.lines(model.catalogue_entry[what]))
    if path is None:
        raise InvalidValueError(f"{model.name} has no {what}; set {what}_path to a text file.")
    known = str(path).removeprefix(LUCID_LABELS)
    if known != str(path) and known in manifests.label_files():
        return list(manifests.lines(known))
    from lucidx.misc.io import load

    return load(path, split=True)


def _load(model: Model) -> GraphDef:
    found = weights.find(model)
    from lucidx.modelzoo import graphs

    if isinstance(found, Path):
        graph_def = graphs.read_graphdef(found)
        graphs.prepare(graph_def, str(found), model._allow_unsafe_ops)
        return graph_def
    from lucidx.modelzoo import efficientnet_lite

    return efficientnet_lite.load(sha256=found["sha256"])
