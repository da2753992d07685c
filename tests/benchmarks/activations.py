"""Throughput of `Model.activations` beside a bare `tf.function` on the same graph.

    python tests/benchmarks/activations.py [--models DIR] [--model NAME --layer LAYER ...]

DIR holds the weights of models that do not come as a package. Both take the same batches, in turns
within one process, so that a machine whose speed drifts treats both alike. The bare function
imports the same frozen graph and gives a list of arrays, one for each batch.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

DEFAULT_LAYERS = {"EfficientNetLite0": "head", "InceptionV1": "mixed4d"}


def bare_function(model, layer: str, batch_size: int) -> Callable[[np.ndarray], list[np.ndarray]]:
    """What one would write without lucidx."""
    import tensorflow as tf

    lo, hi = model.image_value_range

    def network(images: tf.Tensor) -> tf.Tensor:
        inputs = {model.input_name: lo + images * (hi - lo)}
        outputs = [f"{layer}:0"]
        return tf.graph_util.import_graph_def(model.graph_def, inputs, return_elements=outputs)[0]

    compute = tf.function(network, [tf.TensorSpec([None, None, None, None], tf.float32)])

    def run(images: np.ndarray) -> list[np.ndarray]:
        starts = range(0, len(images), batch_size)
        return [compute(tf.constant(images[i : i + batch_size])).numpy() for i in starts]

    return run


def seconds(function: Callable[[np.ndarray], object], images: np.ndarray) -> float:
    start = time.perf_counter()
    function(images)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", help="directory with weights")
    parser.add_argument("--model", default="EfficientNetLite0")
    parser.add_argument("--layer")
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--turns", type=int, default=15)
    args = parser.parse_args()
    if args.models:
        os.environ["LUCIDX_MODELS"] = args.models
    import lucidx

    model = lucidx.load(args.model)
    layer = args.layer or DEFAULT_LAYERS[args.model]
    shape = (args.images, args.size, args.size, model.image_shape[-1])
    images = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    bare = bare_function(model, layer, args.batch_size)

    def ours(images: np.ndarray) -> np.ndarray:
        return model.activations(images, layer, args.batch_size)

    np.testing.assert_allclose(ours(images), np.concatenate(bare(images)), rtol=1e-3, atol=1e-3)
    turns = [(seconds(bare, images), seconds(ours, images)) for _ in range(args.turns)]
    theirs, own = (args.images / statistics.median(side) for side in zip(*turns, strict=True))
    ratio = statistics.median(b / o for b, o in turns)
    print(
        f"{args.model} {layer}, {args.images} images of {args.size}x{args.size} in batches of "
        f"{args.batch_size}: bare {theirs:.1f} images/s, lucidx {own:.1f} images/s, ratio "
        f"{ratio:.3f} (median of {args.turns} turns)"
    )


if __name__ == "__main__":
    main()
