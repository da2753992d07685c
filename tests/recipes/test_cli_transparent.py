"""`lucidx recipe transparent`."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from lucidx.cli import main

QUICK = ("--steps", 2, "--size", 64)
CHANNEL = "block2a/output:3"


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", "transparent", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


def picture(*arguments, cwd):
    """What is in the file that a run writes."""
    done = run(CHANNEL, *QUICK, *arguments, cwd=cwd)
    assert done.exit_code == 0, done.output
    with Image.open(cwd / done.output.strip()) as image:
        return np.asarray(image) / 255


def test_a_picture_has_opacity(tmp_path):
    straight = picture(cwd=tmp_path)
    assert straight.shape == (64, 64, 4) and (tmp_path / "transparent.png").exists()
    assert 0.3 < straight[..., 3].mean() < 0.7  # near the start

    ready = picture("--over", "premultiplied", "-o", "ready.png", cwd=tmp_path)
    np.testing.assert_allclose(ready[..., 3], straight[..., 3], atol=1 / 255)
    np.testing.assert_allclose(ready[..., :3], straight[..., :3] * straight[..., 3:], atol=2 / 255)

    blue = picture("--over", "#0000ff", "-o", "blue.png", cwd=tmp_path)
    np.testing.assert_allclose(
        blue, ready[..., :3] + (1 - ready[..., 3:]) * [0, 0, 1], atol=3 / 255
    )
    on_squares = picture("-o", "squares.jpg", cwd=tmp_path)
    assert on_squares.shape == (64, 64, 3)
    assert on_squares[2:6, 2:6].mean() > on_squares[2:6, 10:14].mean() + 0.03


@pytest.mark.slow
def test_several_are_side_by_side_and_neurons_are_spots(tmp_path):
    done = run(CHANNEL, "block2a/output:4", "--neuron", *QUICK[:1], 30, *QUICK[2:], cwd=tmp_path)
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "transparent.png") as image:
        assert image.size == (128, 64)
        opacity = np.asarray(image)[..., 3].reshape(64, 2, 64).mean(1) / 255
    assert opacity[[0, -1]].mean() < 0.6 * opacity[28:36, 28:36].mean()


def test_a_gif_shows_how_it_came_about(tmp_path):
    done = run(CHANNEL, *QUICK[2:], "--steps", 12, "-o", "how.gif", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "how.gif") as animation:
        assert animation.size == (64, 64)
        assert animation.n_frames > 3
        first = np.asarray(animation.convert("RGB"), int)
        animation.seek(animation.n_frames - 1)
        last = np.asarray(animation.convert("RGB"), int)
    assert np.abs(first - last).mean() > 3


@pytest.mark.slow
def test_an_animation_to_be_composed_has_its_opacity_below(tmp_path):
    done = run(CHANNEL, *QUICK, "--over", "premultiplied", "-o", "how.gif", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "how.gif") as animation:
        assert animation.size == (64, 128)
        frame = np.asarray(animation.convert("RGB"), int)
    opacity = frame[64:]
    assert (opacity == opacity[..., :1]).mean() > 0.9
    assert (frame[:64] <= opacity + 24).mean() > 0.95  # colours are at most as bright


@pytest.mark.slow
def test_a_video_is_written(tmp_path):
    imageio = pytest.importorskip("imageio.v3", reason="needs the extra video")
    pytest.importorskip("imageio_ffmpeg", reason="needs the extra video")
    for name in ("how.mp4", "how.webm"):
        done = run(CHANNEL, *QUICK, "-o", name, cwd=tmp_path)
        assert done.exit_code == 0, done.output
        assert imageio.imread(tmp_path / name).shape[1:] == (64, 64, 3)


def test_bad_requests_are_refused_in_one_line(tmp_path):
    assert "OBJECTIVE" in refused(cwd=tmp_path)
    assert ".png" in refused(CHANNEL, "-o", "a.txt", cwd=tmp_path)
    assert "png or webp" in refused(CHANNEL, "--over", "transparent", "-o", "a.gif", cwd=tmp_path)
    assert "png or webp" in refused(CHANNEL, "--over", "premultiplied", "-o", "a.jpg", cwd=tmp_path)
    for color in ("reddish", "#12345", "#11223344"):
        assert "checkerboard" in refused(CHANNEL, "--over", color, cwd=tmp_path)
    assert "--size" in refused(CHANNEL, "--size", 4, cwd=tmp_path)
    wide = ("--size", 4096, "--steps", 10**6, "-o", "a.webp")
    assert "would have 20480 pixels" in refused(*[CHANNEL] * 5, *wide, cwd=tmp_path)
    assert "espresso" in refused("espreso", cwd=tmp_path)
    assert "block2a/output" in refused("block2a/outptu:3", cwd=tmp_path)
    assert "24 channels" in refused("block2a/output:24", cwd=tmp_path)
    assert "espresso" in refused("espresso", "--neuron", cwd=tmp_path)
    assert not list(tmp_path.iterdir())
