"""The host's two clocks: the session's own, and the unsteered one that is read beside it.

On Linux and macOS the session's clock is CLOCK_MONOTONIC, which NTP may slew; CLOCK_MONOTONIC_RAW
is read beside it. Windows has no second clock and needs none: its performance counter is not
slewed. (Before Python 3.13 `time.monotonic` is not that counter there, but one that moves in steps
of 15.6 ms.)
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

_COARSE_S = 1e-4                # a clock with steps of this size cannot stamp packets


class ClockReading(NamedTuple):
    """The session's clock and the unsteered one, read together [ns]."""

    monotonic_ns: int
    raw_ns: int


def choose_clocks(clocks: Any = time) -> tuple[Callable[[], int], Callable[[], int]]:
    """Return two functions that read the session's clock and the unsteered one [ns].

    Parameters
    ----------
    clocks : the module `time`, or one like it
    """
    is_coarse = clocks.get_clock_info("monotonic").resolution > _COARSE_S
    now = clocks.perf_counter_ns if is_coarse else clocks.monotonic_ns
    raw = getattr(clocks, "CLOCK_MONOTONIC_RAW", None)
    return now, now if raw is None else lambda: clocks.clock_gettime_ns(raw)


now_ns, _raw_ns = choose_clocks()


def read_clocks(
    now: Callable[[], int] = now_ns, raw: Callable[[], int] = _raw_ns
) -> ClockReading:
    """Read both clocks together [ns]; where there is only one, it stands for both.

    The unsteered clock is read between two readings of the other; the quickest of three tries
    counts.
    """
    if now is raw:
        return ClockReading(at_ns := now(), at_ns)
    tries = [(now(), raw(), now()) for _ in range(3)]
    before, raw_ns, after = min(tries, key=lambda t: t[2] - t[0])
    return ClockReading((before + after) // 2, raw_ns)
