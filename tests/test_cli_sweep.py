"""`lucidx sweep`, once as a process."""

import json

import pytest
from click.testing import CliRunner
from command import lucidx
from small_classifier import write

from lucidx.cli import main

FEW = ("--layers", "high", "--channels", "1,6,3", "--size", 16, "--steps", 2, "--batch", 2)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write(str(tmp_path_factory.mktemp("model") / "small.pb"))


@pytest.fixture(scope="module")
def swept(small, tmp_path_factory):
    out = tmp_path_factory.mktemp("swept") / "sweep"
    return lucidx("sweep", small, *FEW, "--workers", 1, "--out", out), out


def refused(*arguments):
    """What is said, when it is refused with exit code 2."""
    done = CliRunner().invoke(main, ["sweep", *map(str, arguments)])
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


def test_a_sweep_is_drawn_by_a_worker_without_a_word_of_its_own(swept):
    done, out = swept
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{out / 'index.html'}: 3 pictures"
    assert not done.stderr
    assert {file.name for file in (out / "images/high").iterdir()} == {"1.png", "3.png", "6.png"}
    records = [json.loads(file.read_bytes()) for file in sorted((out / "done").iterdir())]
    assert [len(record["pictures"]) for record in records] == [2, 1]


def test_the_same_command_goes_on_and_another_is_refused(small, swept):
    _, out = swept
    again = CliRunner().invoke(main, ["sweep", small, *map(str, FEW), "--out", str(out)])
    assert again.exit_code == 0 and "3 pictures" in again.output
    said = refused(small, *FEW, "--seed", 3, "--out", out)
    assert "a sweep with seed 0; it is 3 now" in said


def test_bad_requests_are_refused_in_one_line(small, tmp_path):
    out = ("--out", tmp_path / "sweep")
    assert "high" in refused(small, "--layers", "hihg", *out)
    assert "0 to 7" in refused(small, "--layers", "high", "--channels", "8", *out)
    assert "--images" in refused(small, "--channels", "top:2", *out)
    assert "An address is for Dask" in refused(small, "--address", "tcp://1.2.3.4:5", *out)
    assert "lucidx" not in refused(small, "--engine", "spark", *out).lower()
    assert "InceptionV1" in refused("InceptionV", *out)
    assert "--out" in refused(small)
