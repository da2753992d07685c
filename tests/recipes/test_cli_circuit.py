"""`lucidx recipe circuit`."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from lucidx.cli import main

UNITS = ("block2a/output", "block2b/expand:4")
GROUPS = ("--groups", 2)
ICONS = ("--number", 2, "--size", 16, "--steps", 2)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path_factory.mktemp("cache")))


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", "circuit", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


def test_a_page_a_picture_and_the_numbers_are_of_one_circuit(tmp_path):
    for output, options in (("circuit.html", ICONS), ("circuit.png", ICONS), ("circuit.npz", ())):
        done = run(*UNITS, *GROUPS, *options, "-o", output, cwd=tmp_path)
        assert done.exit_code == 0, done.output
        assert done.output.splitlines()[-1] == output
    page = (tmp_path / "circuit.html").read_text("utf-8")
    with Image.open(tmp_path / "circuit.png") as picture:
        assert picture.width == 3 * 20 + 4
    with np.load(tmp_path / "circuit.npz") as stored:
        assert stored["weights"].shape == (1, 1, 24)
        norms = np.sqrt((stored["weights"] ** 2).sum((0, 1)))
        np.testing.assert_allclose(stored["norms"], norms, rtol=1e-5)
        assert f"correlation of {float(stored['correlation']):.2f}" in page
        groups = len(stored["group_directions"])
        assert stored["group_kernels"].shape == (groups, 1, 1)
        assert json.loads(str(stored["origin"]))["relu"] == "linear"
    strongest = int(np.argmax(norms))
    assert f"block2a/output:{strongest}<" in page
    assert len(re.findall('class="part"', page)) == 4 + groups


def test_photos_of_ones_own_of_which_damaged_ones_are_skipped(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(4):
        pixels = rng.integers(0, 256, (9, 12, 3), np.uint8).repeat(20, 0).repeat(20, 1)
        Image.fromarray(pixels).save(tmp_path / f"{k}.png")
    (tmp_path / "broken.png").write_bytes(b"broken")
    done = run(*UNITS, "--photos", ".", "--relu", "mean", "-o", "own.npz", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Skipped: './broken.png'")
    assert run(*UNITS, "-o", "usual.npz", cwd=tmp_path).exit_code == 0
    with np.load(tmp_path / "own.npz") as own, np.load(tmp_path / "usual.npz") as usual:
        assert json.loads(str(own["origin"]))["relu"] == "mean"
        assert abs(own["correlation"] - usual["correlation"]) > 0.01


def test_bad_requests_are_refused_in_one_line(tmp_path):
    Image.new("RGB", (20, 20)).save(tmp_path / "one.png")
    assert "mixed4b:12" in refused(UNITS[0], "block2b/expand", cwd=tmp_path)
    assert "144 channels" in refused(UNITS[0], "block2b/expand:144", cwd=tmp_path)
    assert "block2a/output" in refused("block2a/outptu", UNITS[1], cwd=tmp_path)
    assert "before" in refused("block2b/output", "block2a/output:1", cwd=tmp_path)
    assert "Softmax" in refused("head", "probabilities:3", cwd=tmp_path)
    assert ".npz" in refused(*UNITS, "-o", "circuit.gif", cwd=tmp_path)
    useless = ("--number", 6, "--steps", 9, "-o", "c.npz")
    assert "--number, --steps would change" in refused(*UNITS, *useless, cwd=tmp_path)
    assert "three" in refused(*UNITS, "--photos", "one.png", cwd=tmp_path)
    assert "does not exist" in refused(*UNITS, "--photos", "none.png", cwd=tmp_path)
    assert "InceptionV1" in refused(*UNITS, "-m", "IncpetionV1", cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["one.png"]
