"""`lucidx recipe sheet`."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import lucidx
from lucidx import basis
from lucidx.cli import main
from lucidx.icons import icons

LAYER = "block1a/output"
QUICK = ("--size", 16, "--steps", 2)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path_factory.mktemp("cache")))


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", "sheet", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


def test_boxes_say_where_each_channel_is(tmp_path):
    done = run(LAYER, *QUICK, "--columns", 5, "--boxes", "at.json", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-2:] == ["sheet.png", "at.json"]
    boxes = json.loads((tmp_path / "at.json").read_text())
    assert list(boxes) == [f"{LAYER}:{c}" for c in range(16)]
    x, y, width, height = boxes[f"{LAYER}:7"]
    assert (x, y, width, height) == (2 * 16, 16, 16, 16)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (5 * 16, 4 * 16)
        there = np.asarray(sheet)[y : y + height, x : x + width]
    model = lucidx.load("EfficientNetLite0")
    (alone,) = icons(model, basis.channels(model, LAYER, [7]), 16, 2)
    np.testing.assert_allclose(there, 255 * alone, atol=1)


def test_without_being_asked_there_are_no_boxes(tmp_path):
    done = run(LAYER, *QUICK, "-o", "a.webp", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert [path.name for path in tmp_path.iterdir()] == ["a.webp"]


def test_bad_requests_are_refused_in_one_line(tmp_path):
    assert LAYER in refused("block1a/outptu", *QUICK, cwd=tmp_path)
    assert ".png" in refused(LAYER, *QUICK, "-o", "a.gif", cwd=tmp_path)
    assert ".json" in refused(LAYER, *QUICK, "--boxes", "a.txt", cwd=tmp_path)
    assert "20480" in refused("block7a/output", "--columns", 1, "-o", "a.webp", cwd=tmp_path)
    assert not list(tmp_path.iterdir())
