"""Processes that work for this one, and end with it.

Ctrl-C and a terminal that goes away reach every process of the terminal; here only this process
hears them, and ends its workers: each leaves its work at once, removes what it has half made and
begins nothing more. One that does not end in `END_S` is killed. A worker whose parent was killed
ends in the same way.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import Any, TypeVar

from .interrupts import WorkerEnded, accept, raise_on_signals, uninterrupted

END_S = 1.0         # from being told to end to being killed
_HEARD_HERE = [
    getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)
]

Result = TypeVar("Result")

_shared_cores = 0   # of a worker; 0: this process is none, and has all


def usable_cores() -> int:
    """Return on how many cores this process may run; where no system call tells it, of all."""
    affinity = getattr(os, "sched_getaffinity", None)       # of Linux alone
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def own_cores() -> int:
    """Return how many cores this process may use itself: of a worker, its share of them."""
    return _shared_cores or usable_cores()


def share_cores(cores: int) -> None:
    """Keep this process, a worker, to some of the cores: the others are for those beside it."""
    global _shared_cores  # noqa: PLW0603 - a pool tells each worker once
    _shared_cores = max(1, cores)


class Pool:
    """Processes to which work is given; see `open_pool`."""

    def __init__(self, jobs: int, prepare: Callable[..., object] | None, arguments: tuple) -> None:
        _start_helper()
        # a fresh interpreter each: forking a process that already runs threads is not safe
        self._executor = ProcessPoolExecutor(
            jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare_worker,
            initargs=(prepare, arguments),
        )

    def submit(self, work: Callable[..., Result], *arguments: Any) -> "Future[Result]":
        """Let a process do `work`, which can be pickled, as its arguments and its result can."""
        # A process that is started now inherits that it hears none; and another thread may take a
        # signal for this one, which must not leave a process half started.
        with uninterrupted(), _signals_waiting():
            return self._executor.submit(_work_until_ended, work, arguments)

    def close(self, *, now: bool) -> None:
        """End the processes; `now`: also what is under way, else when it is done."""
        if now:
            _end(multiprocessing.active_children())
        # once, and waited for: after one that does not wait, nothing ends the executor's own thread
        # before Python does, and both then close the same pipe
        self._executor.shutdown(wait=True, cancel_futures=True)


def _end(workers: list[Any]) -> None:
    """Let processes leave their work; what does not end in `END_S` is killed."""
    for worker in workers:
        worker.terminate()
    left, until_s = workers, time.monotonic() + END_S
    while left:
        sentinels = [worker.sentinel for worker in left]
        if not (ended := wait(sentinels, timeout=max(0.0, until_s - time.monotonic()))):
            break
        left = [worker for worker in left if worker.sentinel not in ended]
    for worker in left:
        worker.kill()


@contextmanager
def open_pool(
    jobs: int, *, prepare: Callable[..., object] | None = None, arguments: tuple = ()
) -> Iterator[Pool]:
    """Open a pool of processes, all of which are gone afterwards, whatever ends the block.

    Parameters
    ----------
    prepare, arguments : called in each process before its first work
    """
    pool = Pool(jobs, prepare, arguments)
    try:
        yield pool
    except BaseException:
        pool.close(now=True)
        raise
    pool.close(now=False)


@contextmanager
def open_threads(count: int | None = None) -> Iterator[ThreadPoolExecutor]:
    """Open threads; an error, such as that of a signal, does not wait for what they do."""
    executor = ThreadPoolExecutor(count)
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()


def make_queue() -> "multiprocessing.SimpleQueue[Any]":
    """Return a queue from the processes of a pool to this one, to be passed in `arguments`."""
    _start_helper()
    return multiprocessing.get_context("spawn").SimpleQueue()


def _start_helper() -> None:
    """Start the process with which Python counts semaphores, so that it hears no signal either."""
    with _signals_waiting():           # the helper itself lets them through afterwards
        resource_tracker.ensure_running()


@contextmanager
def _signals_waiting() -> Iterator[None]:
    """Let signals wait until the end of the block; processes started in it never hear them."""
    if not hasattr(signal, "pthread_sigmask"):      # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD_HERE)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker(prepare: Callable[..., object] | None, arguments: tuple) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare(*arguments)
    raise_on_signals("SIGTERM", error=WorkerEnded)    # until here there is nothing to remove


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _work_until_ended(work: Callable[..., Result], arguments: tuple) -> Result:
    try:
        return work(*arguments)
    except BaseException as error:
        if ended := accept(error):
            os._exit(ended.exit_code)                 # and nothing more is begun
        raise
