"""Models by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lucidx.modelzoo import manifests, vision_models
from lucidx.modelzoo.vision_base import Model


class _ModelsMap(Mapping):
    """The model classes of the catalogue by name, each made when it is first looked up."""

    def __getitem__(self, name: str) -> type[Model]:
        if name not in manifests.names():
            raise KeyError(name)
        return getattr(vision_models, name)

    def __iter__(self) -> Iterator[str]:
        return iter(manifests.names())

    def __len__(self) -> int:
        return len(manifests.names())


models_map: Mapping[str, type[Model]] = _ModelsMap()


def get_model(name: str) -> Model:
    """New instance of the model called `name`.

    Raises
    ------
    UnknownModelError : no such name; the closest ones are offered.
    """
    manifests.manifest(name)
    return models_map[name]()
