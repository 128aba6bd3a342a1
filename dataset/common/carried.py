"""Items carried to workers of a Dask cluster that do not see their files, and back what was made.

What an item reads goes to one worker in pieces, into a scratch folder (`dataset.common.scratch`).
The work runs there. What it wrote comes back in pieces, is held against its SHA-256, and takes its
place by a rename. Two pieces at a time are on their way, so that no recording, however long, needs
more memory. The scratch folder goes when the item is done or has failed; and where this process is
gone, killed or not, when the scheduler drops what it had asked for: a worker that is at an item
ends it first, for nothing stops a thread.
"""

import errno
import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

from acquire.atomic import atomic_file
from acquire.errors import AcqError

from .files import one_line
from .scratch import CarriedFile, Lost, Scratch, dumps, loads
from .workers import DIED, Outcome, Places, attempt

_PIECE_BYTES = 8 * 2**20       # Dask warns of arguments beyond 10 MB
_ON_THEIR_WAY = 2              # pieces
_TRIES = 3                     # workers that may die with an item
_LOOK_S = 1.0                  # between two looks whether a worker lives
_PIECE_S = 60.0                # that a piece may take to come, at most, before that look
_NO_WORKER_S = 30.0            # until a cluster that has lost all of its workers is given up
_STOPPED = "nobody waits for it any more"


def carry_through(
    client: Any, work: Callable[[Any], Any], items: Sequence[Any],
    places: Callable[[Any], Places | None],
) -> Iterator[tuple[int, Outcome[Any]]]:
    """Do `work` on each item, on workers that see none of its files; as `work_through`."""
    carrier = _Carrier(client, work, places)
    threads = sum(client.nthreads().values())
    with ThreadPoolExecutor(max(1, min(threads, len(items)))) as pool:
        futures = {
            pool.submit(attempt, carrier.carry, item): at for at, item in enumerate(items)
        }
        try:
            while futures:
                for future in wait(futures, return_when=FIRST_COMPLETED).done:
                    at, found = futures.pop(future), future.result()
                    yield at, found.value or Outcome(None, found.error, found.cause)
        finally:
            carrier.stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)


