"""`%%python2` cells under compat: programs apart from the notebook, for a Python that is gone."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(line: str, cell: str) -> None:
    """Run a cell as `python -m lucidx.compat` runs a script; what it prints comes at its end.

    Parameters
    ----------
    line : arguments of the program.
    cell : its source.

    Raises
    ------
    subprocess.CalledProcessError : it failed.
    """
    # The program finds modules where the notebook is, as from a pipe.
    places = [os.getcwd(), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cell.py")
        path.write_text(cell, "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "lucidx.compat", str(path), *shlex.split(line)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
            capture_output=True,
            text=True,
        )
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    done.check_returncode()
