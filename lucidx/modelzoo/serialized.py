"""Models that a file describes: saved by Lucid or lucidx, or beside a manifest.

Everything that such a file says is checked before it is used.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lucidx.errors import CorruptFileError, InvalidTypeError, InvalidValueError, LucidxError
from lucidx.misc import io
from lucidx.modelzoo import downloads, files
from lucidx.modelzoo.description import (
    LayerEntry,
    as_layers,
    as_names,
    as_saved_shape,
    as_value_range,
    check_labels,
    name_of_layer,
)
from lucidx.modelzoo.layer import Layer
from lucidx.modelzoo.vision_base import Model


class SerializedModel(Model):
    """A model that a file describes.

    Attributes
    ----------
    layers : as described; else, found in the graph when they are first asked for, the layers that
        `Model.from_graphdef` would find.
    """

    _entries: list[str | LayerEntry] | None = None
    _layers: tuple[Layer, ...] | None = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers worth looking at, in the order of the description or the graph."""
        if self._layers is None:
            self._layers = ()  # reading the graph asks for the layers known so far
            try:
                self._layers = _layers_of(self)
            except BaseException:
                self._layers = None
                raise
        return self._layers

    @layers.setter
    def layers(self, layers: tuple[Layer, ...]) -> None:
        self._layers = layers

    @property
    def layer_names(self) -> list[str]:
        """Names of the layers, in the same order."""
        if self._entries is None:
            return [layer.name for layer in self.layers]
        return list(map(name_of_layer, self._entries))

    def __repr__(self) -> str:
        return f"<{self.name}: {self.model_path}>"

    @classmethod
    def from_directory(
        cls,
        model_path: str | os.PathLike,
        manifest_path: str | os.PathLike | None = None,
        *,
        allow_unsafe_ops: bool = False,
    ) -> Model:
        """Deprecated: `Model.load` takes the path of the manifest.

        Parameters
        ----------
        model_path : directory to which the paths in the manifest are relative.
        manifest_path : by default `manifest.json` in it.
        allow_unsafe_ops : import the graph even if it may read files or run other code.

        Raises
        ------
        InvalidValueError, CorruptFileError
        """
        warnings.warn("Use Model.load(manifest).", DeprecationWarning, stacklevel=2)
        manifest = manifest_path or f"{os.fspath(model_path).rstrip('/')}/manifest.json"
        content = _read_manifest(manifest)
        return _from_manifest(model_path, content, str(manifest), allow_unsafe_ops)


class DynamicModel(SerializedModel):
    """A model that was saved by `Model.save` or `Model.export`."""


class FrozenGraphModel(SerializedModel):
    """A frozen graph beside a manifest.

    Parameters
    ----------
    model_directory : paths in the manifest that begin with "./" are relative to it; other relative
        ones to the working directory, or where nothing is there, to this one too.
    manifest : "model_path", "image_value_range", "input_name" and "image_shape" are needed.
        "layers" is a list of names, or of dictionaries with "name", "depth" and "tags". Further
        keys become attributes.
    allow_unsafe_ops : import the graph even if it may read files or run other code.

    Attributes
    ----------
    manifest : as given.

    Raises
    ------
    InvalidValueError : something is missing or impossible.
    """

    def __init__(
        self,
        model_directory: str | os.PathLike,
        manifest: Mapping[str, Any],
        *,
        allow_unsafe_ops: bool = False,
    ):
        if not isinstance(manifest, Mapping):
            raise InvalidTypeError(f"A manifest is a dictionary, not a {type(manifest).__name__}.")
        missing = [key for key in ("model_path", *_NEEDED) if manifest.get(key) is None]
        if missing:
            raise InvalidValueError(f"The manifest does not say {', '.join(missing)}.")
        self.manifest = manifest
        self._allow_unsafe_ops = allow_unsafe_ops
        for key in manifest.keys() - _CHECKS.keys() - _NOT_ATTRIBUTES:
            _set_free_attribute(self, key, manifest[key])
        _describe(self, manifest, _CHECKS)
        for key in _PATHS:
            path = getattr(self, key)
            if path is not None:
                setattr(self, key, _resolved(os.fspath(model_directory), path))
        self.model_path = str(files.local(self.model_path))


_NEEDED = ("input_name", "image_shape", "image_value_range")
_NOT_ATTRIBUTES = {"type", "layer_names", "manifest"}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidTypeError(f"it is text, not {type(value).__name__}.")
    return value


