"""Icons per second: drawn anew, and from the cache.

    python tests/benchmarks/icons.py [--models DIR] [--model NAME --layer LAYER ...]

DIR holds the weights of models that do not come as a package. The cache is a temporary directory.
The first icons of a layer include tracing; the next ones do not.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

DEFAULT_LAYERS = {"EfficientNetLite0": "block5c/output", "InceptionV1": "mixed4d"}


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", help="directory with weights")
    parser.add_argument("--model", default="EfficientNetLite0")
    parser.add_argument("--layer")
    parser.add_argument("--number", type=int, default=16)
    parser.add_argument("--size", type=int, default=80)
    parser.add_argument("--quality", default="fast")
    args = parser.parse_args()
    if args.models:
        os.environ["LUCIDX_MODELS"] = args.models
    import lucidx
    from lucidx.basis import channels
    from lucidx.icons import icons

    model = lucidx.load(args.model)
    layer = args.layer or DEFAULT_LAYERS[args.model]
    print(f"{args.model} {layer}, {args.quality}, {args.number} icons of {args.size} pixels")
    first, second = (
        channels(model, layer, range(start, start + args.number)) for start in (0, args.number)
    )
    with tempfile.TemporaryDirectory() as directory:
        os.environ["LUCIDX_CACHE"] = directory
        for name, basis in (("first", first), ("next", second), ("kept", first)):
            taken = seconds(
                lambda basis=basis: icons(model, basis, args.size, quality=args.quality)
            )
            print(f"{name}: {taken:.2f} s, {args.number / taken:.2f} icons/s")


if __name__ == "__main__":
    main()
