"""Thousands of odd notebooks and scripts: each is ported, or refused with a lucidx error.

A file is its number: `python tests/fuzz/port_trial.py 1234 1235` ports the same again.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TRIALS = 5000
PROCESSES = 2
LONGEST = 900  # seconds


def start(first, last):
    paths = [str(HERE.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, HERE / "port_trial.py", str(first), str(last)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


@pytest.mark.slow
def test_each_is_ported_or_refused_and_no_cell_is_lost():
    share = TRIALS // PROCESSES
    running = [start(n * share, (n + 1) * share) for n in range(PROCESSES)]
    for process in running:
        said, _ = process.communicate(timeout=LONGEST)
        assert said == "done\n"
