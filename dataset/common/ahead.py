"""Frames made in a thread while those before them are worked on.

Decoding lets other threads of Python run, so that on two cores a recording takes as long as the
longer of the two: to decode it, or what is done with its frames. HDF5 decodes in one thread at a
time; a second one would wait.
"""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np

from acquire.pool import own_cores

_AHEAD_BYTES = 16 << 20
_MOST = 32               # frames ahead; fewer where pictures are large

Time = TypeVar("Time")


@contextmanager
def read_ahead(
    frames: Iterator[tuple[np.ndarray, Time]],
) -> Iterator[Iterator[tuple[np.ndarray, Time]]]:
    """Open every frame in order, each made in a thread before it is asked for.

    An error of `frames` is raised after the frames before it. The thread is gone when the block
    ends, however it does; what `frames` reads from is to be open until then. A process that has one
    core of its own, as a worker among as many as there are cores, makes each frame when it is
    asked for.
    """
    if own_cores() < 2 or (first := next(frames, None)) is None:
        yield frames
        return
    most = min(_MOST, max(2, _AHEAD_BYTES // max(first[0].nbytes, 1)))
    waiting: queue.Queue[tuple[np.ndarray, Time] | Exception | None] = queue.Queue(most)
    is_over = threading.Event()
    thread = threading.Thread(
        target=_put_all, args=(frames, waiting, is_over), name="frames ahead", daemon=True
    )
    thread.start()
    try:
        yield _take_all(first, waiting)
    finally:
        is_over.set()
        thread.join()


def _put_all(
    frames: Iterator[tuple[np.ndarray, Time]], waiting: queue.Queue, is_over: threading.Event
) -> None:
    def put(item: object) -> None:
        while not is_over.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    try:
        for frame in frames:
            put(frame)
            if is_over.is_set():
                return
    except Exception as error:          # raised by the reader
        put(error)
    put(None)


def _take_all(
    first: tuple[np.ndarray, Time], waiting: queue.Queue
) -> Iterator[tuple[np.ndarray, Time]]:
    yield first
    while (item := waiting.get()) is not None:
        if isinstance(item, Exception):
            raise item
        yield item
