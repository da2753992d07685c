"""`lucidx recipe caricature`."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_sample_image

from lucidx.cli import main

LAYERS = ("--layers", "block2b/output,block4a/output")


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", "caricature", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def china(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "china.png"
    Image.fromarray(load_sample_image("china.jpg")).save(path)
    return path


def test_layers_side_by_side_and_a_row_for_each_power(china, tmp_path):
    done = run(china, *LAYERS, "--cossim-pow", "0,2", "--steps", 2, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output == "caricature.png\n"
    with Image.open(tmp_path / "caricature.png") as sheet:
        assert sheet.width == 3 * 224 + 4 * 4
        assert 2 * 224 < sheet.height < 2 * 270
        cells = np.asarray(sheet)[4 : 4 + 224, 4:].reshape(224, 3, 228, -1)[:, :, :224]
    # The photo comes first, of the model's proportions, not squeezed.
    whole = Image.open(china).crop((106, 0, 533, 427)).resize((224, 224))
    assert np.abs(cells[:, 0] - np.asarray(whole, float)).mean() < 5
    assert np.abs(cells[:, 1] - cells[:, 2].astype(float)).mean() > 1


def test_bad_requests_are_refused_in_one_line(china, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"broken")
    assert "damaged" in refused("broken.png", cwd=tmp_path)
    assert "block2" in refused(china, "--layers", "block2b/outptu", cwd=tmp_path)
    assert "commas" in refused(china, "--layers", "block2b/output,,", cwd=tmp_path)
    assert "commas" in refused(china, "--cossim-pow", "0;1", cwd=tmp_path)
    assert "from 0 to 32" in refused(china, "--cossim-pow", "1000", cwd=tmp_path)
    assert "commas" in refused(china, "--cossim-pow", "nan", cwd=tmp_path)
    assert ".png" in refused(china, "-o", "caricature.gif", cwd=tmp_path)
    assert not (tmp_path / "caricature.png").exists()
