"""`lucidx recipe interaction`."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from lucidx.cli import main

TWO = ("block2a/output:3", "block2a/output:4")
QUICK = ("--steps", 2, "--size", 32)


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", "interaction", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


def test_all_pairs_are_a_square(tmp_path):
    done = run(*TWO, "block2b/output:5", *QUICK, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output == "interaction.png\n"
    with Image.open(tmp_path / "interaction.png") as sheet:
        assert sheet.width == 3 * (32 + 4) + 4
        pixels = np.asarray(sheet)
    below = (sheet.height - 4) // 3
    np.testing.assert_array_equal(pixels[4:36, 40:72], pixels[4 + below : 36 + below, 4:36])


def test_weights_are_a_square_with_nothing_in_the_middle(tmp_path):
    done = run(*TWO, *QUICK, "--weights=-1,0,1", "-o", "a.png", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.width == 3 * (32 + 4) + 4
        below = (sheet.height - 4) // 3
        middle = np.asarray(sheet)[4 + below : 36 + below, 40:72]
    assert set(middle.ravel()) <= {127, 128}


def test_bad_requests_are_refused_in_one_line(tmp_path):
    assert "two" in refused(TWO[0], cwd=tmp_path)
    assert "3" in refused(*TWO, "espresso", "--weights=1", cwd=tmp_path)
    assert "one, two" in refused(*TWO, "--weights", "one, two", cwd=tmp_path)
    assert ".png" in refused(*TWO, "-o", "a.gif", cwd=tmp_path)
    assert "espresso" in refused(*TWO, "espreso", cwd=tmp_path)
    assert "24 channels" in refused(TWO[0], "block2a/output:24", cwd=tmp_path)
    assert not list(tmp_path.iterdir())
