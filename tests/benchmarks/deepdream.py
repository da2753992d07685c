"""Peak memory of a whole process that dreams of a large photo, and how long a megapixel takes.

    python tests/benchmarks/deepdream.py [--size 2048x1536] [--steps 10] [--limit 2] [MODEL...]

Ends with exit code 1 if any process needs more memory than the limit. Memory does not depend on the
number of steps, time does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

OCTAVES, OCTAVE_SCALE = 4, 1.4

CHILD = """
import sys, time
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

import lucidx
from lucidx.recipes.deepdream import deepdream

name, width, height, octaves, octave_scale, steps = sys.argv[1:]
photo = Image.fromarray(load_sample_image("china.jpg")).resize((int(width), int(height)))
model = lucidx.load(name)
settings = {"octaves": int(octaves), "octave_scale": float(octave_scale), "progress": False}
deepdream(model, np.asarray(photo)[:256, :256], steps=1, **settings)  # traces
start = time.perf_counter()
dream = deepdream(model, np.asarray(photo), steps=int(steps), **settings)
print(time.perf_counter() - start)
assert dream.shape == (int(height), int(width), 3)
"""


def measure(name: str, width: int, height: int, steps: int) -> tuple[float, float]:
    """Seconds of the dream itself, and peak memory of the process in GB."""
    settings = [name, width, height, OCTAVES, OCTAVE_SCALE, steps]
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, settings)], stdout=subprocess.PIPE, text=True
    )
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"the dream of {name} failed")
    return float(said), usage.ru_maxrss * 1024 / 1e9


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", default=["InceptionV1", "EfficientNetLite0"])
    parser.add_argument("--size", default="2048x1536", help="of the photo, width by height")
    parser.add_argument("--steps", type=int, default=10, help="in each octave")
    parser.add_argument("--limit", type=float, default=2, help="of memory, in GB")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    photo = width * height / 1e6
    evaluated = sum(photo * OCTAVE_SCALE ** (-2 * k) for k in range(OCTAVES)) * args.steps
    print(f"{args.size}, {args.steps} steps, load {os.getloadavg()[0]:.1f} when begun")
    too_large = []
    for name in args.models:
        seconds, memory = measure(name, width, height, args.steps)
        print(
            f"{name:20}{memory:6.2f} GB{seconds:8.1f} s{seconds / photo:8.1f} s per megapixel of "
            f"the photo, {seconds / evaluated:.2f} s per megapixel and step",
            flush=True,
        )
        if memory > args.limit:
            too_large.append(name)
    if too_large:
        print(f"More than {args.limit:g} GB: {', '.join(too_large)}")
    return bool(too_large)


if __name__ == "__main__":
    sys.exit(main())
