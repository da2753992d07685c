"""What tests share: networks, and a browser. A test that needs what is not here is skipped."""

import os
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("LUCIDX_OFFLINE", "1")

import pytest

import lucidx
from lucidx.errors import WeightsNotFoundError

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


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


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"There is no browser: none of {', '.join(BROWSERS)} is installed.")
    with playwright.sync_playwright() as started:  # one, since there cannot be two in a process
        webgl = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        chromium = started.chromium.launch(executable_path=path, args=webgl)
        yield chromium
        chromium.close()
