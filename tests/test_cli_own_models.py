"""A network of one's own on the command line: `lucidx models import`, `check`, and rendering it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from command import lucidx, refused
from PIL import Image

import lucidx as package


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """The frozen graph of a network that knows photos, by itself."""
    file = tmp_path_factory.mktemp("frozen") / "net.pb"
    file.write_bytes(package.load("EfficientNetLite0").graph_def.SerializeToString())
    return file


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    file = tmp_path_factory.mktemp("labels") / "classes.list"
    file.write_text("\n".join(package.load("EfficientNetLite0").labels), "utf-8")
    return file


def small_keras(channels, height=20, width=28):
    keras.utils.set_random_seed(0)
    images = keras.Input((height, width, channels))
    x = keras.layers.Conv2D(6, 3, activation="relu", name="first")(images)
    x = keras.layers.Conv2D(8, 3, activation="relu", name="second")(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(images, keras.layers.Dense(10, name="scores")(x))


def test_without_a_value_range_nothing_is_written_and_one_is_proposed(frozen, tmp_path):
    line = refused("models", "import", frozen, "-o", "x.pb", cwd=tmp_path)
    assert "--value-range is needed" in line
    assert "probably --value-range -1 1 or --value-range 0 1" in line
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_imported_network_is_checked_and_rendered_by_the_name_of_its_file(
    frozen, labels, tmp_path
):
    done = lucidx(
        "models", "import", frozen, "--value-range", -1, 1, "--labels", labels, "-o", "mine.pb",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("mine.pb: ")
    assert "Warning" not in done.stderr

    checked = lucidx("models", "check", "mine.pb", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    own = next(row for row in checked.stdout.splitlines() if row.startswith("as declared"))
    assert "palace" in own and "daisy" in own
    assert "seems right" in checked.stdout
    assert "cannot be told for certain from (0, 1)" in checked.stdout
    # Nothing of TensorFlow's; a unit may die while it is drawn.
    assert all(line.startswith("Warning: dead_gradient") for line in checked.stderr.splitlines())

    again = refused(
        "models", "import", "mine.pb", "--value-range", 0, 1, "-o", "x.pb", cwd=tmp_path
    )
    assert "is a model file already" in again
    with Image.open(tmp_path / "check.png") as sheet:
        assert np.asarray(sheet).std() > 20

    drawn = lucidx(
        "render", "block4c/output:3", "--model", "mine.pb", "--steps", 2, "--size", "48x32",
        cwd=tmp_path,
    )  # fmt: skip
    assert drawn.stdout == "render.png\n", drawn.stderr
    with Image.open(tmp_path / "render.png") as picture:
        assert picture.size == (48, 32)


@pytest.mark.slow
def test_a_wrong_value_range_is_noticed_on_import_and_on_check(frozen, tmp_path):
    imported = lucidx(
        "models", "import", frozen, "--value-range", 0, 255, "-o", "wrong.pb", cwd=tmp_path
    )
    assert imported.returncode == 0
    assert "Warning: value_range: wrong is fed images in (0, 255)" in imported.stderr
    assert "(-1, 1) or (0, 1)" in imported.stderr
    photo = tmp_path / "photo.png"
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(photo)
    checked = lucidx("models", "check", "wrong.pb", "--image", photo, cwd=tmp_path)
    assert checked.returncode == 1, checked.stderr
    assert "value_range: wrong is fed images in (0, 255)" in checked.stdout
    assert "photo.png" in checked.stdout


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 4])
def test_other_channels_and_other_shapes_go_the_whole_way(tmp_path, channels):
    small_keras(channels).save(tmp_path / "net.keras")
    done = lucidx("models", "import", "net.keras", "--value-range", 0, 1, cwd=tmp_path)
    assert done.stdout.startswith("net.pb: "), done.stderr
    for objective, size in (("first:1", (128, 128)), ("scores:2", (28, 20))):
        drawn = lucidx("render", objective, "--model", "net.pb", "--steps", 3, cwd=tmp_path)
        assert drawn.returncode == 0, drawn.stderr
        with Image.open(tmp_path / "render.png") as picture:
            assert picture.size == size


@pytest.mark.slow
def test_a_network_that_cannot_be_judged_is_drawn_all_the_same(tmp_path):
    small_keras(2).save(tmp_path / "net.keras")
    lucidx("models", "import", "net.keras", "--value-range", 0, 1, cwd=tmp_path)
    checked = lucidx("models", "check", "net.pb", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "20x28, 2 channels" in checked.stdout
    assert "cannot be judged" in checked.stdout
    drawn = lucidx(
        "render", "first:1", "--model", "net.pb", "--steps", 3, "--param", "laplacian",
        "--size", 32, "-o", "x.npy", cwd=tmp_path,
    )  # fmt: skip
    assert np.load(tmp_path / "x.npy").shape == (32, 32, 2), drawn.stderr


@pytest.mark.slow
def test_a_saved_model_is_imported_by_its_directory(tmp_path):
    small_keras(3).export(tmp_path / "saved", verbose=False)
    done = lucidx("models", "import", "saved", "--value-range", 0, 1, cwd=tmp_path)
    assert done.stdout.startswith("saved.pb: "), done.stderr
    loaded = package.load(str(tmp_path / "saved.pb"))
    assert loaded.name == "saved"
    images = np.random.default_rng(0).uniform(size=(2, 20, 28, 3)).astype(np.float32)
    saved = tf.saved_model.load(tmp_path / "saved")
    scores = np.asarray(saved.serve(images))
    last = loaded.layers[-1].name
    np.testing.assert_allclose(loaded.activations(images, last), scores, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.pb", "--value-range", 0, 1], "'nowhere.pb' does not exist"),
        (["text.pb", "--value-range", 0, 1, "-o", "x.pb"], "text.pb"),
        (["text.keras", "--value-range", 0, 1], "Keras cannot load text.keras"),
        (["folder", "--value-range", 0, 1], "folder"),
        (["text.pb", "--value-range", "a", 1], "'a' is not a number"),
        (["text.pb", "--value-range", 0, 1, "--image-shape", "3x4"], "not height,width,channels"),
        (["text.pb", "--value-range", 0, 1, "-o", "x.txt"], "does not end in one of .pb"),
        (["text.pb", "--value-range", 0, 1, "-o", "text.pb"], "is the file that is imported"),
        (["text.pb", "--value-range", 0, 1, "-o", "x.pb", "--labels", "binary"], "not a text file"),
        (["text.keras", "--value-range", 0, 1, "--input", "x"], "--input cannot be about it"),
        (["folder", "--value-range", 0, 1, "--input", "x"], "--input cannot be about it"),
    ],
)
def test_bad_input_is_refused_and_nothing_written(tmp_path, arguments, message):
    (tmp_path / "text.pb").write_text("not a graph")
    (tmp_path / "text.keras").write_text("not a model")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert message in refused("models", "import", *arguments, cwd=tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["EfficientNetLite9"], "Did you mean 'EfficientNetLite0'"),
        (["nowhere.pb"], "nowhere.pb"),
        (["EfficientNetLite0", "-o", "check.npy"], "does not end in one of .png"),
        (["EfficientNetLite0", "--image", "no.jpg"], "'no.jpg' does not exist"),
        (["EfficientNetLite0", "--image", "text.jpg"], "text.jpg"),
    ],
)
def test_a_check_that_cannot_be_made_is_refused(tmp_path, arguments, message):
    (tmp_path / "text.jpg").write_text("not a picture")
    assert message in refused("models", "check", *arguments, cwd=tmp_path)
    assert not (tmp_path / "check.png").exists()
