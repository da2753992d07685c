"""Lucid's import path of some models of the catalogue; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import InceptionV1 as InceptionV1
