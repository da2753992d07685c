"""Lucid's import path of `InceptionV1`; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import InceptionV1 as InceptionV1
