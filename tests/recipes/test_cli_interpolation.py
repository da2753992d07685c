"""`lucidx recipe interpolation`."""

import importlib.util

import pytest
from click.testing import CliRunner
from PIL import Image

from lucidx.cli import main

ENDS = ("block2a/output:3", "block2a/output:4")
QUICK = ("--steps", 2, "--size", 32, "-n", 3)


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", "interpolation", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


def test_each_way_is_a_row(tmp_path):
    done = run(*ENDS, "block2b/output:5", *QUICK, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output == "interpolation.png\n"
    with Image.open(tmp_path / "interpolation.png") as sheet:
        assert sheet.width == 3 * (32 + 4) + 4
        assert 2 * 32 < sheet.height < 4 * 32


def test_a_gif_goes_there_and_back(tmp_path):
    done = run(*ENDS, *QUICK, "-o", "a.gif", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.size == (32, 32)
        assert animation.n_frames == 4


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("imageio_ffmpeg"), reason="needs imageio-ffmpeg")
def test_a_video_is_written(tmp_path):
    done = run(*ENDS, *QUICK, "-o", "a.mp4", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"


def test_bad_requests_are_refused_in_one_line(tmp_path):
    assert "two" in refused(ENDS[0], cwd=tmp_path)
    assert ".gif" in refused(*ENDS, "-o", "a.txt", cwd=tmp_path)
    assert "24 channels" in refused(ENDS[0], "block2a/output:24", cwd=tmp_path)
    assert "espresso" in refused("espreso", "tabby", cwd=tmp_path)
    assert "--number" in refused(*ENDS, "-n", 1, cwd=tmp_path)
    assert not list(tmp_path.iterdir())
