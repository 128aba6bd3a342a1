"""See when this process did not run: it was stopped, starved, or held up by a disk that stalled.

A thread that does nothing but look at the clock ten times a second finds it moved on by more. What
the devices sent meanwhile waits in buffers of the system, and what those could not hold is lost:
its cause is neither the line nor the camera. (A host that is suspended stops its own clock;
`acquire.host_time` sees that.)
"""

import queue
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

from acquire import host_time

_LOOK_EVERY_S = 0.1
# a busy host delays a thread by tenths of a second, and the buffers of cameras last as long
_PAUSE_NS = 500_000_000
_MARGIN_NS = 100_000_000        # between a device's clock and this one, and in when it was seen


class HostPause(NamedTuple):
    """This process did not run between two moments of the session's clock [ns]."""

    from_ns: int
    to_ns: int

    @property
    def seconds(self) -> float:
        """How long it lasted [s]."""
        return (self.to_ns - self.from_ns) / 1e9


class HostWatch:
    """Notes pauses while its thread runs; a context manager.

    Parameters
    ----------
    now : reads the session's clock [ns]
    """

    def __init__(self, now: Callable[[], int] = host_time.now_ns) -> None:
        self.found: queue.SimpleQueue[HostPause] = queue.SimpleQueue()
        self._now = now
        self._looked_ns = now()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="host watch", daemon=True)

    def __enter__(self) -> "HostWatch":
        self._looked_ns = self._now()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(_LOOK_EVERY_S):
            self.look()

    def look(self) -> None:
        """Note a pause since the last look, if there was one."""
        before_ns, self._looked_ns = self._looked_ns, self._now()
        if self._looked_ns - before_ns > _PAUSE_NS:
            self.found.put(HostPause(before_ns, self._looked_ns))


def overlap_ns(pauses: Iterable[HostPause], from_ns: int, to_ns: int) -> int:
    """Return for how long this process did not run within a span [ns]."""
    return sum(max(0, min(to_ns, p.to_ns) - max(from_ns, p.from_ns)) for p in pauses)


def was_paused(pauses: Iterable[HostPause], from_ns: int, to_ns: int) -> bool:
    """Return whether this process did not run at some moment of a span, or just beside it."""
    return any(
        p.from_ns - _MARGIN_NS < to_ns and from_ns < p.to_ns + _MARGIN_NS for p in pauses
    )
