"""Throughput of `Model.activations` beside a bare `tf.function`, and of `collect` beside it.

    python tests/benchmarks/activations.py [--models DIR] [--model NAME --layer LAYER ...]

DIR holds the weights of models that do not come as a package. All take the same pictures in the
same batches, in turns within one process, so that a machine whose speed drifts treats them alike.

- bare: a `tf.function` that imports the same frozen graph, called with the pictures as one array
  that is in memory already; gives a list of arrays, one for each batch.
- activations: `Model.activations` of the same array; gives one array.
- collect: `lucidx.modelzoo.activation_store.collect`, what `lucidx activations` runs, of the same
  pictures as PNG files of the size that the model sees; reads and decodes them, and writes an .npz.
  The other two do neither.

On two processors that others used too, with TensorFlow 2.21, in images per second (128 images of
224x224 in batches of 32; ratios are medians of 11 turns):

    EfficientNetLite0 head  bare 178; activations 179, 1.00 of it; collect 142, 0.78 of that
    InceptionV1 mixed4d     bare 67; activations 73, 0.97 of it; collect 56, 0.88 of that
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

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


def write_pictures(images: np.ndarray, directory: Path) -> None:
    from PIL import Image

    for number, image in enumerate(images):
        Image.fromarray(image).save(directory / f"{number:06}.png")


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
    from lucidx.modelzoo.activation_store import collect

    model = lucidx.load(args.model)
    layer = args.layer or DEFAULT_LAYERS[args.model]
    shape = (args.images, args.size, args.size, model.image_shape[-1])
    pixels = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    images = pixels / np.float32(255)
    bare = bare_function(model, layer, args.batch_size)

    def ours(images: np.ndarray) -> np.ndarray:
        return model.activations(images, layer, args.batch_size)

    with tempfile.TemporaryDirectory() as directory:
        pictures, result = Path(directory, "pictures"), Path(directory, "acts.npz")
        pictures.mkdir()
        write_pictures(pixels, pictures)

        def collected(images: np.ndarray) -> None:
            result.unlink(missing_ok=True)
            size = (args.size, args.size)
            collect(model, layer, [pictures], result, batch_size=args.batch_size, size=size)

        ways = (bare, ours, collected)
        expected, own, _ = [way(images) for way in ways]
        with np.load(result) as archive:
            for found in (own, archive["activations"]):
                np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-3, atol=1e-3)
        turns = [[seconds(way, images) for way in ways] for _ in range(args.turns)]
    theirs, own, files = (args.images / statistics.median(way) for way in zip(*turns, strict=True))
    over_bare = statistics.median(b / o for b, o, _ in turns)
    over_own = statistics.median(o / c for _, o, c in turns)
    print(
        f"{args.model} {layer}, {args.images} images of {args.size}x{args.size} in batches of "
        f"{args.batch_size}, median of {args.turns} turns: bare {theirs:.1f} images/s; activations "
        f"{own:.1f} images/s, {over_bare:.3f} of bare; collect {files:.1f} images/s, "
        f"{over_own:.3f} of activations"
    )


if __name__ == "__main__":
    main()
