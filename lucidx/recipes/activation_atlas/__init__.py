"""Activation atlases: a map of what a layer can see ("Activation Atlas", Distill 2019)."""

from lucidx.recipes.activation_atlas.main import activation_atlas, aligned_activation_atlas

__all__ = ["activation_atlas", "aligned_activation_atlas"]
