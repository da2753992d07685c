"""Lucid's import path of some models of the catalogue; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.caffe_models.InceptionV1 import InceptionV1_caffe as InceptionV1_caffe
