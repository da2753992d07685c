"""Work in other processes. What is sent there is made inside functions: workers import no tests."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time

import pytest

from lucidx import engines
from lucidx.engines import ClusterLostError, WorkerDiedError
from lucidx.errors import InvalidValueError, LucidxError, MissingExtraError, NonFiniteLossError

CLUSTERS = [
    pytest.param("dask", marks=pytest.mark.slow),
    pytest.param("ray", marks=pytest.mark.slow),
]


@pytest.fixture(params=["sequential", "loky", *CLUSTERS])
def engine(request):
    package = {"dask": "distributed", "ray": "ray"}.get(request.param)
    if package:
        pytest.importorskip(package)
    return request.param


def test_results_are_the_same_on_every_engine(engine):
    offset = 10
    done = list(engines.run(lambda task: offset + task, range(6), engine=engine, workers=2))
    assert sorted(done) == [10, 11, 12, 13, 14, 15]


def test_no_task_is_no_work():
    assert list(engines.run(abs, [], engine="loky")) == []


def test_workers_have_one_thread():
    def threads(_):
        import tensorflow as tf

        tf.constant(0)
        return os.environ["TF_NUM_INTRAOP_THREADS"], os.environ["OMP_NUM_THREADS"], os.getpid()

    (first,) = engines.run(threads, [0], workers=1)
    assert first[:2] == ("1", "1") and first[2] != os.getpid()


def test_the_parent_needs_no_tensorflow():
    script = (
        "import sys; from lucidx import engines; list(engines.run(abs, [1], workers=1)); "
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_an_error_of_a_task_is_raised_as_it_is(engine):
    def fail(task):
        raise InvalidValueError(f"task {task}")

    with pytest.raises(InvalidValueError, match="task 7"):
        list(engines.run(fail, [7], engine=engine, workers=2))


def test_an_error_that_cannot_travel_says_the_same():
    def fail(task):
        raise NonFiniteLossError("The objective is not finite.", 3, None)

    with pytest.raises(LucidxError, match=r"NonFiniteLossError: The objective is not finite\."):
        list(engines.run(fail, [0], workers=1))


def test_a_task_whose_worker_was_killed_is_done_in_the_end(engine, tmp_path):
    if engine == "sequential":
        pytest.skip("It has no workers.")

    def work(task):
        import os
        import signal

        been = tmp_path / str(task)
        if task == 2 and not been.exists():
            been.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return task

    done = list(engines.run(work, range(5), engine=engine, workers=2))
    assert sorted(done) == list(range(5))


def test_a_task_that_always_kills_its_worker_costs_no_other():
    def work(task):
        import os
        import signal

        if task == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return task

    done = []
    with pytest.raises(WorkerDiedError, match="1 of 6 tasks are not done") as caught:
        done.extend(engines.run(work, range(6), workers=2))
    assert caught.value.lost == [1]
    assert sorted(done) == [0, 2, 3, 4, 5]


@pytest.mark.slow
@pytest.mark.parametrize("cluster", ["dask", "ray"])
def test_clusters_give_up_too(cluster):
    pytest.importorskip({"dask": "distributed"}.get(cluster, cluster))

    def work(task):
        import os

        os._exit(1)

    with pytest.raises(WorkerDiedError, match="1 of 1"):
        list(engines.run(work, ["x"], engine=cluster, workers=2))


def test_workers_end_when_nobody_wants_their_results(tmp_path):
    def work(task):
        import os
        import time

        if task:
            (tmp_path / "pid").write_text(str(os.getpid()))
            time.sleep(100)
        return task

    results = engines.run(work, [0, 1], workers=2)
    assert next(results) == 0
    pid = _wait_for_pid(tmp_path / "pid")
    results.close()
    _assert_ends(pid, 5)


ENDLESS = """
import pathlib, sys
from lucidx import engines

def work(file):
    import os, time
    pathlib.Path(file).write_text(str(os.getpid()))
    time.sleep(100)

if __name__ == "__main__":
    list(engines.run(work, [sys.argv[1]], engine=sys.argv[2], workers=1))
