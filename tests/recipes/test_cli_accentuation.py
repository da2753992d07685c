"""`lucidx recipe accentuation`."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_sample_images

from lucidx.cli import main

FEATURE = "block3b/output:3"


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", "accentuation", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "flower.png"
    Image.fromarray(load_sample_images().images[1]).save(path)
    return path


def test_the_photo_is_beside_what_becomes_of_it(photo, tmp_path):
    done = run(photo, FEATURE, "--steps", 6, "--size", 96, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output == "accentuation.png\n"
    with Image.open(tmp_path / "accentuation.png") as sheet:
        assert sheet.width == 3 * (96 + 4) + 4
        pixels = np.asarray(sheet)[4:68, :, :3].astype(int)
    before, after, where = (pixels[:, 4 + 100 * k : 100 + 100 * k] for k in range(3))
    assert np.abs(after - before).mean() > np.abs(where - before).mean() > 0.5


def test_alone_it_has_the_photos_proportions(photo, tmp_path):
    options = ("--alone", "--strength", 0, "--layer", "block1a/output", "-o", "a.webp")
    done = run(photo, FEATURE, "--steps", 1, "--size", 96, *options, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "a.webp") as picture:
        assert picture.size == (96, 64)


def test_bad_requests_are_refused_in_one_line(photo, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"broken")
    np.save(tmp_path / "deep.npy", np.zeros([4, 6, 5], np.float32))
    np.save(tmp_path / "empty.npy", np.zeros([0, 6, 3], np.float32))
    assert "broken.png" in refused("broken.png", FEATURE, cwd=tmp_path)
    assert "5 channels" in refused("deep.npy", FEATURE, cwd=tmp_path)
    assert "6x0 pixels" in refused("empty.npy", FEATURE, cwd=tmp_path)
    assert "missing.png" in refused("missing.png", FEATURE, cwd=tmp_path)
    assert ".png" in refused(photo, FEATURE, "-o", "a.gif", cwd=tmp_path)
    assert "espresso" in refused(photo, "espreso", cwd=tmp_path)
    assert "block3b/output" in refused(photo, "block3b/outptu:3", cwd=tmp_path)
    assert "block1a/output" in refused(photo, FEATURE, "--layer", "block1a/outptu", cwd=tmp_path)
    assert "--strength" in refused(photo, FEATURE, "--strength", -1, cwd=tmp_path)
    assert "OBJECTIVE" in refused(photo, cwd=tmp_path)
    assert not list(tmp_path.glob("accentuation.*"))
