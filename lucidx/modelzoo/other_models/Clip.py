"""Lucid's import path of `Clip_ResNet50_4x`; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import Clip_ResNet50_4x as Clip_ResNet50_4x
