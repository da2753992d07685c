"""Lucid's import path of some models; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import InceptionResnetV2_slim as InceptionResnetV2_slim
from lucidx.modelzoo.vision_models import InceptionV1_slim as InceptionV1_slim
from lucidx.modelzoo.vision_models import InceptionV2_slim as InceptionV2_slim
from lucidx.modelzoo.vision_models import InceptionV3_slim as InceptionV3_slim
from lucidx.modelzoo.vision_models import InceptionV4_slim as InceptionV4_slim
