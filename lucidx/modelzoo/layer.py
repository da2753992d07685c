"""A layer of a model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model


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

    @property
    def activations(self) -> np.ndarray:
        """Lucid's recorded activations of the layer for photos, `[100000, depth]`.

        Fetched when they are first asked for, and read anew each time unless somebody holds them;
        see `lucidx.modelzoo.aligned_activations`.

        Raises
        ------
        DownloadError : they cannot be fetched, or were not recorded for this layer.
        """
        from lucidx.modelzoo import aligned_activations

        return aligned_activations.get_aligned_activations(self)

    def __repr__(self) -> str:
        return f"Layer (belonging to {self.model_name}) <{self.name}: {self.depth}> ([{self.tags}])"

    def to_json(self) -> str:
        """The layer's name."""
        return self.name
