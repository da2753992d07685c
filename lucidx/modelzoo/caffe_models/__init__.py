"""Lucid's import path of some models of the catalogue; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.caffe_models.AlexNet import AlexNet_caffe_Places365 as AlexNet_caffe_Places365
from lucidx.modelzoo.caffe_models.InceptionV1 import InceptionV1_caffe as InceptionV1_caffe
from lucidx.modelzoo.caffe_models.InceptionV1 import (
    InceptionV1_caffe_Places205 as InceptionV1_caffe_Places205,
)
from lucidx.modelzoo.caffe_models.InceptionV1 import (
    InceptionV1_caffe_Places365 as InceptionV1_caffe_Places365,
)
from lucidx.modelzoo.caffe_models.others import CaffeNet_caffe as CaffeNet_caffe
from lucidx.modelzoo.caffe_models.others import VGG16_caffe as VGG16_caffe
from lucidx.modelzoo.caffe_models.others import VGG19_caffe as VGG19_caffe
