"""Time per optimisation step, beside the original Lucid.

    python tests/benchmarks/step_time.py --models DIR [--reference SCRIPT --python PYTHON]

DIR holds InceptionV1_caffe.pb. SCRIPT is the reference: it prints one JSON line with
"ms_per_step_median", and PYTHON an interpreter that has what it needs. The two take turns, so that
a machine whose speed drifts treats both alike; what is printed for each turn is the median step.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

MODEL, LAYER, SIZE, WARM_UP, STEPS = "InceptionV1_caffe", "inception_4c_output", 128, 25, 60


def measure(batch: int) -> float:
    """Median milliseconds per step of lucidx, after the steps with redirected gradients."""
    import lucidx
    from lucidx.optvis import objectives, param, render

    model = lucidx.load(MODEL)
    objective = objectives.channel(LAYER, 10)
    vis = render.Visualization(model, objective, lambda: param.image(SIZE, batch=batch), seed=0)
    times = []
    for _ in range(WARM_UP + STEPS):
        start = time.perf_counter()
        vis.advance()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[WARM_UP:])


def _run(command: list[str], models: str) -> dict:
    environment = {**os.environ, "LUCIDX_MODELS": models, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", required=True)
    parser.add_argument("--reference")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps({"ms_per_step_median": measure(args.one)}))
        return
    for batch in args.batches:
        ours, theirs = [], []
        for _ in range(args.turns):
            own = [sys.executable, __file__, "--models", args.models, "--one", str(batch)]
            ours.append(_run(own, args.models)["ms_per_step_median"])
            if args.reference:
                model = os.path.join(args.models, f"{MODEL}.pb")
                other = [args.python, args.reference, "--pb", model, "--layer", LAYER]
                other += ["--channel", "10", "--size", str(SIZE), "--batch", str(batch)]
                theirs.append(_run(other, args.models)["ms_per_step_median"])
        line = f"batch {batch:>2}: lucidx {', '.join(f'{t:.1f}' for t in ours)} ms per step"
        if theirs:
            ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
            line += f"; Lucid {', '.join(f'{t:.1f}' for t in theirs)}"
            line += f"; ratio {', '.join(f'{r:.2f}' for r in ratios)}"
            line += f" (median {statistics.median(ratios):.2f})"
        print(line)


if __name__ == "__main__":
    main()
