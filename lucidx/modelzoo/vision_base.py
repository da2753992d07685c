"""What a model is: a frozen graph, and a small record of how to use it.

Lucid's `Model` and `Layer`. Importing this module does not import TensorFlow.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from lucidx.errors import InvalidTypeError, UnknownLayerError, did_you_mean
from lucidx.modelzoo import files, manifests
from lucidx.modelzoo.layer import Layer

if TYPE_CHECKING:
    import tensorflow as tf

    from lucidx.modelzoo.graphs import GraphDef, T

log = logging.getLogger(__name__)

IMAGENET_MEAN = np.array([123.68, 116.779, 103.939])
IMAGENET_MEAN_BGR = np.flip(IMAGENET_MEAN, 0)

_SERIALIZED = ("DynamicModel", "FrozenGraphModel", "SerializedModel")


def __getattr__(name: str) -> Any:
    # They are models, so their module needs this one.
    if name in _SERIALIZED:
        from lucidx.modelzoo import serialized

        return getattr(serialized, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Model:
    """A frozen vision network and how to feed it.

    Images are RGB in 0..1 outside a model; `image_value_range` is what 0 and 1 become inside.
    Models are equal that feed the graph of one file in the same way.

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
    _synset_ids: list[str] | None = None
    _synsets: list[Any] | None = None
    _graph_def: GraphDef | None = None
    _allow_unsafe_ops: bool = False

    # A model read from a file is that file; any other model is only itself.
    def __eq__(self, other: object) -> bool:
        if self is other or self.model_path is None or not isinstance(other, Model):
            return self is other
        return self.model_path == other.model_path and _feeding(self) == _feeding(other)

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
            self._labels = files.lines_of(self, "labels")
        return self._labels

    @property
    def synset_ids(self) -> list[str]:
        """WordNet ids of the classes, in the order of the model's outputs.

        Raises
        ------
        InvalidValueError : the model has none, or they are not on this machine.
        """
        if self._synset_ids is None:
            self._synset_ids = files.lines_of(self, "synsets")
        return self._synset_ids

    @property
    def synsets(self) -> list[Any]:
        """WordNet synsets of the classes, as nltk has them; see `lucidx.modelzoo.wordnet`.

        None for outputs that stand for no class, which have "dummy" instead of an id.

        Raises
        ------
        InvalidValueError : the model has none, or they are not on this machine.
        MissingExtraError : nltk is not installed.
        """
        if self._synsets is None:
            from lucidx.modelzoo import wordnet

            self._synsets = [
                None if synset_id == "dummy" else wordnet.synset_from_id(synset_id)
                for synset_id in self.synset_ids
            ]
        return self._synsets

    @property
    def graph_def(self) -> GraphDef:
        """The frozen graph, read when it is first needed.

        Raises
        ------
        WeightsNotFoundError, CorruptFileError, UnsafeFileError
        """
        if self._graph_def is None:
            self._graph_def = files.graph_of(self)
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

    def show_graph(self) -> None:
        """Show the nodes of the graph by name scope, in a notebook or a terminal."""
        from lucidx.misc.io.showing import graph

        graph(self.graph_def)

    def get_layer(self, name: str | Layer) -> Layer:
        """The layer of that name, or with a warning the first whose name contains it.

        Raises
        ------
        UnknownLayerError : no layer's name contains `name`; the closest are offered.
        InvalidTypeError : `name` is not a string.
        """
        name = getattr(name, "name", name)
        if not isinstance(name, str):
            raise InvalidTypeError(f"Layers are named by strings; got {name!r}.")
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
        path_or_graphdef: str | os.PathLike | GraphDef,
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
        path_or_graphdef : path, within the current `io_scope` if it is relative, or address of a
            binary .pb file; or a GraphDef, which is not changed.
        input_name : node that takes the images; may be left out if the graph has one placeholder.
        image_value_range : what 0 and 1 become inside the model, for instance `(-1, 1)` or `(0,
            255)`. Has no default: a wrong one is the commonest cause of bad pictures.
        image_shape : `(height, width, channels)`; by default the placeholder's.
        is_BGR : whether the model takes its channels in reverse order.
        labels : names of the classes, in the order of the outputs. More than there are outputs of
            the last dense layer are refused, and fewer warned of.
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
        image_value_range : as in `from_graphdef`; `(0, 255)` when the model rescales by itself.
        image_shape : `(height, width, channels)`, needed for subclassed models that were never
            called.
        name : of the model; by default the Keras model's.
        is_BGR, labels : as in `from_graphdef`.

        Raises
        ------
        InvalidTypeError : `keras_model` is no Keras 3 model.
        InvalidValueError
        """
        from lucidx.modelzoo import importing

        return importing.from_keras(
            keras_model, image_value_range, image_shape, is_BGR=is_BGR, labels=labels, name=name
        )

    @staticmethod
    def from_saved_model(
        path: str | os.PathLike,
        image_value_range: tuple[Any, Any] | None = None,
        image_shape: Sequence[int | None] | None = None,
        *,
        signature: str = "serving_default",
        is_BGR: bool = False,
        labels: Sequence[str] | None = None,
        name: str | None = None,
        allow_unsafe_ops: bool = False,
    ) -> Model:
        """Model from a TensorFlow SavedModel: of Keras' `export`, `tf.saved_model.save`, or TF1.

        Nothing of it is run: its weights are read from its checkpoint and put into its graph, once
        the operations of that are found to be pure computation.

        Parameters
        ----------
        path : directory with saved_model.pb.
        image_shape : `(height, width, channels)`; by default the signature's.
        signature : which of the model's functions to take: one with images `[N, H, W, C]`, floats
            or uint8, as its only input. The layer of an output has its key as name.
        name : of the model; by default the directory's.
        image_value_range, is_BGR, labels, allow_unsafe_ops : as in `from_graphdef`.

        Raises
        ------
        WeightsNotFoundError, CorruptFileError, UnsafeFileError, InvalidValueError
        """
        from lucidx.modelzoo import saved_model

        return saved_model.from_saved_model(
            path,
            image_value_range,
            image_shape,
            signature=signature,
            is_BGR=is_BGR,
            labels=labels,
            name=name,
            allow_unsafe_ops=allow_unsafe_ops,
        )

    @staticmethod
    def suggest_save_args(graph_def: GraphDef | None = None) -> dict[str, Any]:
        """What `Model.save` may need to be told of a graph, printed as a call to fill in.

        Parameters
        ----------
        graph_def : by default the default graph's.

        Returns
        -------
        "input_name", "image_shape", "output_names" and "image_value_range"; None where the graph
        does not tell, of which a UserWarning says why.
        """
        from lucidx.modelzoo import saving

        return saving.suggest_save_args(graph_def)

    @staticmethod
    def save(
        save_url: str | os.PathLike | IO[bytes],
        input_name: str,
        output_names: str | Sequence[str],
        image_shape: Sequence[int | None],
        image_value_range: tuple[Any, Any],
        *,
        is_BGR: bool = False,
        labels: Sequence[str] | None = None,
        layers: Sequence[str | Mapping[str, Any] | Layer] | None = None,
        name: str | None = None,
    ) -> None:
        """Save the default graph, with its variables' values in the default session, as a model.

        The file is a frozen graph that says how to use it, for `Model.load`, and for Lucid's. It
        appears complete or not at all. To save a model of lucidx, use `export`.

        Parameters
        ----------
        save_url : path of a .pb file.
        input_name : node that takes the images, or that has made float32 images of what came in.
        output_names : nodes to compute; what they do not need is not saved.
        image_shape : `(height, width, channels)`, None where any size will do.
        image_value_range : what 0 and 1 become inside the model, each a number or one number per
            channel.
        is_BGR : whether the network takes its channels in reverse order. What is saved takes RGB
            and reverses it, for Lucid knows no other order.
        labels : names of the classes.
        layers : the layers worth looking at: nodes' names, dictionaries with "name", "depth" and
            "tags", or `Layer`s. By default they are found in the graph when it is loaded.
        name : of the model.

        Raises
        ------
        InvalidValueError, InvalidTypeError : an argument cannot be right; or (as a RuntimeError)
            there is no default session, or nothing in the default graph.
        UnknownLayerError : the graph has no node of such a name.
        """
        from lucidx.modelzoo import saving

        saving.save(
            save_url,
            input_name,
            output_names,
            image_shape,
            image_value_range,
            is_BGR=is_BGR,
            labels=labels,
            layers=layers,
            name=name,
        )

    def export(self, path: str | os.PathLike | IO[bytes]) -> None:
        """Save this model to a .pb file, from which `Model.load`, or Lucid, makes one like it.

        The file holds graph, weights, labels, layers and all that is said here of the model. What
        is loaded computes the same; it takes RGB, which its graph reverses if this model takes BGR.

        Raises
        ------
        InvalidValueError : `path` is not that of a .pb file.
        """
        from lucidx.modelzoo import saving

        saving.export(self, path)

    @staticmethod
    def load(url: str | os.PathLike, *, allow_unsafe_ops: bool = False) -> Model:
        """Model that was saved by `Model.save` or `export`, by lucidx or by Lucid.

        Parameters
        ----------
        url : path, within the current `io_scope` if it is relative, or address (https, http, gs),
            of the .pb file or of a .json manifest.
        allow_unsafe_ops : import the graph even if it may read files or run other code.

        Raises
        ------
        InvalidValueError : the file is of another kind, or does not say how to use it.
        WeightsNotFoundError, CorruptFileError, UnsafeFileError, DownloadError
        """
        from lucidx.modelzoo import serialized

        return serialized.load(url, allow_unsafe_ops)

    @staticmethod
    def load_from_graphdef(
        graphdef_url: str | os.PathLike, *, allow_unsafe_ops: bool = False
    ) -> Model:
        """Model from a .pb file that says how to use it; see `load`."""
        from lucidx.modelzoo import serialized

        return serialized.load_from_graphdef(graphdef_url, allow_unsafe_ops)

    @staticmethod
    def load_from_metadata(
        model_url: str | os.PathLike,
        metadata: Mapping[str, Any],
        *,
        allow_unsafe_ops: bool = False,
    ) -> Model:
        """Model from a .pb file and what to know of it.

        Parameters
        ----------
        model_url : path or address of the file.
        metadata : "input_name", "image_shape" and "image_value_range", and as may be "is_BGR",
            "labels", "synset_ids", "layers", "dataset" and "name". Others are passed over.
        allow_unsafe_ops : import the graph even if it may read files or run other code.

        Raises
        ------
        CorruptFileError : something is missing or impossible.
        """
        from lucidx.modelzoo import serialized

        return serialized.load_from_metadata(model_url, metadata, allow_unsafe_ops)

    @staticmethod
    def load_from_manifest(
        manifest_url: str | os.PathLike, *, allow_unsafe_ops: bool = False
    ) -> Model:
        """Model from a JSON file beside its graph; see `FrozenGraphModel` for what that says.

        Parameters
        ----------
        manifest_url : path or address of the file.
        allow_unsafe_ops : import the graph even if it may read files or run other code.

        Raises
        ------
        InvalidValueError : the file cannot be read, or its "type" is not "frozen".
        CorruptFileError : something is missing or impossible.
        """
        from lucidx.modelzoo import serialized

        return serialized.load_from_manifest(manifest_url, allow_unsafe_ops)

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


def _feeding(model: Model) -> tuple[Any, ...]:
    bounds = [np.asarray(bound, np.float32).tolist() for bound in model.image_value_range]
    return (model.input_name, model.is_BGR is True, *bounds)
