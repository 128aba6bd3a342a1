"""Work on many sessions, in this process, in several of this machine, or on a Dask cluster.

A unit of work is a function of one item, both picklable. An error of an item is that item's
outcome, in one line; the others go on. A worker that dies (killed, out of memory) costs its item,
not the run: the items that were in its pool are tried again one at a time, so that the one which
kills its worker is found and named. A cluster's workers run the same version of acq. Whether they
see the data folder, under the path that it has here, is asked before the work; where they do not,
each item's files are carried to them and back (`dataset.common.carried`).
"""

import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar

from acquire.atomic import PART
from acquire.errors import AcqError, Fix
from acquire.pool import Pool, open_pool, share_cores, usable_cores

from .files import one_line

Item = TypeVar("Item")
Result = TypeVar("Result")

CONNECT_S = 10
DIED = (
    "expected a worker that lives, found that it died at every try of this session; is there "
    "enough memory?"
)
START_S = 2.0                  # that a process takes to start: less work is not worth one
PROCESS_BYTES = 384 * 2**20    # a process with its libraries and a short recording
_FRAME_BYTES = 2000            # what grading keeps of each frame; writing one again keeps less
_READ_BYTES_S = 50e6           # of recordings, stored, that a core decodes and measures or writes
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Workers:
    """The processes that do the work."""

    # processes of this machine; 1 is this process itself, None as many as are worth their start
    jobs: int | None = 1
    scheduler: str | None = None      # instead: a Dask scheduler, such as tcp://10.0.0.1:8786
    folder: Path | None = None        # that a cluster works on; None: its workers see all files

    def seeing(self, data: Path) -> "Workers":
        """Return these workers; those of a cluster are then asked whether they see a folder."""
        return self if self.scheduler is None else replace(self, folder=data.resolve())

    def here(self) -> "Workers":
        """Return workers of this machine: for what takes less time than its files take to send."""
        return Workers(self.jobs)

    def for_work(
        self, items: int, work_s: float, *, process_bytes: int = PROCESS_BYTES
    ) -> "Workers":
        """Return these workers with a number of processes: where none is given what is worth it.

        Parameters
        ----------
        items : pieces of the work
        work_s : processor time of all of it [s], about
        process_bytes : memory that each process takes
        """
        if self.jobs is not None or self.scheduler is not None:
            return self
        by_memory = _available_bytes() // process_bytes
        cores = usable_cores()
        return Workers(max(1, min(items, cores, by_memory, int(work_s / START_S))))


@dataclass(frozen=True)
class Places:
    """Where an item's files are."""

    reads: tuple[Path, ...]           # files, by absolute paths as the work names them
    writes: Path                      # a folder: nothing is written beside it


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """The result of one item, or its error."""

    value: Result | None
    error: str = ""                   # one line; "" where it went well
    # the error with its facts, where it was one of ours
    cause: AcqError | None = field(default=None, compare=False)


def reading_bytes(longest: int) -> int:
    """Return the memory of a process that reads recordings; `longest`: frames of the longest."""
    return PROCESS_BYTES + longest * _FRAME_BYTES


def reading_s(recordings: Iterable[Path]) -> float:
    """Return about how long recordings take to be measured or converted [s]; 0 for lost ones."""
    return sum(path.stat().st_size for path in recordings if path.exists()) / _READ_BYTES_S


def _available_bytes() -> int:
    """Return the memory that programs may still take: of the machine, and of this container.

    No bound where the system has no file that tells it, as macOS.
    """
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return sys.maxsize
    of_machine = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    group = Path("/sys/fs/cgroup")
    try:
        most, used = ((group / name).read_text() for name in ("memory.max", "memory.current"))
        return min(1024 * of_machine, int(most) - int(used))
    except (OSError, ValueError):                  # no group, or one without a limit ("max")
        return 1024 * of_machine


def work_through(
    work: Callable[[Item], Result], items: Sequence[Item], *, workers: Workers,
    places: Callable[[Item], Places | None] | None = None,
) -> Iterator[tuple[int, Outcome[Result]]]:
    """Do `work` on each item; yield the item's index and its outcome, in the order they end.

    Parameters
    ----------
    places : the files of an item, which are carried to a cluster that does not see them; None of an
        item that takes no work any more, and is done here. None: all of it has to be seen

    Raises
    ------
    AcqError : the cluster does not answer, runs another version of acq, or does not see the data
        folder; or the extra `cluster` is not installed
    """
    if workers.scheduler is not None:
        yield from _on_cluster(work, items, workers.scheduler, workers.folder, places)
        return
    jobs = workers.jobs or 1                       # nobody said that the work is worth more
    if jobs == 1:
        for at, item in enumerate(items):
            yield at, attempt(work, item)
    else:
        yield from _in_processes(work, items, jobs)


def attempt(work: Callable[[Item], Result], item: Item) -> Outcome[Result]:
    """Do `work` on an item; return what came of it, be it an error."""
    try:
        return Outcome(work(item))
    except (AcqError, OSError) as error:
        cause = error if isinstance(error, AcqError) else None
        return Outcome(None, one_line(error), cause)
    except Exception as error:  # a defect of acq that one session shows: the others go on
        line = traceback.extract_tb(error.__traceback__)[-1]
        return Outcome(
            None,
            f"unexpected {type(error).__name__}: {one_line(error)}, in {line.filename}:"
            f"{line.lineno}; please report it",
        )


