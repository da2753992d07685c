"""Lucid's import path of some models; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import NasnetLarge_slim as NasnetLarge_slim
from lucidx.modelzoo.vision_models import NasnetMobile_slim as NasnetMobile_slim
from lucidx.modelzoo.vision_models import PnasnetLarge_slim as PnasnetLarge_slim
from lucidx.modelzoo.vision_models import PnasnetMobile_slim as PnasnetMobile_slim
