"""Lucid's import path of `AlexNet`; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import AlexNet as AlexNet
