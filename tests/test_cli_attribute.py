"""`lucidx attribute`."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_sample_image

from lucidx import palette
from lucidx.cli import main


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["attribute", *map(str, arguments)])


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "flower.png"
    Image.fromarray(load_sample_image("flower.jpg")).resize((320, 214)).save(path)
    return path


def test_top_predictions_are_drawn_on_the_photo(photo, tmp_path):
    done = run(photo, "--method", "linear", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("attribution.png: ")
    assert done.stdout.strip().endswith("in block6a/expand")
    assert not done.stderr
    with Image.open(tmp_path / "attribution.png") as sheet:
        assert sheet.width > 3 * 224
        shown = {pixel for _, pixel in sheet.getcolors(sheet.width * sheet.height)}
    assert {tuple(bytes.fromhex(c[1:])) for c in (palette.FOR, palette.AGAINST)} <= shown  # the key


def test_numbers_are_those_of_the_library(photo, tmp_path, efficientnet):
    from lucidx.attribution import attribute
    from lucidx.modelzoo.pictures import read_image

    labels = efficientnet.labels
    chosen = ["--classes", f"{labels[281]},282", "--layer", "block5a/output", "--method", "linear"]
    done = run(photo, *chosen, "-o", "a.npz", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    image = read_image(photo, (224, 224, 3))
    with np.load(tmp_path / "a.npz") as made:
        assert made["classes"].tolist() == [labels[281], labels[282]]
        assert str(made["method"]) == "linear"
        np.testing.assert_array_equal(made["image"], image)
        for n, index in enumerate((281, 282)):
            expected = attribute(efficientnet, image, labels[index], "block5a/output")
            np.testing.assert_allclose(made["values"][n], expected.values, atol=1e-5)
            assert made["scores"][n] == pytest.approx(expected.score, rel=1e-4)


def test_a_summary_says_how_much_to_trust_it(photo, tmp_path):
    layer = ["--layer", "block6d/output", "--classes", "100"]
    done = run(photo, *layer, "-o", "a.json", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    made = json.loads((tmp_path / "a.json").read_text())
    assert made["method"] == "path"
    (found,) = made["classes"]
    assert np.shape(found["spatial"]) == (7, 7)
    assert 0 < abs(found["unweighted_gap"]) < 0.2
    assert np.sum(found["spatial"]) == pytest.approx(found["total"], abs=1e-3)
    assert abs(found["gap"]) < 0.02 * abs(found["total"] - found["gap"])
    values = [value for _, value in found["supporting"]]
    assert len(values) == 5 and values == sorted(values, reverse=True) and min(values) > 0


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16", "P"])
@pytest.mark.parametrize("size", [(1, 1), (900, 60)])
def test_any_picture_will_do(tmp_path, mode, size):
    pixels = Image.fromarray(np.arange(size[0] * size[1], dtype=np.uint8).reshape(size[::-1]))
    pixels = pixels.convert("I").convert("I;16") if mode == "I;16" else pixels.convert(mode)
    pixels.save(tmp_path / "a.png")
    settings = ["--method", "grad_cam", "--layer", "block6d/output", "--classes", "3"]
    done = run("a.png", *settings, "-o", "b.json", cwd=tmp_path)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--classes", "tabi"], "Did you mean"),
        (["--classes", "1000"], "classes 0 to 999"),
        (["--layer", "blok6a/expand"], "Did you mean"),
        (["--layer", "logits:3"], "logits"),
        (["--method", "liner"], "Did you mean 'linear'"),
        (["-o", "a.gif"], "does not end in"),
        (["-m", "EfficientNet"], "EfficientNetLite0"),
    ],
)
def test_bad_requests_are_refused_in_one_line(photo, tmp_path, arguments, message):
    done = run(photo, *arguments, cwd=tmp_path)
    assert done.exit_code == 2, done.output
    assert message in done.output.strip().splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_picture_is_refused(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    done = run("broken.png", cwd=tmp_path)
    assert done.exit_code == 2
    assert "cannot be read" in done.output