def _path(value: Any) -> str:
    try:
        encoded = os.fsencode(_text(value))
    except UnicodeEncodeError:
        encoded = b"\0"
    # What the operating system would not even look for.
    if b"\0" in encoded or max(map(len, encoded.split(b"/"))) > 255 or len(encoded) > 2000:
        raise InvalidValueError("it is not the path of a file.")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidTypeError(f"it is true or false, not {type(value).__name__}.")
    return value


# What each key means to a model: the attribute, and the check that its value has to pass.
_SAVED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "input_name": ("input_name", _text),
    "image_shape": ("image_shape", as_saved_shape),
    "image_value_range": ("image_value_range", lambda value: list(as_value_range(value))),
    "is_BGR": ("is_BGR", _truth),
    "labels": ("_labels", lambda value: as_names(value, "it")),
    "synset_ids": ("_synset_ids", lambda value: as_names(value, "it")),
    "layers": ("_entries", as_layers),
    "dataset": ("dataset", _text),
    "name": ("model_name", _text),
}
_PATHS = ("model_path", "labels_path", "synsets_path")
_CHECKS = {
    **_SAVED,
    **{key: (key, _path) for key in _PATHS},
    "model_name": ("model_name", _text),
}


def _describe(
    model: SerializedModel,
    record: Mapping[str, Any],
    checks: Mapping[str, tuple[str, Callable[[Any], Any]]],
) -> None:
    for key, (attribute, check) in checks.items():
        if record.get(key) is None:
            continue
        try:
            setattr(model, attribute, check(record[key]))
        except LucidxError as error:
            raise InvalidValueError(f"What it says of {key!r} cannot be: {error}") from error
    as_value_range(model.image_value_range, model.image_shape[-1])
    check_labels(model._labels, model._entries or (), warn=False)


def _set_free_attribute(model: FrozenGraphModel, key: Any, value: Any) -> None:
    if hasattr(FrozenGraphModel, str(key)):
        raise InvalidValueError(
            f"A manifest cannot set {key!r}, which is a part of every model. It may say "
            f"{', '.join(_CHECKS)}, and things under names of your own."
        )
    if isinstance(key, str) and key.isidentifier() and not key.startswith("_"):
        setattr(model, key, value)


def _resolved(directory: str, path: str) -> str:
    """A path of a manifest as an address, or absolute: scopes and working directories change."""
    below = f"{directory.rstrip('/')}/{path.removeprefix('./')}" if directory else path
    here, below = io.scope_url(path), io.scope_url(below)
    is_relative = not (os.path.isabs(path) or downloads.is_remote(path))
    is_only_below = is_relative and not os.path.exists(here) and os.path.exists(below)
    found = below if is_only_below or path.startswith("./") else here
    return found if downloads.is_remote(found) else str(Path(found).absolute())


def _layers_of(model: SerializedModel) -> tuple[Layer, ...]:
    entries = model._entries
    from lucidx.modelzoo import importing

    if entries is None:
        return importing.layers_of(model)
    names = [entry for entry in entries if isinstance(entry, str)]
    named = iter(importing.layers_of(model, names) if names else ())
    return tuple(
        next(named) if isinstance(entry, str) else Layer(model, *entry) for entry in entries
    )


def load(url: str | os.PathLike, allow_unsafe_ops: bool) -> Model:
    """See `Model.load`."""
    if not isinstance(url, str | os.PathLike):
        raise InvalidTypeError(f"A model is loaded by its path or address, not by {url!r}.")
    name = io.scope_url(url)
    path = urlsplit(name).path if downloads.is_remote(name) else name
    extension = os.path.splitext(path)[1].lower()
    if extension == ".pb":
        return load_from_graphdef(url, allow_unsafe_ops)
    if extension == ".json":
        return load_from_manifest(url, allow_unsafe_ops)
    raise InvalidValueError(
        f"{name!r} is not a .pb file saved by Model.save or model.export, or the .json manifest of "
        f"one. {_other_ways(path, extension)}"
    )


_IMPORT = (
    "In a terminal, `lucidx models import FILE` makes a model file of a SavedModel, a Keras model "
    "or a frozen graph."
)
_OTHER_FILES = {
    **dict.fromkeys(
        files.KERAS_FILES,
        "For a Keras model: Model.from_keras(keras.saving.load_model({path!r}), "
        "image_value_range=(lo, hi)).",
    ),
    **dict.fromkeys(
        (".pt", ".pth"),
        "What torch saves holds weights rather than a network: build that in Keras and copy them, "
        "which lucidx.modelzoo.torch_checkpoint.read_checkpoint reads without torch.",
    ),
    ".onnx": "Convert it to a SavedModel, for instance with onnx2tf.",
    ".tflite": "Take the model that it was converted from.",
    ".pbtxt": "Parse it with google.protobuf.text_format.Parse(text, tf.compat.v1.GraphDef()) and "
    "pass that to Model.from_graphdef.",
}


