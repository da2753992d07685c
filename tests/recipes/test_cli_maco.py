"""`lucidx recipe maco`."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_sample_images

from lucidx.cli import main

QUICK = ("--steps", 2, "--crops", 1, "--size", 64)


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", "maco", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


def test_a_channel_becomes_a_picture(tmp_path):
    done = run("block2a/output:3", *QUICK, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output == "maco.png\n"
    with Image.open(tmp_path / "maco.png") as picture:
        assert picture.size == (64, 64) and picture.mode == "RGB"


def test_several_pictures_make_a_sheet(tmp_path):
    two = ("block2a/output:3", "block2a/output:4")
    done = run(*two, *QUICK, "--batch", 2, "-o", "four.jpg", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "four.jpg") as sheet:
        assert sheet.width == 2 * 64 + 12 and sheet.height > 2 * 64 + 12


def test_pictures_can_be_transparent_and_like_photos(tmp_path):
    (tmp_path / "photos").mkdir()
    for n, pixels in enumerate(load_sample_images().images):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{n}.png")
    (tmp_path / "photos" / "text.txt").write_text("no photo")
    options = ("--like", "photos", "--transparent", "-o", "a.png")
    done = run("block2a/output:3", *QUICK[:-1], "80x60", *options, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (80, 60) and picture.mode == "RGBA"
        opacity = np.asarray(picture)[..., 3]
    assert opacity.max() == 255 and opacity.min() < 200


def test_bad_requests_are_refused_in_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.png").write_bytes(b"broken")
    assert ".png" in refused("block2a/output:3", "-o", "a.txt", cwd=tmp_path)
    assert "jpg" in refused("espresso", "--transparent", "-o", "a.jpg", cwd=tmp_path)
    assert "espresso" in refused("espreso", cwd=tmp_path)
    assert "block2a/output" in refused("block2a/outptu:3", cwd=tmp_path)
    assert "24 channels" in refused("block2a/output:24", cwd=tmp_path)
    assert "empty" in refused("espresso", "--like", "empty", cwd=tmp_path)
    assert "broken.png" in refused("espresso", "--like", "broken.png", cwd=tmp_path)
    assert "--size" in refused("espresso", "--size", "big", cwd=tmp_path)
    assert "OBJECTIVE" in refused(cwd=tmp_path)
    assert not list(tmp_path.glob("maco.*"))
