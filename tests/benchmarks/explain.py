"""Whole-process time of `lucidx explain` for each interface: with no icons kept, and then with.

    python tests/benchmarks/explain.py PHOTO [--model NAME] [--quality fast|full] [INTERFACE...]

Ends with exit code 1 if any takes longer than it may on two cores that have nothing else to do.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from command_line import measure

from lucidx.interfaces.presets import PRESETS

LONGEST = {"fast": (90, 10), "full": (480, 480)}  # seconds, with no icons kept, and with them


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("photo", type=Path)
    parser.add_argument("--model", default="InceptionV1")
    parser.add_argument("--quality", choices=["fast", "full"], default="fast")
    parser.add_argument("interfaces", nargs="*", default=list(PRESETS))
    args = parser.parse_intermixed_args()
    photo = str(args.photo.resolve())
    print(f"{args.model}, {args.quality}, load {os.getloadavg()[0]:.1f} when begun")
    longest_cold, longest_warm = LONGEST[args.quality]
    print(f"At most {longest_cold} s cold, {longest_warm} s warm")
    too_long = []
    print(f"{'interface':24}{'cold':>8}{'warm':>8}{'MiB':>8}{'MB of page':>12}", flush=True)
    for interface in args.interfaces:
        with tempfile.TemporaryDirectory() as directory:
            os.environ["LUCIDX_CACHE"] = directory
            command = ["explain", photo, "--interface", interface, "-m", args.model]
            command += ["--quality", args.quality]
            cold, memory = measure(command, directory)
            warm, _ = measure(command, directory)
            size = (Path(directory) / "explain.html").stat().st_size / 1e6
        print(f"{interface:24}{cold:7.1f}s{warm:7.1f}s{memory:8.0f}{size:12.2f}", flush=True)
        if cold > longest_cold or warm > longest_warm:
            too_long.append(interface)
    if too_long:
        print(f"Too long: {', '.join(too_long)}")
    return bool(too_long)


if __name__ == "__main__":
    sys.exit(main())
