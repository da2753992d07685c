"""Lucid's import path of some models of the catalogue; see `lucidx.modelzoo.vision_models`."""

# Each from the module that may have its name, which would otherwise replace it when imported.
from lucidx.modelzoo.other_models.AlexNet import AlexNet as AlexNet
from lucidx.modelzoo.other_models.Clip import Clip_ResNet50_4x as Clip_ResNet50_4x
from lucidx.modelzoo.other_models.InceptionV1 import InceptionV1 as InceptionV1
from lucidx.modelzoo.other_models.InceptionV1 import (
    InceptionV1_adv_finetuned as InceptionV1_adv_finetuned,
)
