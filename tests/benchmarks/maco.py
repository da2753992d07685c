"""What MACO gains over Fourier coefficients, for classes and the deepest channels.

    python tests/benchmarks/maco.py [--models DIR] [--steps N] [--classes N] [--channels N]

DIR holds the weights of models that do not come as a package. Pictures are made in three ways:
"fourier" is `render_vis` as it is by default, "crops" the same parameterization with MACO's windows
and noise, "maco" the recipe. Figures, means over the pictures, and over windows of all sizes:

- own: objective of the network that they were made for;
- judge: probability that another network, trained by others, gives to the class;
- first 5: how often the class is among the judge's first five;
- fine: share of the power at more than a quarter of a cycle per pixel, divided by that of photos.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from scipy import special
from sklearn.datasets import load_sample_images

CLASSES = {"goldfinch": 11, "tabby": 281, "school bus": 779, "strawberry": 949, "espresso": 967}
SIDE = 224
WINDOWS = 16


class Subject(NamedTuple):
    """A network, its class scores, its deepest layer with positions, and who judges it."""

    name: str
    scores: str
    layer: str
    judge: str


SUBJECTS = (
    Subject("EfficientNetLite0", "logits", "block7a/output", "InceptionV1_caffe"),
    Subject(
        "InceptionV1_caffe",
        "loss3_classifier/loss3_classifier",
        "inception_5b_output",
        "EfficientNetLite0",
    ),
)


def ways(steps: int) -> dict[str, Callable[[Any, str], np.ndarray]]:
    """From a model and an objective to a picture `[H, W, 3]`."""
    from lucidx.optvis import param, transform
    from lucidx.optvis.render import render_vis
    from lucidx.recipes.maco import maco

    windows = [transform.random_crops(SIDE, SIDE, (0.25, 0.75), 4), transform.noise(0.1)]

    def fourier(model: Any, objective: str, size: int, transforms: Any = None) -> np.ndarray:
        return render_vis(
            model,
            objective,
            lambda: param.image(size),
            transforms=transforms,
            thresholds=(steps - 1,),
            verbose=False,
            progress=False,
            seed=0,
        )[0][0]

    return {
        "fourier": lambda model, objective: fourier(model, objective, SIDE),
        "crops": lambda model, objective: fourier(model, objective, 3 * SIDE // 2, windows),
        "maco": lambda m, objective: maco(m, objective, steps=steps, progress=False).images[0],
    }


def fine(image: np.ndarray) -> float:
    """Share of an image's power at more than a quarter of a cycle per pixel."""
    h, w, _ = image.shape
    window = np.hanning(h)[:, None] * np.hanning(w)
    spectrum = np.fft.rfft2((image.mean(-1) - image.mean()) * window)
    frequency = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w))
    power = np.abs(spectrum) ** 2
    return float(power[frequency > 0.25].sum() / power.sum())


def figures(
    subject: Subject, objective: str, image: np.ndarray, models: dict[str, Any]
) -> list[float]:
    """Own, judge, first 5, fine; see the module."""
    from lucidx.optvis import randomness, transform

    layer, number = objective.rpartition(":")[0], int(objective.rpartition(":")[2])
    with randomness.stream(0):
        windows = transform.random_crops(SIDE, SIDE, (0.25, 1), WINDOWS)(image[None]).numpy()
    own = models[subject.name].activations(windows, layer)[..., number].mean()
    if layer != subject.scores:
        return [own, np.nan, np.nan, fine(image)]
    judge = next(other for other in SUBJECTS if other.name == subject.judge)
    said = models[judge.name].activations(windows, judge.scores)
    first = (np.argsort(-said, -1)[:, :5] == number).any(-1)
    return [own, special.softmax(said, -1)[:, number].mean(), first.mean(), fine(image)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", help="directory with weights")
    parser.add_argument("--steps", type=int, default=256)
    parser.add_argument("--classes", type=int, default=len(CLASSES))
    parser.add_argument("--channels", type=int, default=4)
    args = parser.parse_args()
    if args.models:
        os.environ["LUCIDX_MODELS"] = args.models
    import lucidx

    models = {subject.name: lucidx.load(subject.name) for subject in SUBJECTS}
    of_photos = np.mean([fine(photo[:427, :427] / 255) for photo in load_sample_images().images])
    print("pictures of                way        own   judge  first 5   fine   s/picture")
    for subject in SUBJECTS:
        kinds = {
            "classes": [f"{subject.scores}:{n}" for n in [*CLASSES.values()][: args.classes]],
            "channels": [f"{subject.layer}:{20 * n}" for n in range(args.channels)],
        }
        for kind, objectives in kinds.items():
            for way, draw in ways(args.steps).items():
                start = time.perf_counter()
                pictures = [draw(models[subject.name], objective) for objective in objectives]
                taken = (time.perf_counter() - start) / max(1, len(pictures))
                rows = [
                    figures(subject, objective, picture, models)
                    for objective, picture in zip(objectives, pictures, strict=True)
                ]
                own, judge, first, share = np.mean(rows, 0)
                print(
                    f"{subject.name:18}{kind:9}{way:8}{own:6.1f}{judge:8.2f}{first:9.2f}"
                    f"{share / of_photos:7.1f}{taken:12.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
