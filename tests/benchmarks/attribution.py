"""Cost of linear attribution, beside one pass of the whole network forward and back.

    python tests/benchmarks/attribution.py [--model NAME] [--layers A B] [--batches 1 8]

The two take turns, so that a machine whose speed drifts treats both alike. Both are traced before
the clock starts. What is printed is the median of each, and of their ratio turn by turn.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

import lucidx
from lucidx import value_range
from lucidx.attribution import attribute

HIGHEST = 1.3  # what attribution may cost, as a multiple of the whole network's passes


def whole_network(model: lucidx.modelzoo.vision_base.Model, images: np.ndarray) -> Callable:
    """Function that computes the gradient of a class score with respect to images."""
    scores = model.function(value_range.class_scores(model))

    @tf.function(autograph=False)
    def gradient(images: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(images)
            score = tf.reduce_sum(scores(images)[:, 0])
        return tape.gradient(score, images)

    return lambda: np.asarray(gradient(tf.constant(images)))


def take_turns(functions: Sequence[Callable], turns: int) -> list[list[float]]:
    """Milliseconds of each function at each turn."""
    times = []
    for function in functions:
        function()
    for _ in range(turns):
        times.append([])
        for function in functions:
            start = time.perf_counter()
            function()
            times[-1].append(1e3 * (time.perf_counter() - start))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="EfficientNetLite0")
    parser.add_argument("--layers", nargs="+", help="By default a quarter, half and 3/4 of all.")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--turns", type=int, default=15)
    args = parser.parse_args()
    model = lucidx.load(args.model)
    names = [layer.name for layer in model.layers]
    layers = args.layers or [names[len(names) * n // 4] for n in (1, 2, 3)]
    score = f"{value_range.class_scores(model)}:0"
    for batch in args.batches:
        shape = [side or 224 for side in model.image_shape]
        images = np.random.default_rng(0).random((batch, *shape), np.float32)
        functions = [whole_network(model, images)]
        functions += [
            lambda layer=layer, images=images: attribute(model, images, score, layer)
            for layer in layers
        ]
        times = take_turns(functions, args.turns)
        for n, layer in enumerate(layers, 1):
            ratio = statistics.median(turn[n] / turn[0] for turn in times)
            medians = [statistics.median(turn[i] for turn in times) for i in (0, n)]
            print(
                f"batch {batch}, {layer}: network {medians[0]:.0f} ms, attribution "
                f"{medians[1]:.0f} ms, ratio {ratio:.2f} (at most {HIGHEST})"
            )


if __name__ == "__main__":
    main()
