"""Lucid's import path of some models; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import CaffeNet_caffe as CaffeNet_caffe
from lucidx.modelzoo.vision_models import VGG16_caffe as VGG16_caffe
from lucidx.modelzoo.vision_models import VGG19_caffe as VGG19_caffe