"""


@pytest.mark.parametrize("engine_name", ["loky", *CLUSTERS])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_process_that_started_them(engine_name, sent, tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    process = subprocess.Popen(
        [sys.executable, script, tmp_path / "pid", engine_name],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        pid = _wait_for_pid(tmp_path / "pid")
        process.send_signal(sent)
        process.communicate(timeout=20)
    _assert_ends(pid, 10)


def _wait_for_pid(file):
    return int(_wait_for_text(file))


def _wait_for_text(file):
    for _ in range(600):
        if file.exists() and (text := file.read_text()):
            return text
        time.sleep(0.1)
    raise AssertionError(f"Nobody wrote {file}.")


def _assert_ends(pid, seconds):
    for _ in range(10 * seconds):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True).stdout
        if not state.strip() or state.startswith(b"Z"):
            return
        time.sleep(0.1)
    raise AssertionError(f"{pid} is still there after {seconds} s.")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"engine": "locky"}, "There is no engine 'locky'. Did you mean 'loky'"),
        ({"engine": None}, "There is no engine None"),
        ({"address": "tcp://127.0.0.1:8786"}, "An address is for Dask and Ray"),
        ({"workers": 0}, "workers is at least 1"),
    ],
)
def test_impossible_requests_are_refused_at_once(options, said):
    with pytest.raises(InvalidValueError, match=said):
        engines.run(abs, [1], **options)


@pytest.mark.parametrize(("name", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_missing_engine_names_its_extra(name, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'lucidx\[{name}\]'"):
        engines.run(abs, [1], engine=name)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "address"), [("dask", "nonsense"), ("ray", "127.0.0.1:9")])
def test_an_address_where_nothing_answers_is_refused(name, address):
    pytest.importorskip({"dask": "distributed"}.get(name, name))
    with pytest.raises(InvalidValueError, match=f"No {name.title()} cluster answers"):
        list(engines.run(abs, [1], engine=name, address=address))


@pytest.mark.slow
def test_dask_workers_elsewhere_need_one_thread():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        pytest.raises(InvalidValueError, match="--nthreads 1"),
    ):
        list(engines.run(abs, [1], engine="dask", address=cluster.scheduler_address))


@pytest.fixture
def dask_cluster(tmp_path):
    """A scheduler of Dask, its address, and a function that starts workers for it."""
    pytest.importorskip("distributed")
    with contextlib.ExitStack() as stack:

        def start(*arguments):
            process = subprocess.Popen(
                [sys.executable, "-m", *map(str, arguments), "--no-dashboard"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        file = tmp_path / "scheduler.json"
        place = ("--host", "127.0.0.1", "--port", 0, "--scheduler-file", file)
        scheduler = start("distributed.cli.dask_scheduler", *place)
        address = json.loads(_wait_for_text(file))["address"]

        def add_worker(threads):
            options = ("--nthreads", threads, "--no-nanny", "--local-directory", tmp_path)
            return start("distributed.cli.dask_worker", address, *options)

        yield scheduler, address, add_worker


@pytest.mark.slow
def test_a_dask_cluster_without_workers_is_refused(dask_cluster, monkeypatch):
    _, address, _ = dask_cluster
    monkeypatch.setattr(engines, "SECONDS_TO_ANSWER", 2)
    with pytest.raises(InvalidValueError, match=rf"{address}' has no workers.*--nthreads 1"):
        list(engines.run(abs, [1], engine="dask", address=address))


@pytest.mark.slow
def test_a_dask_worker_that_comes_later_needs_one_thread_too(dask_cluster):
    _, address, add_worker = dask_cluster
    add_worker(threads=1)

    def work(task):
        import time

        time.sleep(0.5)
        return task

    results = engines.run(work, range(100), engine="dask", address=address)
    assert next(results) in range(100)
    add_worker(threads=2)
    with pytest.raises(InvalidValueError, match="has 2 threads"):
        list(results)


@pytest.mark.slow
def test_a_dask_scheduler_that_dies_is_said_in_a_sentence(dask_cluster, caplog, request):
    scheduler, address, add_worker = dask_cluster
    logger = logging.getLogger("distributed.client")  # it writes to the terminal by itself
    logger.addHandler(caplog.handler)
    request.addfinalizer(lambda: logger.removeHandler(caplog.handler))
    add_worker(threads=1)

    def work(task):
        import time

        time.sleep(0.5 if task == 0 else 100)

    results = engines.run(work, range(3), engine="dask", address=address)
    next(results)
    scheduler.kill()
    with pytest.raises(ClusterLostError, match=f"at {address} is gone, and 2 of 3 tasks are not"):
        list(results)
    assert not caplog.records
