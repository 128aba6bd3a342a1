"""The host's clock: the session's timeline, and the unsteered clock that it is read beside.

On Linux and macOS the session's clock is CLOCK_MONOTONIC, which NTP may slew, and
CLOCK_MONOTONIC_RAW runs beside it. Windows has no second clock and needs none: its performance
counter is not slewed. (Before Python 3.13 `time.monotonic` is not that counter there, but one that
moves in steps of 15.6 ms.)
"""

import time
from collections.abc import Callable
from typing import Any

_COARSE_S = 1e-4                # a clock that moves in steps of this is none to stamp packets with


def choose_clocks(clocks: Any = time) -> tuple[Callable[[], int], Callable[[], int]]:
    """Choose the session's clock and the unsteered one from what `time`, or a module like it, has:
    two functions that give ns.
    """
    coarse = clocks.get_clock_info("monotonic").resolution > _COARSE_S
    now = clocks.perf_counter_ns if coarse else clocks.monotonic_ns
    raw = getattr(clocks, "CLOCK_MONOTONIC_RAW", None)
    return now, now if raw is None else lambda: clocks.clock_gettime_ns(raw)


now_ns, _raw_ns = choose_clocks()


def read_clocks(
    now: Callable[[], int] = now_ns, raw: Callable[[], int] = _raw_ns
) -> tuple[int, int]:
    """Read both clocks together [ns]: the quickest of three tries, the unsteered one between two
    readings of the other.

    Where one clock is all there is, it is read once and stands for both.
    """
    if now is raw:
        return (at_ns := now()), at_ns
    tries = [(now(), raw(), now()) for _ in range(3)]
    before, raw_ns, after = min(tries, key=lambda t: t[2] - t[0])
    return (before + after) // 2, raw_ns
