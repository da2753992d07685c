"""Lucid's import path of `InceptionV1_caffe`; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import InceptionV1_caffe as InceptionV1_caffe
