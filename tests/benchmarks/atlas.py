"""What an atlas of 100,000 activations takes, and how fast its page moves.

    python tests/benchmarks/atlas.py [--number 100000] [--channels 512] [--classes 1000] [--grid 40]
    python tests/benchmarks/atlas.py --only collect --models DIR [--model InceptionV1]
        [--layers mixed3a,mixed4d,mixed5b] [--pictures 320]

- collect: what `collect` takes for a JPEG of 500x375, activations and what they argue for, by one
  worker of one thread: that of many pictures less that of 64, so that starting does not count.
- layout: `read_samples` of a file of synthetic activations and of one with what they argue for,
  whitening, UMAP (its compilation included), and the cells of four grids, in a process of its own.
  At most 10 minutes and 4 GB on two cores.
- page: an atlas of one grid, all of its cells filled, with cheap pictures for icons, opened in
  Chromium at 1200x900 and 360x740; frames per second while it is dragged and zoomed, at every
  frame, all icons in sight drawn, in each of its three ways to show classes. At least 30.

On two processors that seven other processes used too, with UMAP 0.5.12:

    layout of 100000 x 512, 1000 classes: 434 s (157 s of CPU), 2.8 GB
    page of 40x40 at 1200x900: 37 to 59 frames/s; at 360x740: 51 to 60
"""

from __future__ import annotations

import argparse
import os
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

LONGEST, LARGEST, SLOWEST = 600, 4.0, 30  # seconds, GB, frames per second
STARTING = 64  # pictures
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SCREENS = ((1200, 900), (360, 740))
GRIDS = (20, 40, 80, 160)

# Drag in a circle and zoom in and out, once in every frame, until the seconds are over.
MOVE = """
(seconds) => new Promise((done) => {
  const map = document.getElementById("map"), box = map.getBoundingClientRect();
  const at = (phase) => ({
    clientX: box.left + box.width * (0.5 + 0.3 * Math.cos(phase)),
    clientY: box.top + box.height * (0.5 + 0.3 * Math.sin(phase)),
    pointerId: 1, pointerType: "mouse", bubbles: true, cancelable: true,
  });
  map.setPointerCapture = () => {};
  map.dispatchEvent(new PointerEvent("pointerdown", at(0)));
  const start = performance.now();
  let frames = 0, missing = 0;
  const step = (now) => {
    const t = (now - start) / 1000;
    missing += Number(map.dataset.missing);
    if (t > seconds) {
      map.dispatchEvent(new PointerEvent("pointerup", at(t)));
      done({ rate: frames / t, missing: missing / frames, grid: map.dataset.grid });
      return;
    }
    frames++;
    map.dispatchEvent(new PointerEvent("pointermove", at(4 * t)));
    map.dispatchEvent(new WheelEvent("wheel", { ...at(t), deltaY: 60 * Math.sin(2 * t) - 8 }));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})
"""


def activations(number: int, channels: int) -> np.ndarray:
    """Like those behind a ReLU: mixtures of sparse directions, of any length."""
    rng = np.random.default_rng(0)
    shape = (300, channels)
    directions = np.maximum(rng.normal(0, 1, shape), 0) * (rng.random(shape) < 0.2)
    found = np.maximum(rng.normal(0, 0.15, (number, channels)).astype(np.float32), 0)
    shares = rng.dirichlet([1] * 3, number).astype(np.float32)
    for k in range(3):
        found += shares[:, k, None] * directions[rng.integers(len(directions), size=number)]
    return (found * rng.uniform(0.3, 3, (number, 1))).astype(np.float32)


def lay_out(directory: Path) -> None:
    """What is measured, in a process of its own."""
    from lucidx.recipes.activation_atlas.building import _layout
    from lucidx.recipes.activation_atlas.grid import filled
    from lucidx.recipes.activation_atlas.samples import read_samples
    from lucidx.recipes.activation_atlas.whitening import whitening

    samples = read_samples(directory / "acts.npy", scores=directory / "scores.npy")
    turn = whitening(samples.activations)
    layout, method = _layout(samples, 0, directory)
    for size in GRIDS:
        cells = filled(samples, layout, size, 1)
        print(f"{size}x{size}: {len(cells.counts)} cells filled, {(cells.means @ turn).shape}")
    print(method)