def _in_processes(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int
) -> Iterator[tuple[int, Outcome[Result]]]:
    waiting, suspects = list(range(len(items))), []
    while waiting:
        unfinished = set(waiting)
        with _pool(min(jobs, len(waiting))) as pool:
            # Not all at once: only what was submitted is suspected when a worker dies.
            futures = {pool.submit(attempt, work, items[at]): at for at in waiting[: 2 * jobs]}
            rest = iter(waiting[2 * jobs :])
            broken = False
            while futures and not broken:
                # not `as_completed`: a generator that is left runs code once more, and Ctrl-C in
                # that is ignored
                future = next(iter(wait(futures, return_when=FIRST_COMPLETED).done))
                at = futures.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    suspects += [at, *futures.values()]
                    broken = True
                    break
                unfinished.discard(at)
                yield at, outcome
                if (following := next(rest, None)) is None:
                    continue
                try:
                    futures[pool.submit(attempt, work, items[following])] = following
                except BrokenProcessPool:          # a worker died while the outcome was used
                    suspects += futures.values()
                    broken = True
        waiting = sorted(unfinished - set(suspects)) if broken else []
    for at in sorted(suspects):
        with _pool(1) as pool:
            try:
                yield at, pool.submit(attempt, work, items[at]).result()
            except BrokenProcessPool:
                yield at, Outcome(None, DIED)


@contextmanager
def _pool(jobs: int) -> Iterator[Pool]:
    before = {name: os.environ.get(name) for name in _THREADS}
    # BLAS reads them once, when a worker imports numpy
    os.environ.update((name, "1") for name in _THREADS)
    try:
        with open_pool(jobs, prepare=_one_of, arguments=(jobs,)) as pool:
            for _ in range(jobs):
                pool.submit(os.getpid)             # starts one each
            yield pool
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def _one_of(jobs: int) -> None:
    """Keep a worker to its share of the cores: more of them are used by more workers."""
    import cv2

    cv2.setNumThreads(1)
    share_cores(usable_cores() // jobs)


def check_seen(workers: Workers) -> None:
    """Refuse a cluster whose workers do not see the folder, for work that cannot be carried.

    Raises
    ------
    AcqError : at least one does not; or as `work_through`
    """
    if workers.scheduler is None or workers.folder is None:
        return
    with _client(workers.scheduler) as client:
        if blind := _blind(client, workers.folder):
            raise AcqError(
                expected=f"workers that see {workers.folder}",
                found=f"{', '.join(blind)}, which do not",
                fix="share the disk, mounted at the same path everywhere; this work is not sent",
            )


def _on_cluster(
    work: Callable[[Item], Result], items: Sequence[Item], scheduler: str, folder: Path | None,
    places: Callable[[Item], Places | None] | None,
) -> Iterator[tuple[int, Outcome[Result]]]:
    if places is None:
        check_seen(Workers(scheduler=scheduler, folder=folder))
    with _client(scheduler) as client:
        if places is not None and folder is not None and (blind := _blind(client, folder)):
            from .carried import carry_through

            warnings.warn(
                f"{len(blind)} of the cluster's workers do not see {folder}: what each item reads "
                "is copied to a worker, for as long as it works on it", stacklevel=2,
            )
            yield from carry_through(client, work, items, places)
            return
        from distributed import KilledWorker
        from distributed import as_completed as as_they_end

        futures = client.map(attempt_in_one_thread, [work] * len(items), items, pure=False)
        indices = {future.key: at for at, future in enumerate(futures)}
        for future in as_they_end(futures):
            try:
                outcome = future.result()
            except KilledWorker:                   # tried on several
                outcome = Outcome(None, DIED)
            except (Exception, CancelledError) as error:
                # a worker that cannot unpickle the work, a scheduler that went
                outcome = Outcome(
                    None,
                    f"expected the cluster to do it, found {type(error).__name__}: "
                    f"{one_line(error)}",
                )
            yield indices[future.key], outcome
            future.release()


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    """Yield a client of a cluster whose workers run this version of acq."""
    try:
        from distributed import Client
    except ImportError as error:
        raise AcqError(
            expected="Dask", found="none installed", fix=Fix.INSTALL_CLUSTER
        ) from error
    try:
        client = Client(scheduler, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise AcqError(
            expected="a Dask scheduler", found=f"none ({one_line(error).rstrip('.')})",
            where=f"at {scheduler}", fix="start one with `dask scheduler`",
        ) from error
    with client:
        versions: Any = client.run(_version)
        if not versions:
            raise AcqError(
                expected="workers", found="none", where=f"at {scheduler}",
                fix=f"start some with `dask worker {scheduler}`",
            )
        if others := sorted(set(versions.values()) - {version("acq")}):
            raise AcqError(
                expected=f"acq {version('acq')} on all workers", found=", ".join(others),
                where=f"at {scheduler}", fix="install one version everywhere",
            )
        yield client


def _blind(client: Any, folder: Path) -> list[str]:
    """Return the workers that do not see this very folder: they look for a file that is put there.

    A folder of the same name on a disk of their own is another one, and what they would write there
    nobody would find.
    """
    folder.mkdir(parents=True, exist_ok=True)      # the first run on a published set makes it
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".cluster.", suffix=PART) as sign:
        seen: Any = client.run(os.path.exists, sign.name)
    return sorted(worker for worker, sees in seen.items() if not sees)


def attempt_in_one_thread(work: Callable[[Item], Result], item: Item) -> Outcome[Result]:
    """Do `work` on an item on a worker of a cluster, which has others beside it."""
    _one_of(usable_cores())            # a cluster's worker has as many threads as cores
    return attempt(work, item)


def _version() -> str:
    return version("acq")
