"""Lucid's import path of some models of the catalogue; see `lucidx.modelzoo.vision_models`."""

from lucidx.modelzoo.slim_models.Inception import InceptionResnetV2_slim as InceptionResnetV2_slim
from lucidx.modelzoo.slim_models.Inception import InceptionV1_slim as InceptionV1_slim
from lucidx.modelzoo.slim_models.Inception import InceptionV2_slim as InceptionV2_slim
from lucidx.modelzoo.slim_models.Inception import InceptionV3_slim as InceptionV3_slim
from lucidx.modelzoo.slim_models.Inception import InceptionV4_slim as InceptionV4_slim
from lucidx.modelzoo.slim_models.MobilenetV1 import MobilenetV1_025_slim as MobilenetV1_025_slim
from lucidx.modelzoo.slim_models.MobilenetV1 import MobilenetV1_050_slim as MobilenetV1_050_slim
from lucidx.modelzoo.slim_models.MobilenetV1 import MobilenetV1_slim as MobilenetV1_slim
from lucidx.modelzoo.slim_models.MobilenetV2 import MobilenetV2_10_slim as MobilenetV2_10_slim
from lucidx.modelzoo.slim_models.MobilenetV2 import MobilenetV2_14_slim as MobilenetV2_14_slim
from lucidx.modelzoo.slim_models.others import NasnetLarge_slim as NasnetLarge_slim
from lucidx.modelzoo.slim_models.others import NasnetMobile_slim as NasnetMobile_slim
from lucidx.modelzoo.slim_models.others import PnasnetLarge_slim as PnasnetLarge_slim
from lucidx.modelzoo.slim_models.others import PnasnetMobile_slim as PnasnetMobile_slim
from lucidx.modelzoo.slim_models.ResNetV1 import ResnetV1_50_slim as ResnetV1_50_slim
from lucidx.modelzoo.slim_models.ResNetV1 import ResnetV1_101_slim as ResnetV1_101_slim
from lucidx.modelzoo.slim_models.ResNetV1 import ResnetV1_152_slim as ResnetV1_152_slim
from lucidx.modelzoo.slim_models.ResNetV2 import ResnetV2_50_slim as ResnetV2_50_slim
from lucidx.modelzoo.slim_models.ResNetV2 import ResnetV2_101_slim as ResnetV2_101_slim
from lucidx.modelzoo.slim_models.ResNetV2 import ResnetV2_152_slim as ResnetV2_152_slim
