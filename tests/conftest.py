"""The networks that tests share; a test that needs one whose weights are not here is skipped."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("LUCIDX_OFFLINE", "1")

import pytest

import lucidx
from lucidx.errors import WeightsNotFoundError


def load_or_skip(name):
    try:
        return lucidx.load(name)
    except WeightsNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def efficientnet():
    return load_or_skip("EfficientNetLite0")


@pytest.fixture(scope="session")
def inception_v1():
    return load_or_skip("InceptionV1")


@pytest.fixture(scope="session")
def inception_v1_caffe():
    return load_or_skip("InceptionV1_caffe")
