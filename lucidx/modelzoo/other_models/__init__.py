"""Lucid's import path of some models of the catalogue; see `lucidx.modelzoo.vision_models`."""

# From the module of the same name, which would otherwise replace the class when it is imported.
from lucidx.modelzoo.other_models.InceptionV1 import InceptionV1 as InceptionV1
