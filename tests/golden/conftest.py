"""Which golden folders are read, and one test for each of their cases."""

from pathlib import Path

import pytest
from parity import load_folders

KEPT = Path(__file__).parent / "data"
SHARED = Path(__file__).parents[3] / "shared" / "golden"
SLOW_KINDS = {"trajectory"}


def pytest_addoption(parser):
    parser.addoption(
        "--golden-dir",
        action="append",
        type=Path,
        help="folder of golden cases to run, instead of the usual ones; may be repeated",
    )


def pytest_generate_tests(metafunc):
    given = metafunc.config.getoption("golden_dir", default=None)
    folders = given or [folder for folder in (SHARED, KEPT) if folder.exists()]
    if "case" in metafunc.fixturenames:
        params = [_parameter(case, all_of_it=bool(given)) for case in load_folders(folders)]
        metafunc.parametrize("case", params)
    if "caffe_record" in metafunc.fixturenames:
        records = [folder / "caffe" / "googlenet.npz" for folder in folders]
        metafunc.parametrize("caffe_record", [file for file in records if file.exists()], ids=str)


def _parameter(case, all_of_it):
    marks = []
    # Who names a folder wants all of it, whatever the default selection of tests leaves out.
    if case["kind"] in SLOW_KINDS and not all_of_it:
        marks.append(pytest.mark.slow)
    return pytest.param(case, id=case.id, marks=marks)
