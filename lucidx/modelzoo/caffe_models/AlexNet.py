"""Lucid's import path of `AlexNet_caffe_Places365`; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.vision_models import AlexNet_caffe_Places365 as AlexNet_caffe_Places365
