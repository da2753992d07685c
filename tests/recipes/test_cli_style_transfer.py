"""`lucidx recipe style` and `lucidx recipe texture`."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_sample_images

from lucidx.cli import main


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


@pytest.fixture
def files(tmp_path):
    """A photo and a picture with a style, of different sizes."""
    for name, photo in zip(("china.png", "flower.jpg"), load_sample_images().images, strict=True):
        Image.fromarray(photo[:400, :480]).save(tmp_path / name)
    return tmp_path


def test_a_photo_gets_the_style_of_another(files):
    options = ("--size", 72, "--style-size", 48, "--steps", 2)
    done = run("style", "china.png", "flower.jpg", *options, cwd=files)
    assert done.exit_code == 0, done.output
    assert done.output == "style.png\n"
    with Image.open(files / "style.png") as picture:
        assert picture.size == (72, 60) and picture.mode == "RGB"
        assert np.asarray(picture).std() > 1


def test_layers_weights_and_start_are_chosen(files):
    layers = ("--style-layers", "block1a/output,input", "--content-layers", "block2a/output")
    options = ("--style-weight", 0.001, "--start", "content", "--size", 96, "--steps", 1)
    done = run("style", "china.png", "flower.jpg", *layers, *options, "-o", "s.webp", cwd=files)
    assert done.exit_code == 0, done.output
    with Image.open(files / "s.webp") as made, Image.open(files / "china.png") as photo:
        apart = np.asarray(made.convert("RGB"), float) - photo.resize(made.size)
        assert np.abs(apart).mean() < 12


def test_textures_are_laid_out_as_tiles(files):
    options = ("--size", "48x32", "--tiles", 2, "--steps", 1, "-o", "t.png")
    done = run("texture", "flower.jpg", *options, cwd=files)
    assert done.exit_code == 0, done.output
    with Image.open(files / "t.png") as picture:
        assert picture.size == (96, 64)
        pixels = np.asarray(picture)
    np.testing.assert_array_equal(pixels[:32, :48], pixels[32:, 48:])


def test_bad_requests_are_refused_in_one_line(files):
    (files / "broken.png").write_bytes(b"broken")
    style = ("style", "china.png", "flower.jpg")
    assert "broken.png" in refused("style", "china.png", "broken.png", cwd=files)
    Image.new("RGB", (300, 2)).save(files / "thin.png")
    assert "at least 9" in refused("style", "thin.png", "flower.jpg", cwd=files)
    assert "missing.png" in refused("style", "missing.png", "flower.jpg", cwd=files)
    assert ".png" in refused(*style, "-o", "a.gif", cwd=files)
    assert "both be 0" in refused(*style, "--content-weight=0", "--style-weight=0", cwd=files)
    useless = ("--content-weight", 0, "--content-layers", "block2a/output")
    assert "--content-layers would change" in refused(*style, *useless, cwd=files)
    useless = ("--style-weight", 0, "--style-size", 64)
    assert "--style-size would change" in refused(*style, *useless, cwd=files)
    assert "--style-weight" in refused(*style, "--style-weight", -1, cwd=files)
    assert "block1a/output" in refused(*style, "--style-layers", "block1a/outptu", cwd=files)
    assert "names with commas" in refused(*style, "--content-layers", "a,,b", cwd=files)
    assert "InceptionV1" in refused(*style, "-m", "InceptoinV1", cwd=files)
    assert "broken.png" in refused("texture", "broken.png", cwd=files)
    assert "--size" in refused("texture", "flower.jpg", "--size", "8", cwd=files)
    assert ".png" in refused("texture", "flower.jpg", "-o", "t.obj", cwd=files)
    assert not [*files.glob("style.*"), *files.glob("texture.*")]


def test_tiles_that_the_format_cannot_hold_are_refused_before_the_work(files):
    tiles = ("--size", "1040x32", "--tiles", 16, "-o", "tiles.webp", "--steps", 10**6)
    line = refused("texture", "flower.jpg", *tiles, cwd=files)
    assert "'tiles.webp' would have 16640 pixels" in line and "16383" in line


def test_tiles_that_memory_would_hardly_hold_are_refused_before_the_work(files):
    tiles = ("--size", "4096", "--tiles", 16, "--steps", 10**6)
    line = refused("texture", "flower.jpg", *tiles, cwd=files)
    assert "--tiles 16 of 4096 pixels make 65536; 32768 is the most" in line
