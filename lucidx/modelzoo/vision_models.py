"""One class per model of the catalogue, as in Lucid: `vision_models.InceptionV1()`.

Each class is made from its manifest when it is first asked for.
"""

from __future__ import annotations

import functools

from lucidx.errors import did_you_mean
from lucidx.modelzoo import manifests as _manifests
from lucidx.modelzoo.vision_base import Layer, Model

__all__ = ["Model", *_manifests.names()]

_ATTRIBUTES = "dataset image_shape is_BGR input_name model_path labels_path synsets_path".split()


@functools.cache
def _model_class(name: str) -> type[Model]:
    manifest = _manifests.manifest(name)
    base = _model_class(manifest["base"]) if manifest["base"] else Model
    attributes = {attribute: manifest[attribute] for attribute in _ATTRIBUTES}
    attributes |= {
        "__doc__": manifest["description"],
        "__module__": __name__,
        "model_name": name,
        "catalogue_name": name,
        "image_value_range": tuple(
            tuple(v) if isinstance(v, list) else v for v in manifest["image_value_range"]
        ),
    }
    cls = type(name, (base,), attributes)
    cls.layers = tuple(Layer(cls(), **layer) for layer in manifest["layers"])
    return cls


def __getattr__(name: str) -> type[Model]:
    if name in _manifests.names():
        return _model_class(name)
    hint = did_you_mean(name, _manifests.names())
    raise AttributeError(f"module {__name__!r} has no model {name!r}. {hint}")


def __dir__() -> list[str]:
    return sorted([*__all__, "Layer"])
