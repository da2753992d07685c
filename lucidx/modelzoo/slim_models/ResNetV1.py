"""Lucid's import path of some models; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import ResnetV1_50_slim as ResnetV1_50_slim
from lucidx.modelzoo.vision_models import ResnetV1_101_slim as ResnetV1_101_slim
from lucidx.modelzoo.vision_models import ResnetV1_152_slim as ResnetV1_152_slim
