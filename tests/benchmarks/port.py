"""CPU time of porting, by lines of Python 2, beside another version of lucidx.

    python tests/benchmarks/port.py [--lines N] [--other DIR]

DIR is another checkout. The two take turns, each in a process of its own, so that a machine whose
speed drifts treats both alike. The program is made of the corpus: its scripts in Python 2 are
repeated, each in a function of its own, until there are enough lines.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import textwrap
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "compat" / "corpus"
LINES, TURNS = 1000, 3


def program(lines: int) -> str:
    """A program of about so many lines."""
    scripts = [path.read_text("utf-8") for path in sorted(CORPUS.glob("python2_*.py"))]
    parts = ["import os"]
    for n, script in enumerate(itertools.cycle(scripts)):
        parts += [f"def part_{n}():", *textwrap.indent(script, "    ").splitlines()]
        if len(parts) >= lines:
            return "\n".join(parts) + "\n"


def measure(lines: int) -> float:
    """Seconds of CPU per 1,000 lines, once all is loaded."""
    from lucidx.compat.porting import Report, port_script

    text = program(lines)
    port_script("print 7 / 2\n", Report())
    begun = time.process_time()
    port_script(text, Report())
    return (time.process_time() - begun) * 1000 / text.count("\n")


def _run(tree: Path, lines: int) -> float:
    command = [sys.executable, __file__, "--lines", str(lines), "--one"]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--other", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(measure(args.lines))
        return
    ours, others = [], []
    for _ in range(TURNS):
        ours.append(_run(ROOT, args.lines))
        if args.other:
            others.append(_run(args.other.resolve(), args.lines))
    own = statistics.median(ours)
    print(f"{own:.2f} s per 1,000 lines")
    if others:
        other = statistics.median(others)
        print(f"{other:.2f} s in {args.other}: {other / own:.1f} times as long")


if __name__ == "__main__":
    main()
