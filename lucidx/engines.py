"""Work that is larger than one process, on engines that exist: loky, Dask, Ray.

    for done in run(function, tasks, engine="dask", address="tcp://10.0.0.1:8786"):
        ...

The engines' own futures are used, and not joblib's wrappers of them: of Ray, joblib gives results
only when all are there; of Dask, it waits for ever for a task whose workers died.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import logging
import os
import pickle
import signal
import socket
import sys
import threading
import time
import traceback
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, as_completed
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeVar

from lucidx.arguments import whole
from lucidx.errors import InvalidValueError, LucidxError, MissingExtraError, did_you_mean

Task = TypeVar("Task")
Result = TypeVar("Result")
Submit = Callable[..., Future]

DEATHS = 5  # in a row, without a task being done in between, before everything is given up
SECONDS_TO_ANSWER = 30  # for a cluster elsewhere
# Of every worker. One thread each, so that results do not depend on how many cores it has: how
# sums are cut into parts depends on the number of threads. With a worker for each core it is also
# fastest.
ENVIRONMENT = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",  # what matters is raised
}


class WorkerDiedError(LucidxError, RuntimeError):
    """Processes ended while they worked: killed, out of memory, or crashed.

    Attributes
    ----------
    lost : the tasks that are not done.
    """

    def __init__(self, message: str, lost: list[Any]):
        super().__init__(message)
        self.lost = lost


class ClusterLostError(LucidxError, ConnectionError):
    """The scheduler of a cluster is gone: it ended, or the network did."""


class _Failure(NamedTuple):
    """What a worker returns of a task that raised."""

    error: Exception
    trace: str


def run(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    engine: str = "loky",
    workers: int | None = None,
    address: str | None = None,
) -> Iterator[Result]:
    """Call a function with each task, in other processes, and yield what it returns.

    All that is large is to be read and written by the function itself, on a disk that all workers
    see. Each worker has one thread, TensorFlow's operations included. What a task computes does
    not depend on the engine, nor on the number of workers; machines with different processors may
    round differently.

    A task whose worker dies is run again: by Dask and Ray themselves; on loky in new processes,
    twice beside others and then alone. When the iterator is closed, or Ctrl-C stops it, workers
    that were started here are killed. On a Dask cluster elsewhere, tasks that are being worked on
    are finished.

    Parameters
    ----------
    function : of one task. It is pickled (by cloudpickle).
    tasks : small, and can be pickled.
    engine : `"loky"`: processes of this machine. `"dask"`, `"ray"`: a cluster; they need the extras
        of these names. `"sequential"`: in this process, with the threads that it has; to debug.
    workers : by default the number of cores. It is for processes that are started here: a cluster
        elsewhere uses all it has.
    address : of the cluster's scheduler, such as `"tcp://10.0.0.1:8786"` for Dask and
        `"10.0.0.1:6379"` or `"auto"` for Ray. Without, one is started here, or for Ray the one is
        used that is already connected to. Dask's workers must have one thread (`dask worker
        --nthreads 1`), and there must be one within half a minute; others may come later.

    Yields
    ------
    What the function returns, in the order in which tasks are done.

    Raises
    ------
    InvalidValueError : there is no such engine; nothing answers at the address, or there are no
        workers there; a worker of Dask has several threads.
    MissingExtraError : the engine is not installed.
    ClusterLostError : a scheduler of Dask is gone.
    WorkerDiedError : workers died again and again; all other tasks were finished first.
    Exception : what the function raises, as soon as it does.
    """
    check(engine, workers, address)
    if engine == "sequential":
        return map(function, tasks)
    if workers is None:
        from loky import cpu_count

        workers = cpu_count()
    return _run(function, list(tasks), engine, workers, address)


def check(engine: str, workers: int | None = None, address: str | None = None) -> None:
    """Refuse what `run` would refuse, before any work; whether the address answers is not asked.

    Raises
    ------
    InvalidValueError, InvalidTypeError, MissingExtraError : as for `run`.
    """
    if engine not in _ENGINES and engine != "sequential":
        raise InvalidValueError(
            f"There is no engine {engine!r}. {did_you_mean(str(engine), [*_ENGINES, 'sequential'])}"
        )
    if workers is not None:
        whole("workers", workers)
    package = _PACKAGES.get(engine)
    if package is not None:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, engine, f"The engine {engine!r}")
    elif address is not None:
        raise InvalidValueError(f"An address is for Dask and Ray; the engine is {engine!r}.")


def _run(
    function: Callable[[Task], Result],
    tasks: list[Task],
    engine: str,
    workers: int,
    address: str | None,
) -> Iterator[Result]:
    import cloudpickle

    pickled = cloudpickle.dumps(function)
    left, lost, deaths = dict(enumerate(tasks)), [], 0
    while left and deaths < DEATHS:
        # After the second death in a row one at a time, so that it is known whose work kills.
        alone = deaths >= 2
        at_once = 1 if alone else workers
        deaths += 1
        with _ENGINES[engine](at_once, address) as submit:
            futures = {submit(_call, pickled, task): n for n, task in left.items()}
            for future in as_completed(futures):
                try:
                    result = future.result()
                except _deaths(engine):
                    continue
                except _losses(engine) as error:
                    raise ClusterLostError(
                        f"The {engine.title()} cluster{f' at {address}' if address else ''} is "
                        f"gone, and {len(left)} of {len(tasks)} tasks are not done. What is done "
                        "stays: run it again when the cluster is there."
                    ) from error
                if isinstance(result, _Failure):
                    raise result.error from RuntimeError(f"in a worker:\n{result.trace}")
                del left[futures[future]]
                deaths = 0
                yield result
        if engine != "loky":
            break
        # Tasks are begun in order: the first ones are those that were being done.
        first = list(left)[:at_once]
        if alone and first:
            lost.append(left.pop(*first))
        else:
            left |= {n: left.pop(n) for n in first}
    lost += left.values()
    if lost:
        raise WorkerDiedError(
            f"Workers died (killed, out of memory, or crashed), and {len(lost)} of {len(tasks)} "
            "tasks are not done; the others are. Run it again to do what is missing; with fewer "
            "workers, if memory is short.",
            lost,
        )


def _call(function: bytes, task: Task) -> Any:
    """In a worker: what the function returns, or a `_Failure`."""
    os.environ.update(ENVIRONMENT)  # of workers elsewhere; TensorFlow has not looked yet
    try:
        return _unpickled(function)(task)
    except Exception as error:
        return _Failure(_portable(error), traceback.format_exc())


# So that what a function holds, a model for instance, is the same object for all its tasks.
@functools.lru_cache(maxsize=1)
def _unpickled(function: bytes) -> Callable[..., Any]:
    return pickle.loads(function)


def _portable(error: Exception) -> Exception:
    """The error, or if it is lost on the way to another process, one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return LucidxError(f"{type(error).__name__}: {error}")
    return error


@contextlib.contextmanager
def _loky(workers: int, address: None) -> Iterator[Submit]:
    from loky import ProcessPoolExecutor

    executor = ProcessPoolExecutor(
        workers, env=ENVIRONMENT, initializer=_begin, initargs=(os.getpid(),)
    )
    try:
        yield executor.submit
    finally:
        executor.shutdown(wait=True, kill_workers=True)


def _begin(parent: int) -> None:
    """Leave Ctrl-C to the process that started this one, and end when that does."""
    _hide_native_messages()
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _hide_native_messages() -> None:
    """Keep from the terminal what is not Python's: TensorFlow greets whatever it is told."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)


@contextlib.contextmanager
def _dask(workers: int, address: str | None) -> Iterator[Submit]:
    from distributed import Client, LocalCluster, TimeoutError

    with contextlib.ExitStack() as stack:
        stack.enter_context(_silent(logging.getLogger("distributed.client")))
        here = address is None
        if here:
            address = stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    memory_limit=0,  # would kill workers
                    env=ENVIRONMENT,
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
            )
        client = stack.enter_context(
            _connected("Dask", address, Client, timeout=SECONDS_TO_ANSWER, set_as_default=False)
        )
        try:
            client.wait_for_workers(1, timeout=SECONDS_TO_ANSWER)
        except TimeoutError as error:
            raise InvalidValueError(
                f"The Dask cluster at {address!r} has no workers, not after {SECONDS_TO_ANSWER} s "
                f"either: start some with `dask worker {address} --nthreads 1`. A cluster that "
                "adapts needs a minimum of 1."
            ) from error
        if here:
            client.run(_hide_native_messages)
        submit = client.get_executor(pure=False).submit
        yield lambda call, *arguments: submit(_call_with_one_thread, call, *arguments)


@contextlib.contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    """Keep pages about lost connections from the terminal: what matters is raised."""
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _call_with_one_thread(call: Callable[..., Any], *arguments: Any) -> Any:
    """In a worker of Dask, since there may be new ones at any time: refuse several threads."""
    from distributed import get_worker

    worker = get_worker()
    if worker.state.nthreads > 1:
        refused = InvalidValueError(
            f"The Dask worker at {worker.address} has {worker.state.nthreads} threads. What it "
            "computes would depend on it; start it with `dask worker --nthreads 1`."
        )
        return _Failure(refused, "")
    return call(*arguments)


@contextlib.contextmanager
def _ray(workers: int, address: str | None) -> Iterator[Submit]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # would hide GPUs
    import ray

    with contextlib.ExitStack() as stack:
        if not ray.is_initialized():
            local = {"num_cpus": workers, "include_dashboard": False}
            stack.callback(ray.shutdown)
            _connected(
                "Ray",
                address,
                _start_ray,
                log_to_driver=False,
                logging_level=logging.ERROR,
                **({} if address else local),
            )
        call = ray.remote(_call)
        yield lambda _, *arguments: call.remote(*arguments).future()


def _start_ray(address: str | None, **options: Any) -> None:
    import ray

    place = urllib.parse.urlsplit(f"//{(address or '').rpartition('://')[2]}")
    if place.port:  # Ray itself would try for half an hour
        socket.create_connection((place.hostname, place.port), SECONDS_TO_ANSWER).close()
    ray.init(address, **options)


def _connected(name: str, address: Any, connect: Callable[..., Any], **options: Any) -> Any:
    try:
        return connect(address, **options)
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidValueError(f"No {name} cluster answers at {address!r}: {error}") from error


_ENGINES: dict[str, Callable[[int, Any], AbstractContextManager[Submit]]] = {
    "loky": _loky,
    "dask": _dask,
    "ray": _ray,
}
_PACKAGES = {"dask": "distributed", "ray": "ray"}


def _deaths(engine: str) -> tuple[type[Exception], ...]:
    """The errors by which an engine tells that a worker died."""
    if engine == "loky":
        from concurrent.futures.process import BrokenProcessPool

        return (BrokenProcessPool,)
    if engine == "dask":
        from distributed.scheduler import KilledWorker

        return (KilledWorker,)
    from ray import exceptions

    return (
        exceptions.WorkerCrashedError,
        exceptions.OutOfMemoryError,
        exceptions.NodeDiedError,
        exceptions.LocalRayletDiedError,
    )


def _losses(engine: str) -> tuple[type[BaseException], ...]:
    """The errors by which an engine tells that its scheduler is gone."""
    if engine == "dask":
        from distributed import CancelledError
        from distributed.comm import CommClosedError

        return (CancelledError, CommClosedError)
    return ()
