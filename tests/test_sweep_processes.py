"""Sweeps on engines, stopped and killed, as users run them."""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from command import LUCIDX, lucidx
from small_classifier import write

import lucidx as lucidx_package
from lucidx.sweep import drawing, sweep

ENGINES = ("loky", "dask", "ray")
PACKAGES = {"dask": "distributed", "ray": "ray"}
SMALL = ("--layers", "high,low", "--size", 32, "--steps", 400, "--batch", 1)
REAL = ("--layers", "block5c/output", "--channels", "0,3,9,11", "--size", 64, "--batch", 2)

# Whether the pictures in sight are there.
SEEN = """[...document.images].every(
    (image) => image.getBoundingClientRect().top > innerHeight || image.naturalWidth === 32
)"""


def contents(out):
    """All files that depend on the plan only."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and "done" not in path.parts and path.name != ".lock"
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write(str(tmp_path_factory.mktemp("model") / "small.pb"))


def swept(model, out, *settings):
    done = lucidx("sweep", model, *settings, "--workers", 2, "--out", out)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return contents(out)


@pytest.fixture(scope="module")
def undisturbed(small, tmp_path_factory):
    return swept(small, tmp_path_factory.mktemp("undisturbed") / "sweep", *SMALL)


@pytest.mark.slow
def test_all_engines_make_the_same_files(tmp_path):
    for package in PACKAGES.values():
        pytest.importorskip(package)
    steps = (*REAL, "--steps", 24)
    loky, dask, ray = (
        swept("EfficientNetLite0", tmp_path / engine, *steps, "--engine", engine)
        for engine in ENGINES
    )
    assert len([name for name in loky if name.startswith("images")]) == 4
    assert loky == dask == ray


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "layer"), [("efficientnet", "block5c/output"), ("inception_v1", "mixed4d")]
)
def test_a_picture_alone_is_the_same_in_every_bit_as_in_a_batch_of_16(
    name, layer, tmp_path, request
):
    model = request.getfixturevalue(name)
    settings = {"layers": layer, "size": 64, "steps": 32, "workers": 1}
    batch = sweep(model, tmp_path / "batch", channels=range(16), **settings)
    alone = sweep(model, tmp_path / "alone", channels=7, **settings)
    assert alone.pictures[0].sha256 == batch.pictures[7].sha256


class Running:
    """A sweep that is being drawn, in a process group of its own."""

    def __init__(self, model, out):
        self.out, self.before = out, self.pictures(out)
        command = [*LUCIDX, "sweep", model, *SMALL, "--workers", 2, "--out", out]
        self.process = subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )

    def workers(self):
        """The processes that draw, by their ids."""
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
        )
        lines = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
        return [int(pid) for pid, args in lines if "popen_loky" in args]

    @staticmethod
    def pictures(out):
        return len(list(out.glob("images/*/*.png")))

    def wait_for_a_picture(self):
        while self.process.poll() is None and self.pictures(self.out) <= self.before:
            time.sleep(0.02)

    def end(self):
        return self.process.communicate(timeout=120)


@pytest.mark.slow
def test_killed_at_ten_moments_it_becomes_what_an_undisturbed_run_makes(
    small, undisturbed, tmp_path
):
    out, moments = tmp_path / "sweep", random.Random(0)
    for kill in range(10):
        running = Running(small, out)
        if kill < 3:
            time.sleep(moments.uniform(0, 8))  # while it is being planned, or has just begun
        else:
            running.wait_for_a_picture()
            time.sleep(moments.uniform(0, 2))
        if kill % 2 and (workers := running.workers()):
            os.kill(moments.choice(workers), signal.SIGKILL)
            time.sleep(moments.uniform(0, 4))
        running.process.kill()
        running.end()
        if (out / "index.html").exists():
            shutil.rmtree(out)  # it was whole already
    assert swept(small, out, *SMALL) == undisturbed
    assert not list(out.rglob(".*.part*"))


@pytest.mark.slow
def test_a_killed_worker_is_replaced(small, undisturbed, tmp_path):
    running = Running(small, tmp_path / "sweep")
    running.wait_for_a_picture()
    os.kill(running.workers()[0], signal.SIGKILL)
    _, said = running.end()
    assert running.process.returncode == 0, said
    assert contents(tmp_path / "sweep") == undisturbed


@pytest.mark.slow
def test_a_batch_that_kills_its_worker_does_not_stop_the_others(small, tmp_path, monkeypatch):
    # Made here, so that it is sent as it is, and finds what it replaces in the worker.
    def deadly(job, batch):
        import os
        import signal

        from lucidx.sweep import drawing

        if batch.channels == (2,):
            os.kill(os.getpid(), signal.SIGKILL)
        return drawing.draw_batch(job, batch)

    monkeypatch.setattr(drawing, "draw_batch", deadly)
    settings = {"layers": "high", "size": 16, "steps": 2, "batch": 1, "workers": 1}
    swept = sweep(lucidx_package.load(small), tmp_path / "sweep", channels=[2, 5], **settings)
    assert [picture.channel for picture in swept.pictures] == [5]
    assert list(swept.failed) == ["high-0000"] and "worker died" in swept.failed["high-0000"]
    assert "worker died" in (swept.path / "index.html").read_text()
    assert (swept.path / "sprites/high.png").exists() and (swept.path / "index.csv").exists()
    monkeypatch.undo()
    again = sweep(lucidx_package.load(small), swept.path, channels=[2, 5], **settings)
    assert [picture.channel for picture in again.pictures] == [2, 5] and not again.failed
    assert not list((swept.path / "failed").iterdir())


@pytest.mark.slow
def test_ctrl_c_stops_quickly_and_says_how_far_it_is(small, tmp_path):
    running = Running(small, tmp_path / "sweep")
    running.wait_for_a_picture()
    workers = running.workers()
    stopped = time.monotonic()
    os.killpg(running.process.pid, signal.SIGINT)
    _, said = running.end()
    assert time.monotonic() - stopped < 5
    assert running.process.returncode == 130
    assert "of 14 batches are done. The same command goes on there." in said
    assert "Traceback" not in said
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_works_in_a_browser(width, undisturbed, tmp_path, browser):
    for name, content in undisturbed.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    page, wrong = browser.new_page(viewport={"width": width, "height": 800}), []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.goto((tmp_path / "index.html").as_uri())
    shown = page.locator("li:visible")
    assert shown.count() == 14
    for _ in range(100):
        if page.evaluate(SEEN):
            break
        page.wait_for_timeout(50)
    assert page.evaluate(SEEN)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.select_option("#layer", label="low (6)")
    assert shown.count() == 6 and page.inner_text("#shown") == "6 shown"
    page.fill("#channel", "4")
    assert shown.count() == 1 and page.inner_text("li:visible .number") == "4"
    page.fill("#channel", "77")
    assert page.locator("#none").is_visible()
    page.fill("#channel", "")
    page.select_option("#order", "objective")
    values = [float(item.get_attribute("data-objective")) for item in shown.all()]
    assert values == sorted(values, reverse=True)
    assert not wrong
    page.close()