class _Carrier:
    """Carries items to a cluster's workers, each worker as many at a time as it has threads."""

    def __init__(
        self, client: Any, work: Callable[[Any], Any], places: Callable[[Any], Places | None]
    ) -> None:
        self._client, self._work, self._places = client, work, places
        self._line = threading.Semaphore(_ON_THEIR_WAY)
        self._busy: Counter[str] = Counter()         # threads of each worker
        self._freed = threading.Condition()
        self.stopped = threading.Event()             # nobody waits for the items any more

    def carry(self, item: Any) -> Outcome[Any]:
        """Do the work on one item: on a worker, or here where nothing is to be sent.

        Raises
        ------
        AcqError, OSError : a file cannot be sent, or what came back not written
        """
        places = self._places(item)
        if places is None:
            return attempt(self._work, item)
        why = ""
        for _ in range(_TRIES):
            address = self._take()
            try:
                return self._carry_to(address, item, places)
            except Lost as lost:
                why = str(lost)
            finally:
                self._give_back(address)
        return Outcome(None, why)

    def _carry_to(self, address: str, item: Any, places: Places) -> Outcome[Any]:
        scratch = self._submit(address, Scratch, str(places.writes))
        try:
            sent = [self._send(address, scratch, path) for path in places.reads]
            order = dumps((self._work, item))
            outcome, made = loads(self._ask(address, Scratch.do, scratch, order, sent))
            if os.strerror(errno.ENOSPC) in outcome.error:
                raise _full(address)
            self._fetch(address, scratch, made, places.writes)
            return outcome
        finally:
            with suppress(AcqError, Lost):
                self._ask(address, Scratch.remove, scratch)
            scratch.release()

    def _send(self, address: str, scratch: Any, path: Path) -> CarriedFile:
        before, digest = path.stat(), hashlib.sha256()
        with path.open("rb") as file:
            for _ in range(0, max(1, before.st_size), _PIECE_BYTES):
                digest.update(piece := file.read(_PIECE_BYTES))
                with self._line:
                    self._ask(address, Scratch.add, scratch, str(path), piece)
        after = path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise AcqError(
                expected="a file that nobody writes to", found="one that changed while it was sent",
                where=path, fix="wait until its recording has ended",
            )
        return CarriedFile(str(path), before.st_size, digest.hexdigest(), before.st_mtime_ns)

    def _fetch(self, address: str, scratch: Any, made: Sequence[CarriedFile], folder: Path) -> None:
        """Put what was written below a folder there into its place here."""
        pieces = self._read(address, scratch, made)
        for file in made:
            path, digest = Path(file.name), hashlib.sha256()
            if not path.is_relative_to(folder):
                raise AcqError(
                    expected=f"files below {folder} from the worker {address}", found=file.name
                )
            with atomic_file(path) as part:
                with part.open("wb") as out:
                    for _ in range(0, max(1, file.size), _PIECE_BYTES):
                        out.write(piece := next(pieces))
                        digest.update(piece)
                if digest.hexdigest() != file.sha256:
                    raise AcqError(
                        expected=f"the bytes that the worker {address} wrote",
                        found="others that came", where=path, fix="try again",
                    )

    def _read(self, address: str, scratch: Any, made: Iterable[CarriedFile]) -> Iterator[bytes]:
        for batch in _batches(made):
            with self._line:
                pieces = self._ask(address, Scratch.read, scratch, batch)
            yield from pieces

    def _submit(self, address: str, function: Callable[..., Any], *arguments: Any) -> Any:
        return self._client.submit(
            function, *arguments, workers=[address], allow_other_workers=False, pure=False
        )

    def _ask(self, address: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Let a worker do something; return what it returns.

        Raises
        ------
        Lost : the worker is gone: Dask itself would wait for it, for ever
        AcqError : it cannot be done there
        """
        from distributed import TimeoutError as TookTooLong
        from distributed import wait as wait_for

        if self.stopped.is_set():
            raise Lost(_STOPPED)
        future, piece_s = self._submit(address, function, *arguments), _LOOK_S
        try:
            while True:
                with suppress(TookTooLong):
                    wait_for(future, timeout=_LOOK_S)
                    return future.result(timeout=piece_s)
                piece_s = min(2 * piece_s, _PIECE_S)           # a line may be slow
                if self.stopped.is_set():
                    raise Lost(_STOPPED)
                if address not in self._client.nthreads():
                    raise Lost(DIED)
        except (Lost, AcqError):
            raise
        except (Exception, CancelledError) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise _full(address) from error
            raise AcqError(
                expected=f"the worker {address} to do it",
                found=f"{type(error).__name__}: {one_line(error)}",
            ) from error
        finally:
            future.release()

    def _take(self) -> str:
        """Wait for a worker with a thread to spare; return its address.

        Raises
        ------
        AcqError : there has been no worker for a while
        Lost : nobody waits for the item any more
        """
        end_s = time.monotonic() + _NO_WORKER_S
        with self._freed:
            while not self.stopped.is_set():
                threads = self._client.nthreads()
                free = [name for name, count in threads.items() if self._busy[name] < count]
                if free:
                    address = min(free, key=lambda name: self._busy[name])
                    self._busy[address] += 1
                    return address
                if threads:
                    end_s = time.monotonic() + _NO_WORKER_S
                elif time.monotonic() > end_s:
                    raise AcqError(expected="workers", found="none that live")
                self._freed.wait(_LOOK_S)
        raise Lost(_STOPPED)

    def _give_back(self, address: str) -> None:
        with self._freed:
            self._busy[address] -= 1
            self._freed.notify()


def _full(address: str) -> AcqError:
    return AcqError(
        expected=f"room for a copy and its results on the worker {address}", found="a full disk",
        fix="free some there, or start it with another folder for its local files",
    )


def _batches(files: Iterable[CarriedFile]) -> Iterator[list[tuple[str, int, int]]]:
    """Cut files into pieces, and put small ones together: a batch has a piece's bytes at most."""
    batch, size = [], 0
    for file in files:
        for first in range(0, max(1, file.size), _PIECE_BYTES):
            count = min(_PIECE_BYTES, file.size - first)
            if batch and size + count > _PIECE_BYTES:
                yield batch
                batch, size = [], 0
            batch.append((file.name, first, count))
            size += count
    if batch:
        yield batch
