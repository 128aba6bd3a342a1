"""Work on many sessions: in this process, in several of this machine, or on a Dask cluster; the same code for all three.

A unit of work is a module-level function of one picklable item. What goes wrong with an item is that item's outcome, in one line;
the others go on. A cluster's workers see the same files under the same paths.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from acquire.errors import AcqError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Workers:
    """Who does the work."""

    jobs: int = 1                     # processes of this machine; 1 is this process itself
    scheduler: str | None = None      # instead: a Dask scheduler, such as tcp://10.0.0.1:8786


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """What came of one item."""

    value: Result | None
    error: str = ""                   # one line; "" where it went well


def work_through(
    work: Callable[[Item], Result], items: Sequence[Item], *, workers: Workers
) -> Iterator[tuple[int, Outcome[Result]]]:
    """Do `work` on each item; yield the item's place and its outcome, in the order they end."""
    if workers.jobs == 1 and workers.scheduler is None:
        for at, item in enumerate(items):
            yield at, _attempt(work, item)
        return
    with _executor(workers) as executor:
        places = {executor.submit(_attempt, work, item): at for at, item in enumerate(items)}
        for future in as_completed(places):
            yield places[future], future.result()


def _attempt(work: Callable[[Item], Result], item: Item) -> Outcome[Result]:
    try:
        return Outcome(work(item))
    except (AcqError, OSError) as error:
        return Outcome(None, " ".join(str(error).split()))


@contextmanager
def _executor(workers: Workers) -> Iterator[Executor]:
    # A fresh interpreter each: forking a process that already runs threads is not safe.
    with ProcessPoolExecutor(workers.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool
