"""Whole-process time and peak memory of the `lucidx` command, start-up included.

python tests/benchmarks/command_line.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

COMMANDS = (["--help"], ["models"], ["render"])
RUNS = 3


def measure(arguments: list[str], directory: str) -> tuple[float, float]:
    """Seconds and peak MiB of one run."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", "from lucidx.cli import main; main()", *arguments],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"lucidx {' '.join(arguments)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        for arguments in COMMANDS:
            runs = [measure(arguments, directory) for _ in range(RUNS)]
            seconds = ", ".join(f"{s:.2f}" for s, _ in runs)
            print(f"lucidx {' '.join(arguments)}: {seconds} s; {max(m for _, m in runs):.0f} MiB")


if __name__ == "__main__":
    main()
