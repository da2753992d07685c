"""Lucid's import path of some models; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import InceptionV1_caffe as InceptionV1_caffe
from lucidx.modelzoo.vision_models import InceptionV1_caffe_Places205 as InceptionV1_caffe_Places205
from lucidx.modelzoo.vision_models import InceptionV1_caffe_Places365 as InceptionV1_caffe_Places365
