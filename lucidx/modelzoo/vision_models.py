"""One class per model of the catalogue, as in Lucid: `vision_models.InceptionV1()`.

The classes are made from the manifests when they are first asked for.
"""

from __future__ import annotations

import functools

from lucidx.errors import did_you_mean
from lucidx.modelzoo import manifests as _manifests
from lucidx.modelzoo.vision_base import Layer, Model

__all__ = ["Model", *_manifests.names()]


@functools.cache
def _model_class(name: str) -> type[Model]:
    manifest = _manifests.manifest(name)
    attributes = {k: manifest[k] for k in ("dataset", "input_name", "is_BGR", "model_path")}
    attributes |= {k: manifest[k] for k in ("labels_path", "synsets_path")}
    value_range = tuple(
        tuple(v) if isinstance(v, list) else v for v in manifest["image_value_range"]
    )
    cls = type(
        name,
        (Model,),
        attributes
        | {
            "__doc__": manifest["description"],
            "__module__": __name__,
            "model_name": name,
            "catalogue_name": name,
            "image_shape": list(manifest["image_shape"]),
            "image_value_range": value_range,
        },
    )
    cls.layers = tuple(Layer(cls(), **layer) for layer in manifest["layers"])
    return cls


def __getattr__(name: str) -> type[Model]:
    if name in _manifests.names():
        return _model_class(name)
    hint = did_you_mean(name, _manifests.names())
    raise AttributeError(f"module {__name__!r} has no model {name!r}. {hint}")


def __dir__() -> list[str]:
    return sorted([*__all__, "Layer"])