def _other_ways(path: str, extension: str) -> str:
    if os.path.isfile(os.path.join(path, "saved_model.pb")):
        way = "For a SavedModel: Model.from_saved_model({path!r}, image_value_range=(lo, hi))."
    elif extension in _OTHER_FILES:
        way = _OTHER_FILES[extension]
    else:
        way = "A model of the catalogue is loaded by its name: lucidx.load('EfficientNetLite0')."
    return f"{way.format(path=path)} {_IMPORT}"


def load_from_graphdef(graphdef_url: str | os.PathLike, allow_unsafe_ops: bool) -> Model:
    """See `Model.load_from_graphdef`."""
    from lucidx.modelzoo import graphs, importing, util

    path = files.local(graphdef_url)
    source = str(graphdef_url)
    graph_def = graphs.read_graphdef(path)
    graphs.prepare(graph_def, source, allow_unsafe_ops)
    with _explained(source):
        record = util.extract_metadata(graph_def)
    if record is None:
        placeholders = [n.name for n in graph_def.node if n.op in graphs.PLACEHOLDERS]
        image = placeholders[0] if len(placeholders) == 1 else "..."
        raise InvalidValueError(
            f"{source} does not say how to use it, as files do that Model.save or model.export "
            f"wrote. Say it: Model.from_graphdef({source!r}, input_name={image!r}, "
            f"image_value_range=(lo, hi)). {_IMPORT}"
        )
    with _explained(source):
        model = _dynamic_model(path, record)
        importing.input_node(graph_def, model.input_name, "The graph")
    model._graph_def = graph_def
    model._allow_unsafe_ops = allow_unsafe_ops
    nodes = {node.name for node in graph_def.node}
    unknown = [name for name in model.layer_names if graphs.node_of(name) not in nodes]
    if unknown:
        raise CorruptFileError(f"{source} says that it has the layers {unknown}, and has not.")
    if model._labels is not None and model._entries is None:
        found = as_layers(model.layers)
        with _explained(source):
            check_labels(model._labels, found, warn=False)
    return model


def load_from_metadata(
    model_url: str | os.PathLike, metadata: Mapping[str, Any], allow_unsafe_ops: bool
) -> DynamicModel:
    """See `Model.load_from_metadata`."""
    with _explained(str(model_url)):
        model = _dynamic_model(files.local(model_url), metadata)
    model._allow_unsafe_ops = allow_unsafe_ops
    return model


def _dynamic_model(path: Path, record: Mapping[str, Any]) -> DynamicModel:
    missing = [key for key in _NEEDED if record.get(key) is None]
    if missing:
        raise InvalidValueError(f"It does not say {', '.join(missing)}.")
    model = DynamicModel()
    model.model_path = str(path)
    _describe(model, record, _SAVED)
    return model


def load_from_manifest(manifest_url: str | os.PathLike, allow_unsafe_ops: bool) -> Model:
    """See `Model.load_from_manifest`."""
    manifest = _read_manifest(manifest_url)
    directory = os.path.dirname(os.fspath(manifest_url))
    return _from_manifest(directory, manifest, str(manifest_url), allow_unsafe_ops)


def _read_manifest(url: str | os.PathLike) -> Any:
    try:
        return io.load(files.local(url))
    except OSError as error:
        raise InvalidValueError(
            f"The manifest {os.fspath(url)!r} cannot be read: {error}"
        ) from error


def _from_manifest(
    directory: str | os.PathLike, manifest: Any, source: str, allow_unsafe_ops: bool
) -> Model:
    if not isinstance(manifest, dict):
        raise CorruptFileError(f"{source} is not a manifest: it holds a {type(manifest).__name__}.")
    kind = manifest.get("type", "frozen")
    if kind != "frozen":
        raise InvalidValueError(
            f"{source} describes a model of type {kind!r}; the only type is 'frozen'."
        )
    with _explained(source):
        return FrozenGraphModel(directory, manifest, allow_unsafe_ops=allow_unsafe_ops)


@contextlib.contextmanager
def _explained(source: str) -> Iterator[None]:
    """Name the file in errors about what it says."""
    try:
        yield
    except (InvalidTypeError, InvalidValueError, CorruptFileError) as error:
        raise CorruptFileError(f"{source}: {error}") from error
