"""Lucid's import path of some models; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import MobilenetV1_025_slim as MobilenetV1_025_slim
from lucidx.modelzoo.vision_models import MobilenetV1_050_slim as MobilenetV1_050_slim
from lucidx.modelzoo.vision_models import MobilenetV1_slim as MobilenetV1_slim
