"""Lucid's import path of some models; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import ResnetV2_50_slim as ResnetV2_50_slim
from lucidx.modelzoo.vision_models import ResnetV2_101_slim as ResnetV2_101_slim
from lucidx.modelzoo.vision_models import ResnetV2_152_slim as ResnetV2_152_slim
