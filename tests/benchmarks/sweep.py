"""A sweep against drawing one picture after another, and what its parts cost.

    python tests/benchmarks/sweep.py [--models DIR] [--model NAME --layer LAYER ...]

DIR holds the weights of models that do not come as a package. One by one means `render_vis` with
the size, steps and transforms of the sweep; two such pictures are drawn before it and two after it,
so that a machine whose speed drifts treats both alike, and a first one, which includes tracing,
does not count. The time of the sweep includes starting its workers, and the page at its end.

Parts are given in seconds of CPU, which do not depend on who else uses the machine:

- start: a worker that draws one picture in one step: imports, model, traces.
- step: what a worker takes for a picture and a step, its start left out.
- end: in the process that started them, for each picture: checks, index, sprites, page.

On two processors, with TensorFlow 2.21, 32 pictures of InceptionV1 mixed4d, 128 pixels, 256 steps:

    one by one 5.3 s, sweep 1.85 s each: 0.35; while others used the machine, 0.4 to 0.55
    start 5.3 s, step 12.7 ms, end 2.7 ms of CPU; 1.7 GB a worker
"""

from __future__ import annotations

import argparse
import functools
import os
import pickle
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def one_by_one(model, args: argparse.Namespace, number: int) -> list[float]:
    from lucidx.optvis import param, transform
    from lucidx.optvis.render import render_vis

    transforms = [
        *transform.standard_transforms,
        transform.crop_or_pad_to(args.size, args.size),
    ]
    return [
        seconds(
            lambda channel=channel: render_vis(
                model,
                f"{args.layer}:{channel}",
                lambda: param.image(args.size),
                transforms=transforms,
                thresholds=(args.steps - 1,),
                verbose=False,
                seed=0,
            )
        )
        for channel in range(number)
    ]


def cpu_seconds(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def of_workers(function: Callable[[], object]) -> float:
    """Seconds of CPU of processes that a function starts and ends."""
    before = cpu_seconds(resource.RUSAGE_CHILDREN)
    function()
    return cpu_seconds(resource.RUSAGE_CHILDREN) - before


def of_this(function: Callable[[], object]) -> float:
    """Seconds of CPU of this process while it runs a function."""
    before = cpu_seconds(resource.RUSAGE_SELF)
    function()
    return cpu_seconds(resource.RUSAGE_SELF) - before


def parts(model, directory: Path, args: argparse.Namespace, whole: Callable[[], object]) -> float:
    import cloudpickle

    from lucidx import picture_cache
    from lucidx.sweep import drawing, store, sweep

    settings = {"layers": args.layer, "size": args.size, "batch": args.batch}
    one = of_workers(
        lambda: sweep(model, directory / "one", channels=0, steps=1, workers=1, **settings)
    )
    workers = args.workers or os.cpu_count()
    taken: list[float] = []
    used = of_workers(lambda: taken.append(seconds(whole)))
    step = (used - workers * one) / (args.channels * args.steps)
    end = of_this(whole) / args.channels
    out = args.out or directory / "sweep"
    sizes = [file.stat().st_size for file in (out / "images").glob("*/*.png")]
    records = sum(file.stat().st_size for file in (out / "done").iterdir())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"sweep, {workers} workers: {taken[0]:.1f} s, {taken[0] / args.channels:.2f} s each")
    print(f"start {one:.1f} s, step {1000 * step:.1f} ms, end {1000 * end:.1f} ms of CPU")
    job = drawing.Job(out, model, picture_cache.model_digest(model), args.steps, 0)
    batch = store.read_plan(out).batches[0]
    sent = len(cloudpickle.dumps(functools.partial(drawing.draw_batch, job)))
    sent += len(pickle.dumps(batch))
    print(f"a worker has at most {peak / 1e3:.0f} MB, and is sent {sent} bytes a batch")
    print(
        f"a picture: {sum(sizes) / len(sizes) / 1000:.1f} kB of PNG, {records / args.channels:.0f} "
        f"bytes of record, {(out / 'index.html').stat().st_size / args.channels:.0f} of page"
    )
    return taken[0] / args.channels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", help="directory with weights")
    parser.add_argument("--model", default="EfficientNetLite0")
    parser.add_argument("--layer", default="block5c/output")
    parser.add_argument("--channels", type=int, default=32, help="how many")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=256)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--out", type=Path, help="where to keep the sweep")
    args = parser.parse_args()
    if args.models:
        os.environ["LUCIDX_MODELS"] = args.models
    import lucidx
    from lucidx.sweep import sweep

    model = lucidx.load(args.model)
    print(f"{args.model} {args.layer}: {args.channels} pictures of {args.size} pixels")
    _, *before = one_by_one(model, args, 3)
    with tempfile.TemporaryDirectory() as directory:

        def whole() -> None:
            sweep(
                model,
                args.out or Path(directory) / "sweep",
                layers=args.layer,
                channels=range(args.channels),
                size=args.size,
                steps=args.steps,
                batch=args.batch,
                workers=args.workers,
            )

        each = parts(model, Path(directory), args, whole)
    alone = [*before, *one_by_one(model, args, 2)]
    print(f"one by one: {', '.join(f'{one:.1f}' for one in alone)} s")
    print(f"ratio: {each * len(alone) / sum(alone):.2f} of the time one by one")


if __name__ == "__main__":
    main()