def write_pictures(directory: Path, number: int) -> float:
    """Parts of photos, about as large as ImageNet's; mean kB of a file."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    rng, photos = np.random.default_rng(0), load_sample_images().images
    for n in range(number):
        photo = Image.fromarray(photos[n % len(photos)])
        x, y = rng.integers(0, photo.width // 3), rng.integers(0, photo.height // 3)
        box = (x, y, x + 2 * photo.width // 3, y + 2 * photo.height // 3)
        photo.resize((500, 375), box=box).save(
            directory / f"photo_of_some_class_{n:05}.jpg", quality=85
        )
    return sum(path.stat().st_size for path in directory.iterdir()) / number / 1000


def collect_some(model: str, layer: str, pictures: Path, number: int, work: Path) -> None:
    """What is measured, in a process of its own."""
    import lucidx
    from lucidx import engines
    from lucidx.recipes.activation_atlas import collect

    run = engines.run

    def measured(function, tasks, **options):
        tasks = list(tasks)
        print(f"  task: {max(len(pickle.dumps(task)) for task in tasks) / 1000:.1f} kB", flush=True)
        return run(function, tasks, **options)

    engines.run = measured
    chosen = sorted(pictures.iterdir())[:number]
    made = collect(lucidx.load(model), layer, chosen, work, engine="loky", workers=1)
    assert made.count == number and not made.without_evidence, made


def measure_collecting(model: str, layers: list[str], number: int) -> None:
    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    with tempfile.TemporaryDirectory() as name:
        pictures = Path(name, "pictures")
        pictures.mkdir()
        print(f"pictures of {write_pictures(pictures, number):.0f} kB")
        for layer in layers:
            seconds = {}
            for some in (STARTING, number):
                work, before = Path(name, f"{some}.{layer}"), used()
                task = ["--collect", model, layer, pictures, str(some), work]
                subprocess.run([sys.executable, __file__, *task], check=True)
                seconds[some] = used() - before
            size = sum(path.stat().st_size for path in work.glob("shards/*"))
            each = (seconds[number] - seconds[STARTING]) / (number - STARTING)
            print(f"{layer}: {1000 * each:.0f} ms of CPU, {size / number / 1000:.2f} kB each")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"memory of a process: at most {memory:.1f} GB", flush=True)


def measure_layout(number: int, channels: int, classes: int) -> bool:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        np.save(directory / "acts.npy", activations(number, channels))
        scores = np.random.default_rng(1).normal(size=(number, classes)).astype(np.float16)
        np.save(directory / "scores.npy", scores)
        del scores
        start = time.perf_counter()
        subprocess.run([sys.executable, __file__, "--lay-out", name], check=True)
        seconds = time.perf_counter() - start
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory, worked = usage.ru_maxrss / 1e6, usage.ru_utime + usage.ru_stime
    what = f"layout of {number} x {channels}, {classes} classes"
    print(f"{what}: {seconds:.0f} s ({worked:.0f} s of CPU), {memory:.1f} GB", flush=True)
    return seconds <= LONGEST and memory <= LARGEST


def page(grid: int, classes: int):
    """A page of which every cell is filled, with discs for icons."""
    from lucidx.recipes.activation_atlas.building import Atlas, Level
    from lucidx.recipes.activation_atlas.grid import Cells
    from lucidx.recipes.activation_atlas.page import page_of

    rng = np.random.default_rng(0)
    rows, columns = np.divmod(np.arange(grid**2), grid)
    y, x = np.mgrid[-1:1:80j, -1:1:80j]
    noise = rng.integers(0, 60, (grid**2, 80, 80, 3))
    icons = (
        (x**2 + y**2 < 0.8)[..., None] * rng.integers(60, 195, (grid**2, 1, 1, 3)) + noise
    ).astype(np.uint8)
    cells = Cells(
        grid, columns, rows, rng.integers(1, 200, grid**2), np.empty((grid**2, 0)),
        rng.normal(size=(grid**2, classes)).astype(np.float32),
        [("photo.jpg",)] * grid**2,
    )  # fmt: skip
    settings = {
        "activations": 0, "zero_activations_left_out": 0, "grids": [grid], "threshold": 0,
        "layout": "nothing", "icon_steps": 0, "whitened": False, "collected": {},
    }  # fmt: skip
    labels = tuple(f"class {k}" for k in range(classes))
    return page_of(Atlas("synthetic", "layer", (Level(cells, icons),), labels, settings))


def measure_page(grid: int, classes: int) -> bool:
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)))
    slowest = float("inf")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as started:
        file = Path(name, "atlas.html")
        page(grid, classes).save(file)
        print(f"page of {grid}x{grid}: {file.stat().st_size / 1e6:.1f} MB")
        browser = started.chromium.launch(executable_path=path)
        for width, height in SCREENS:
            tab = browser.new_page(viewport={"width": width, "height": height})
            start = time.perf_counter()
            tab.goto(file.as_uri())
            tab.wait_for_selector("html[data-ready]", state="attached")
            print(f"{width}x{height}: ready after {time.perf_counter() - start:.1f} s")
            for shown in ("All", "One class", "Two classes"):
                tab.get_by_role("radio", name=shown, exact=True).click()
                tab.keyboard.press("Tab")
                found = tab.evaluate(MOVE, 5)
                slowest = min(slowest, found["rate"])
                rate, missing = found["rate"], found["missing"]
                print(f"  {shown}: {rate:.0f} frames/s, {missing:.2f} tiles missing", flush=True)
        browser.close()
    return slowest >= SLOWEST


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--number", type=int, default=100_000)
    parser.add_argument("--channels", type=int, default=512)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--grid", type=int, default=40)
    parser.add_argument("--lay-out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--collect", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=["collect", "layout", "page"])
    parser.add_argument("--models", type=Path, help="a directory of models; without, no collect")
    parser.add_argument("--model", default="InceptionV1")
    parser.add_argument("--layers", default="mixed3a,mixed4d,mixed5b")
    parser.add_argument("--pictures", type=int, default=320)
    args = parser.parse_args()
    if args.collect:
        model, layer, pictures, number, work = args.collect
        collect_some(model, layer, Path(pictures), int(number), Path(work))
        return 0
    if args.lay_out:
        lay_out(args.lay_out)
        return 0
    if args.models and args.only in (None, "collect"):
        os.environ["LUCIDX_MODELS"] = str(args.models)
        measure_collecting(args.model, args.layers.split(","), args.pictures)
    fine = True
    if args.only in (None, "layout"):
        fine &= measure_layout(args.number, args.channels, args.classes)
    if args.only in (None, "page"):
        fine &= measure_page(args.grid, args.classes)
    return not fine


if __name__ == "__main__":
    sys.exit(main())
