"""Lucid's import path of some models; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import InceptionV1 as InceptionV1
from lucidx.modelzoo.vision_models import InceptionV1_adv_finetuned as InceptionV1_adv_finetuned
