"""`lucidx recipe deepdream`."""

import signal
import threading
import time

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_sample_images

from lucidx.cli import main

QUICK = ("--octaves", 2, "--steps", 1)


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", "deepdream", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), np.float32) / 255


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    directory = tmp_path_factory.mktemp("photos")
    for name, image in zip(("china", "flower"), load_sample_images().images, strict=True):
        Image.fromarray(image).resize((150, 101)).save(directory / f"{name}.png")
    return directory


def test_a_photo_is_dreamt_at_its_own_size(photos, tmp_path):
    done = run(photos / "china.png", *QUICK, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert (done.stdout, done.stderr) == ("deepdream.png\n", "")
    change = np.abs(pixels(tmp_path / "deepdream.png") - pixels(photos / "china.png"))
    assert change.shape == (101, 150, 3) and 0.005 < change.mean() < 0.05


@pytest.mark.parametrize("given", ["china.png", "flower.png"])
def test_what_is_given_is_not_written_over(photos, given):
    before = (photos / given).read_bytes()
    line = refused("china.png", "--guide", "flower.png", *QUICK, "-o", given, cwd=photos)
    assert f"'{given}' is what was given" in line
    assert (photos / given).read_bytes() == before


@pytest.mark.parametrize("option", [("--frames", 100), ("--zoom", 1.2)])
def test_options_of_a_flight_are_refused_for_a_picture(photos, tmp_path, option):
    line = refused(photos / "china.png", *option, "-o", "dream.webp", cwd=tmp_path)
    assert f"{option[0]} would change nothing in a webp, which does not move" in line


def test_what_the_format_cannot_hold_is_refused_before_the_work(tmp_path):
    Image.fromarray(np.zeros([20, 17000], np.uint8)).save(tmp_path / "wide.png")
    line = refused("wide.png", "--steps", 10**6, "-o", "dream.webp", cwd=tmp_path)
    assert "'dream.webp' would have 17000 pixels" in line
    Image.fromarray(np.zeros([20, 70000], np.uint8)).save(tmp_path / "wider.png")
    line = refused("wider.png", "--frames", 1, "-o", "dream.gif", cwd=tmp_path)
    assert "'dream.gif' would have 70000 pixels" in line
    done = run("wide.png", *QUICK, "--size", 100, "-o", "dream.webp", cwd=tmp_path)
    assert done.exit_code == 0, done.output


def test_a_class_is_dreamt_of_by_its_label(photos, tmp_path):
    done = run(photos / "china.png", *QUICK, "--objective", "espresso", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert np.abs(pixels(tmp_path / "deepdream.png") - pixels(photos / "china.png")).mean() > 0.005


def test_with_a_guide_a_channel_is_refused_as_such(photos, tmp_path):
    guided = ("--objective", "block5c/output:3", "--guide", photos / "flower.png")
    line = refused(photos / "china.png", *guided, cwd=tmp_path)
    assert "not a channel: 'block5c/output', not 'block5c/output:3'" in " ".join(line.split())


def test_with_a_guide_a_class_is_refused_as_such(photos, tmp_path):
    guided = ("--objective", "espresso", "--guide", photos / "flower.png")
    line = refused(photos / "china.png", *guided, cwd=tmp_path)
    assert "not the class 'espresso'" in " ".join(line.split())


def test_objectives_add_up_and_a_guide_leads(photos, tmp_path):
    layers = ("--objective", "block4a/expand", "--objective", "block5c/output:3")
    made = {
        "one": layers[:2],
        "both": layers,
        "guided": (*layers[:2], "--guide", photos / "flower.png"),
    }
    for name, options in made.items():
        done = run(photos / "china.png", *QUICK, *options, "-o", f"{name}.webp", cwd=tmp_path)
        assert done.exit_code == 0, done.output
    one, both, guided = (pixels(tmp_path / f"{name}.webp") for name in made)
    assert np.abs(one - both).max() > 0.05 and np.abs(one - guided).max() > 0.05


@pytest.mark.parametrize("output", ["dream.gif", "dream.mp4"])
def test_a_flight_into_the_dream(photos, tmp_path, output):
    if output.endswith("mp4"):
        pytest.importorskip("imageio_ffmpeg", reason="needs the extra video")
    options = (*QUICK, "--size", 90, "--frames", 3, "--zoom", 1.2, "-o", output)
    done = run(photos / "flower.png", *options, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output == f"{output}\n"
    if output.endswith("gif"):
        with Image.open(tmp_path / output) as gif:
            assert (gif.n_frames, gif.size) == (3, (90, 61))
    else:
        from imageio import v3 as imageio

        assert imageio.imread(tmp_path / output).shape == (3, 60, 90, 3)


def test_transparent_and_grey_pictures_are_photos_too(tmp_path):
    rgba = np.zeros((70, 80, 4), np.uint8)
    rgba[:, 40:] = 255
    Image.fromarray(rgba).save(tmp_path / "rgba.png")
    Image.fromarray(rgba[..., 0]).save(tmp_path / "grey.png")
    for name, expected in (("rgba.png", 1), ("grey.png", 0)):
        done = run(name, *QUICK, "-o", "dream.png", cwd=tmp_path)
        assert done.exit_code == 0, done.output
        dream = pixels(tmp_path / "dream.png")
        assert dream.shape == (70, 80, 3)
        assert dream[:, :30].mean() == pytest.approx(expected, abs=0.05)


def test_bad_requests_are_refused_in_one_line(photos, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"broken")
    (tmp_path / "a.json").write_text("{}")
    photo = photos / "china.png"
    assert "damaged" in refused("broken.png", cwd=tmp_path)
    assert "not a picture" in refused("a.json", cwd=tmp_path)
    assert "does not exist" in refused("nothing.png", cwd=tmp_path)
    assert ".webm" in refused(photo, "-o", "dream.txt", cwd=tmp_path)
    assert "block4" in refused(photo, "--objective", "block4a/outptu", cwd=tmp_path)
    assert "channels" in refused(photo, "--objective", "block4a/output:99999", cwd=tmp_path)
    twice = ("--objective", "block4a/output", "--objective", "block5c/output")
    assert "--guide" in refused(photo, "--guide", photo, *twice, cwd=tmp_path)
    assert "--zoom" in refused(photo, "--zoom", 0.5, "-o", "dream.gif", cwd=tmp_path)
    assert not (tmp_path / "deepdream.png").exists()


def test_a_flight_that_is_interrupted_is_kept(photos, tmp_path):
    main_thread = threading.main_thread().ident

    def press_when_something_is_written():
        while not any(path.stat().st_size for path in tmp_path.iterdir()):
            time.sleep(0.05)
        signal.pthread_kill(main_thread, signal.SIGINT)

    thread = threading.Thread(target=press_when_something_is_written, daemon=True)
    thread.start()
    flight = ("--size", 48, "--frames", 500, "-o", "flight.gif")
    done = run(photos / "china.png", *QUICK, *flight, cwd=tmp_path)
    thread.join()
    assert done.exit_code == 0, done.output
    assert [path.name for path in tmp_path.iterdir()] == ["flight.gif"]
    with Image.open(tmp_path / "flight.gif") as film:
        assert 1 <= film.n_frames < 500
