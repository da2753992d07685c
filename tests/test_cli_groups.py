"""`lucidx groups`."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_sample_images

from lucidx import palette
from lucidx.cli import main


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["groups", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    directory = tmp_path_factory.mktemp("photos")
    for name, pixels in zip(("china", "flower"), load_sample_images().images, strict=True):
        Image.fromarray(pixels).resize((320, 214)).save(directory / f"{name}.png")
    return directory


def test_groups_are_drawn_on_the_photos(photos, tmp_path):
    done = run(photos / "china.png", "--groups", 2, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("groups.png: 2 groups in block6a/expand, relative error 0.")
    assert not done.stderr
    with Image.open(tmp_path / "groups.png") as sheet:
        assert sheet.width > 3 * 224
        # Below the photo both colours are named, below each group alone its own.
        below = np.asarray(sheet)[4 + 224 + 5]
    for k, middle in ((0, 4 + 56), (1, 4 + 168), (0, 4 + 228 + 112), (1, 4 + 2 * 228 + 112)):
        assert tuple(below[middle]) == tuple(bytes.fromhex(palette.GROUPS[k][1:]))


def test_a_picture_of_many_photos_shows_some_and_says_so(photos, tmp_path):
    for n in range(10):
        (tmp_path / f"{n}.png").write_bytes((photos / "china.png").read_bytes())
    done = run(tmp_path, "--groups", 2, "--layer", "block7a/expand", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert "shows 8 of 10 photos, and leaves out the other 2" in done.output
    with Image.open(tmp_path / "groups.png") as sheet:
        assert 8 * 224 < sheet.height < 9 * 300 and 3 * 224 < sheet.width < 3 * 240


def test_numbers_of_all_photos_are_written(photos, tmp_path, efficientnet):
    from lucidx.factorization import neuron_groups
    from lucidx.modelzoo.pictures import read_image

    layer = "block5a/expand"
    done = run(photos, "--layer", layer, "--groups", 3, "-o", "a.npz", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    files = sorted(photos.iterdir())
    images = np.stack([read_image(file, (224, 224, 3)) for file in files])
    expected = neuron_groups(efficientnet, images, layer, 3)
    with np.load(tmp_path / "a.npz") as made:
        assert made["files"].tolist() == [str(file) for file in files]
        assert made["names"].tolist() == ["group 0", "group 1", "group 2"]
        assert made["spatial"].shape == (2, 14, 14, 3)
        np.testing.assert_allclose(made["directions"], expected.directions, atol=1e-3)
        assert made["error"] == pytest.approx(expected.error, rel=1e-3)


def test_a_summary_says_where_groups_are(photos, tmp_path):
    done = run(photos, "--groups", 3, "--method", "KMeans", "-o", "a.json", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    made = json.loads((tmp_path / "a.json").read_text())
    assert made["made_by"]["method"] == "KMeans"
    shares = [group["share_of_all"] for group in made["groups"]]
    assert sum(shares) == pytest.approx(1)
    for group in made["groups"]:
        assert sum(group["share_per_file"]) == pytest.approx(1)
        assert 0 <= group["column"] <= 1
    assert [g["column"] for g in made["groups"]] == sorted(g["column"] for g in made["groups"])


def test_bad_requests_are_refused_in_one_line(photos, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"broken")
    assert "cannot be read" in refused("broken.png", cwd=tmp_path)
    linear = refused(photos, "--layer", "block4a/output", cwd=tmp_path)
    assert "--method KMeans" in linear and "--layer block" in linear and "method=" not in linear
    assert "block4" in refused(photos, "--layer", "block4a/outptu", cwd=tmp_path)
    assert ".npz" in refused(photos, "-o", "groups.txt", cwd=tmp_path)
    assert "can be 1 to" in refused(photos, "--groups", 700, cwd=tmp_path)
