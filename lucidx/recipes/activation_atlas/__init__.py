"""Activation atlases: maps of what a layer can see ("Activation Atlas", Distill 2019).

collected = collect(model, "mixed4c", ["photos"], "mixed4c.activations")
atlas = build(model, "mixed4c", read_collection(collected.directory))
page_of(atlas).save("atlas.html")  # to explore
picture_of(atlas, classes=["tabby", "tiger cat"])  # where which of the two is argued for

`activation_atlas` and `aligned_activation_atlas` are Lucid's recipes.
"""

from lucidx.recipes.activation_atlas.building import Atlas, build
from lucidx.recipes.activation_atlas.collecting import collect, read_collection
from lucidx.recipes.activation_atlas.drawing import picture_of
from lucidx.recipes.activation_atlas.main import activation_atlas, aligned_activation_atlas
from lucidx.recipes.activation_atlas.page import AtlasPage, page_of
from lucidx.recipes.activation_atlas.samples import Samples, read_samples

__all__ = [
    "Atlas",
    "AtlasPage",
    "Samples",
    "activation_atlas",
    "aligned_activation_atlas",
    "build",
    "collect",
    "page_of",
    "picture_of",
    "read_collection",
    "read_samples",
]
