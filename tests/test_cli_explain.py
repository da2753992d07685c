"""`lucidx explain`: a page to explore, from a photo."""

import json
import os
import re
import signal
import subprocess
import threading
import time

import numpy as np
import pytest
import small_classifier
from click.testing import CliRunner
from command import LUCIDX, lucidx, refused
from PIL import Image
from sklearn.datasets import load_sample_images
from test_icons import files_limited_to

from lucidx.cli import main

PHOTO = load_sample_images().filenames[1]
QUICK = ["--interface", "spatial-attribution", "--layers", "high", "--classes", "cat"]  # no icons


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """File of a small classifier."""
    return str(small_classifier.write(tmp_path_factory.mktemp("model") / "small.pb"))


@pytest.fixture
def run(small, tmp_path, monkeypatch):
    """Runs a command on the small classifier, in a directory of its own with a cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "cache"))

    def run(command, *arguments):
        return CliRunner().invoke(main, [command, *map(str, arguments), "-m", small])

    return run


def data_of(path):
    """What a page shows."""
    html = path.read_text("utf-8")
    return json.loads(re.search(r'<script[^>]* id="data"[^>]*>(.*?)</script>', html, re.DOTALL)[1])


@pytest.mark.slow
def test_a_page_is_written_that_names_the_classes_asked_for(tmp_path):
    done = lucidx(
        "explain", PHOTO, "--interface", "spatial-attribution", "--classes", "daisy,picket fence",
        "--layers", "block4c/expand", cwd=tmp_path, LUCIDX_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "explain.html\n"
    page = (tmp_path / "explain.html").read_text("utf-8")
    assert "daisy" in page and "picket fence" in page and "block4c/expand" in page
    assert "http://" not in page and "https://" not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.jpg"], "'nothing.jpg' does not exist"),
        ([PHOTO, "-o", "x.png"], "does not end in one of .html"),
        ([PHOTO, "--interface", "crystal-ball"], "'crystal-ball' is not one of"),
        ([PHOTO, "-m", "EfficientNetLite1"], "Did you mean 'EfficientNetLite0'"),
        ([PHOTO, "--interface", "neuron-groups", "--classes", "dasy"], "Did you mean 'daisy'"),
        ([PHOTO, "--layers", "haed"], "Did you mean 'head'"),
    ],
)
def test_bad_input_is_refused(tmp_path, arguments, message):
    assert message in refused("explain", *arguments, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_classes_mean_the_same_to_explain_and_attribute(run, tmp_path):
    text = "cat,3,daisy, common,1,4"
    asked = [PHOTO, "--classes", text]
    one = run("explain", *asked, "--interface", "spatial-attribution", "--layers", "high")
    other = run("attribute", *asked, "--layer", "high", "-o", "a.json")
    assert one.exit_code == other.exit_code == 0, one.output + other.output
    named = [found["name"] for found in json.loads((tmp_path / "a.json").read_text())["classes"]]
    assert [found["label"] for found in data_of(tmp_path / "explain.html")["classes"]] == named
    assert named == ["cat", "3", "daisy, common", "crane (1)", "crane (4)"]


PICTURES = {
    "grey": Image.fromarray(np.arange(900, dtype=np.uint8).reshape(30, 30)),
    "transparent": Image.new("RGBA", (40, 30), (9, 99, 200, 100)),
    "16 bits": Image.fromarray((np.arange(900).reshape(30, 30) * 70).astype(np.uint16)),
    "palette": Image.new("P", (30, 30), 3),
    "one pixel": Image.new("RGB", (1, 1), "red"),
    "a stripe": Image.new("RGB", (2000, 3), "red"),
    "huge": Image.new("L", (5000, 4000), 100),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", PICTURES)
def test_any_picture_will_do(run, tmp_path, kind):
    PICTURES[kind].save("photo.png")
    done = run("explain", "photo.png", *QUICK)
    assert done.exit_code == 0, done.output
    assert data_of(tmp_path / "explain.html")["photo_name"] == "photo.png"


def test_a_damaged_picture_is_refused(run, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    done = run("explain", "broken.png", *QUICK)
    assert done.exit_code == 2
    assert "'broken.png' cannot be read" in done.output
    assert not (tmp_path / "explain.html").exists()


def test_a_cache_that_cannot_be_written_is_told_of_in_one_line(run, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "file"))
    done = run("explain", PHOTO, "--interface", "neuron-groups", "--layers", "high")
    assert done.exit_code == 0, done.output
    (line,) = done.output.splitlines()[:-1]
    assert line.startswith(f"Warning: Icons cannot be kept in {tmp_path}")
    assert "LUCIDX_CACHE" in line and ".py" not in line


@pytest.mark.parametrize(
    ("command", "output"),
    [("explain", "x.html"), ("attribute", "x.npz"), ("groups", "x.png")],
)
def test_a_full_disk_is_told_of_by_the_name_of_the_file(run, tmp_path, command, output):
    layer = ["--layers" if command == "explain" else "--layer", "high"]
    with files_limited_to(3000):
        done = run(command, PHOTO, *layer, "-o", output)
    assert done.exit_code == 1
    line = done.output.strip().splitlines()[-1]
    assert f"'{output}' cannot be written" in line and "-o" in line and "Errno" not in line
    assert not (tmp_path / output).exists()


def test_a_place_that_cannot_be_written_to_is_refused_by_its_own_name(run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "made.html").mkdir()
    for output in ("file/x.html", "made.html"):
        done = run("explain", PHOTO, "-o", output)
        assert done.exit_code == 2
        assert f"'{output}' cannot be written to" in done.output
        assert "tmp" not in done.output.replace(output, "")


@pytest.mark.parametrize("command", ["explain", "attribute", "groups"])
def test_ctrl_c_ends_with_a_line_and_the_status_of_interruption(run, tmp_path, command):
    """It comes while the photo, a pipe that nobody writes to, is waited for."""
    os.mkfifo(tmp_path / "photo.png")

    def interrupt_when_read():
        with open(tmp_path / "photo.png", "wb"):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.5)

    thread = threading.Thread(target=interrupt_when_read)
    thread.start()
    done = run(command, "photo.png")
    thread.join()
    assert done.exit_code == 130, done.output
    assert "Stopped" in done.output.strip().splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


@pytest.mark.slow
def test_icons_that_were_drawn_before_ctrl_c_are_not_drawn_again(tmp_path):
    command = ["explain", PHOTO, "--interface", "channel-attribution"]
    process = subprocess.Popen(
        [*LUCIDX, *command],
        cwd=tmp_path,
        env={**os.environ, "LUCIDX_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 200
    while not (kept := icons(tmp_path)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "the same command goes on there" in errors.strip().splitlines()[-1]
    assert not (tmp_path / "explain.html").exists()
    written = {path: path.stat().st_ino for path in kept}
    done = lucidx(*command, cwd=tmp_path, LUCIDX_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_ino for path in kept} == written


def icons(directory):
    return sorted((directory / "cache" / "icons").glob("*/[!.]*"))
