"""Frames made in a thread while those before them are worked on."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_AHEAD_BYTES = 16 << 20
_MOST = 32               # frames ahead; fewer where pictures are large

Frame = tuple[np.ndarray, float]


@contextmanager
def read_ahead(frames: Iterator[Frame]) -> Iterator[Iterator[Frame]]:
    """Open every frame in order, each made in a thread before it is asked for.

    An error of `frames` is raised after the frames before it. Close it before what `frames` reads
    from.
    """
    first = next(frames, None)
    if first is None:
        yield iter(())
        return
    most = min(_MOST, max(2, _AHEAD_BYTES // max(first[0].nbytes, 1)))
    waiting: queue.Queue[Frame | Exception | None] = queue.Queue(most)
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


def _put_all(frames: Iterator[Frame], waiting: queue.Queue, is_over: threading.Event) -> None:
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


def _take_all(first: Frame, waiting: queue.Queue) -> Iterator[Frame]:
    yield first
    while (item := waiting.get()) is not None:
        if isinstance(item, Exception):
            raise item
        yield item
