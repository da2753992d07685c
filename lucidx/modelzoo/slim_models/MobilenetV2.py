"""Lucid's import path of some models; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import MobilenetV2_10_slim as MobilenetV2_10_slim
from lucidx.modelzoo.vision_models import MobilenetV2_14_slim as MobilenetV2_14_slim
