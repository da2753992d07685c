"""Programs in the manner of Lucid's users run when ported, without Lucid and without compat."""

import os
import subprocess
import sys
from pathlib import Path

import port_running
import pytest

from lucidx.compat.porting import Report, port_file, port_notebook, port_script

HERE = Path(__file__).parent
CORPUS = [*sorted(HERE.glob("corpus/*.py")), *sorted(HERE.glob("corpus/*.ipynb"))]
QUICK = ("import_forms", "python2_kernel", "slim_layers", "sessions_across_cells", "tutorial")
OF_INCEPTION = [path for path in CORPUS if "InceptionV1" in path.read_text("utf-8")]


def test_there_are_enough_of_them():
    assert len(CORPUS) >= 30


def each(paths, quick):
    """Programs as parameters, slow but for some."""
    return [
        pytest.param(path, id=path.name, marks=[pytest.mark.slow] * (path.stem not in quick))
        for path in paths
    ]


@pytest.mark.parametrize("path", each(CORPUS, QUICK))
def test_each_is_ported_whole_and_once(path):
    ported = port_file(path)
    text = ported.after.decode()
    assert "import lucid\n" not in text
    assert "from lucid." not in text
    assert not any("kept as it is" in remark.what for remark in ported.report.remarks)
    again = port_script if path.suffix == ".py" else port_notebook
    assert again(text, Report()) == text


@pytest.mark.slow
def test_each_runs_when_ported():
    run([path for path in CORPUS if path not in OF_INCEPTION])


@pytest.mark.slow
@pytest.mark.usefixtures("inception_v1")
def test_those_of_inception_run_when_ported():
    run(OF_INCEPTION)


@pytest.mark.parametrize("name", ["bare_wrap_objective", "python2_print"])
def test_some_run_when_ported(name, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [port_running.NoLucid(), *sys.meta_path])
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"{name}.py"
    path.write_bytes(port_file(HERE / "corpus" / path.name).after)
    port_running.run(path)


def run(programs):
    paths = [str(HERE.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, HERE / "port_running.py", *programs],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    ran = {line.removeprefix("ran ") for line in done.stdout.splitlines() if line[:4] == "ran "}
    assert ran == {path.name for path in programs}
