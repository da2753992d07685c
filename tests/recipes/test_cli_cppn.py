"""`lucidx recipe cppn`."""

import sys

import numpy as np
import pytest
from click.testing import CliRunner
from command import lucidx
from PIL import Image

from lucidx.cli import main
from lucidx.recipes.cppn_function import draw, function_of, load_function, save_function

QUICK = ("--steps", 2, "--layers", 2, "--hidden", 4, "--size", 48)


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", "cppn", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture) / 255


def some_function(channels=3):
    rng = np.random.default_rng(0)
    return function_of([(rng.normal(size=(2, 4)), np.ones(4)), (rng.normal(size=(8, channels)),
                                                               np.zeros(channels))])  # fmt: skip


def test_one_run_writes_picture_page_weights_and_shader(tmp_path):
    names = ["a.png", "a.html", "a.npz", "a.glsl"]
    options = [option for name in names for option in ("-o", name)]
    done = run("block2a/output:3", *QUICK, *options, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.split() == names
    function = load_function(tmp_path / "a.npz")
    assert len(function.layers) == 3
    np.testing.assert_allclose(pixels(tmp_path / "a.png"), draw(function, 48), atol=0.51 / 255)
    shader = (tmp_path / "a.glsl").read_text()
    page = (tmp_path / "a.html").read_text()
    assert shader.startswith("#version 300 es") and shader in page
    assert "<title>block2a/output:3</title>" in page


def test_what_was_learned_is_drawn_again_at_any_size(tmp_path):
    save_function(some_function(), tmp_path / "a.npz")
    for name, size in (("small.png", 20), ("large.webp", 700)):
        done = run("--from", "a.npz", "--size", size, "-o", name, cwd=tmp_path)
        assert done.exit_code == 0, done.output
        drawn = draw(some_function(), size)
        assert np.abs(pixels(tmp_path / name) - drawn).mean() < 3 / 255


@pytest.mark.parametrize(
    "option", [("--steps", 512), ("--layers", 8), ("--hidden", 24), ("--seed", 0), ("-m", "x.pb")]
)
def test_options_of_learning_are_refused_for_what_was_learned(tmp_path, option):
    save_function(some_function(), tmp_path / "a.npz")
    line = refused("--from", "a.npz", *option, cwd=tmp_path)
    assert line.endswith("would change nothing with --from, which learns nothing.")


def test_pages_may_have_the_short_extension(tmp_path):
    save_function(some_function(), tmp_path / "a.npz")
    done = run("--from", "a.npz", "-o", "a.htm", "-o", "a.html", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "a.htm").read_text() == (tmp_path / "a.html").read_text()


@pytest.mark.parametrize("channels", [1, 5])
def test_pictures_of_other_channels_can_be_seen(channels, tmp_path):
    save_function(some_function(channels), tmp_path / "a.npz")
    done = run("--from", "a.npz", "--size", 20, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert pixels(tmp_path / "cppn.png").shape == ((20, 20) if channels == 1 else (20, 20, 3))


def test_drawing_again_needs_no_tensorflow(tmp_path):
    save_function(some_function(), tmp_path / "a.npz")
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')")
    path = ":".join([str(tmp_path), *filter(None, sys.path)])
    done = lucidx(
        "recipe", "cppn", "--from", "a.npz", "-o", "a.html", cwd=tmp_path, PYTHONPATH=path
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.html").exists()


def test_bad_requests_are_refused_in_one_line(tmp_path):
    save_function(some_function(5), tmp_path / "five.npz")
    (tmp_path / "broken.npz").write_bytes(b"broken")
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    before = sorted(tmp_path.iterdir())
    assert "OBJECTIVE" in refused(cwd=tmp_path)
    assert "OBJECTIVE" in refused("espresso", "--from", "five.npz", cwd=tmp_path)
    assert ".html" in refused("espresso", "-o", "a.png", "-o", "a.txt", cwd=tmp_path)
    assert "nowhere" in refused("--from", "nowhere.npz", cwd=tmp_path)
    assert "broken.npz" in refused("--from", "broken.npz", cwd=tmp_path)
    assert "other.npz" in refused("--from", "other.npz", cwd=tmp_path)
    assert "5 channels" in refused("--from", "five.npz", "-o", "a.html", cwd=tmp_path)
    assert "--size" in refused("espresso", "--size", 0, cwd=tmp_path)
    assert "espresso" in refused("espreso", cwd=tmp_path)
    assert "block2a/output" in refused("block2a/outptu:3", cwd=tmp_path)
    assert "24 channels" in refused("block2a/output:24", cwd=tmp_path)
    assert sorted(tmp_path.iterdir()) == before
