"""`lucidx activations`, as a process."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

LUCIDX = [sys.executable, "-c", "from lucidx.cli import main; main()"]
MODEL = ["EfficientNetLite0", "block1a/output"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    directory = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0).integers(0, 255, (6, 30, 40, 3)).astype(np.uint8)
    for i, pixels in enumerate(noise):
        Image.fromarray(pixels).save(directory / f"{i}.png")
    return directory


def activations(*arguments, cwd=None):
    return subprocess.run(
        [*LUCIDX, "activations", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
    )


def refused(*arguments, cwd=None):
    """The one line that the command refused with exit code 2 says."""
    done = activations(*arguments, cwd=cwd)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_activations_of_pictures_are_written(photos, tmp_path, efficientnet):
    from lucidx.modelzoo.pictures import read_image

    files = sorted(photos.iterdir())
    arguments = [*MODEL, files[1], photos, "-o", "acts.npz", "--size", "40x32"]
    done = activations(*arguments, "--batch-size", 2, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "acts.npz: 6 x 16 x 20 x 16\n"
    assert not done.stderr
    order = [files[1], files[0], *files[2:]]
    with np.load(tmp_path / "acts.npz") as made:
        assert made["files"].tolist() == [str(file) for file in order]
        assert json.loads(str(made["about"]))["image_shape"] == [32, 40, 3]
        images = np.stack([read_image(file, (32, 40, 3)) for file in order])
        expected = efficientnet.activations(images, MODEL[1])
        np.testing.assert_allclose(made["activations"], expected, rtol=1e-3, atol=1e-3)
    assert [path.name for path in tmp_path.iterdir()] == ["acts.npz"]


@pytest.mark.slow
def test_unreadable_pictures_stop_it_or_are_named(photos, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"broken")
    arguments = [*MODEL, photos, "broken.png", "-o", "acts.npz", "--size", "32", "--center"]
    assert "'broken.png' cannot be read" in refused(*arguments, cwd=tmp_path)
    done = activations(*arguments, "--skip-unreadable", cwd=tmp_path)
    assert done.stdout == "acts.npz: 6 x 16\n"
    assert done.stderr == "Skipped: broken.png\n"


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(photos, tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    for i in range(2000):
        os.link(photos / "0.png", many / f"{i:04d}.png")
    command = [*LUCIDX, "activations", *MODEL, "many", "-o", "acts.npz", "--size", "224"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    progress = tmp_path / "acts.npz.partial" / "progress.json"
    deadline = time.monotonic() + 60
    while not progress.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    line = errors.strip().splitlines()[-1]
    assert "of 2000 pictures. The same command goes on there." in line
    count = int(line.split("Stopped after ")[1].split()[0])
    assert json.loads(progress.read_text())["done"] == count > 0
    assert not (tmp_path / "acts.npz").exists()


def test_help_does_not_import_tensorflow():
    code = (
        "import sys\n"
        "from lucidx.cli import main\n"
        "try: main(['activations', '--help'])\n"
        "except SystemExit: print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cropped about its centre" in " ".join(done.stdout.split())
    assert "\n  lucidx activations EfficientNetLite0 head photos -o acts.npz\n" in done.stdout
    assert done.stdout.split()[-1] == "False"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["EfficientNetLite1", "head", "."], "Did you mean 'EfficientNetLite0'"),
        ([*MODEL, "nowhere"], "'nowhere' does not exist"),
        (MODEL, "Missing argument 'IMAGES...'"),
        ([*MODEL, ".", "-o", "x.npy"], "does not end in one of .npz, .zarr"),
        ([*MODEL, ".", "-o", "/proc/x.npz"], "cannot be written"),
        ([*MODEL, ".", "--size", "0x3"], "0x3 is not in the range 1 to 4096"),
        ([*MODEL, ".", "--size", "big"], "is not a size such as"),
        ([*MODEL, ".", "--batch-size", "0"], "0 is not in the range"),
    ],
)
def test_bad_input_is_refused(tmp_path, arguments, message):
    output = [] if "-o" in arguments else ["-o", "x.npz"]
    assert message in refused(*arguments, *output, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_what_takes_a_model_to_know_is_refused_before_the_work(photos, tmp_path):
    line = refused("EfficientNetLite0", "haed", photos, "-o", "x.npz", cwd=tmp_path)
    assert "Did you mean 'head'" in line
    line = refused(*MODEL, ".", "-o", "x.npz", cwd=tmp_path)
    assert "There are no pictures (.png, .jpg, .jpeg, .webp) in '.'" in line
    assert not list(tmp_path.iterdir())
