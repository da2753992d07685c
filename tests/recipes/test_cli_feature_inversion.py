"""`lucidx recipe feature-inversion`."""

import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_sample_image

from lucidx.cli import main

LAYERS = ("--layers", "block2b/output, block4a/output")


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", "feature-inversion", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def china(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "china.png"
    Image.fromarray(load_sample_image("china.jpg")).resize((320, 214)).save(path)
    return path


def test_a_row_for_each_layer_with_all_strengths_and_how_close_they_came(china, tmp_path):
    done = run(china, *LAYERS, "--strengths", "0.1,2", "--steps", 2, "-o", "a.jpg", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    *rows, last = done.output.splitlines()
    assert last == "a.jpg"
    for row, layer in zip(rows, ("block2b/output", "block4a/output"), strict=True):
        assert row.startswith(f"{layer}: distance 0.")
        assert "(strength 0.1), " in row and row.endswith("(strength 2)")
    with Image.open(tmp_path / "a.jpg") as sheet:
        assert sheet.width == 3 * 224 + 4 * 4
        assert 2 * 224 < sheet.height < 2 * 270


def test_bad_requests_are_refused_in_one_line(china, tmp_path):
    assert "block2" in refused(china, "--layers", "block2b/outptu", cwd=tmp_path)
    assert "commas" in refused(china, "--strengths", "much", cwd=tmp_path)
    assert "commas" in refused(china, "--strengths", "-1", cwd=tmp_path)
    assert ".png" in refused(china, "-o", "inversion.npy", cwd=tmp_path)
