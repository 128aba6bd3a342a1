"""The host's clocks: the session's own, the unsteered one beside it, and the one of sleep.

On Linux and macOS the session's clock is CLOCK_MONOTONIC, which NTP may slew; CLOCK_MONOTONIC_RAW
is read beside it. Windows has no second clock and needs none: its performance counter is not
slewed. (Before Python 3.13 `time.monotonic` is not that counter there, but one that moves in steps
of 15.6 ms.)

Neither goes on while the host is suspended (a laptop's lid, hibernation). Linux has CLOCK_BOOTTIME,
which does: what it is ahead of CLOCK_MONOTONIC is how long the host has slept.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from .errors import SessionError

_COARSE_S = 1e-4                # a clock with steps of this size cannot stamp packets
_EARLIEST = datetime(2024, 1, 1, tzinfo=timezone.utc)  # nothing was recorded before it
_AWAKE_NS = 1_000_000           # a shorter suspension is none: waking takes longer


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


class Suspension(NamedTuple):
    """The host was suspended between two readings of the session's clock [ns]."""

    before_ns: int
    after_ns: int
    slept_ns: int       # for so long, which the session's clock does not show


def choose_boot_clock(clocks: Any = time) -> Callable[[], int] | None:
    """Return the function that reads the clock that goes on while the host is suspended [ns].

    None where the system has no such clock; suspensions are not seen there.

    Parameters
    ----------
    clocks : the module `time`, or one like it
    """
    boot = getattr(clocks, "CLOCK_BOOTTIME", None)
    return None if boot is None else lambda: clocks.clock_gettime_ns(boot)


_boot_ns = choose_boot_clock()


class SuspensionWatch:
    """Tell whether the host was suspended between two calls of `look`.

    The clock that goes on is read between two readings of the session's clock, so that a process
    which is not run meanwhile never takes that for a suspension.

    Parameters
    ----------
    now, boot : read the session's clock, and the one that goes on in sleep [ns]
    """

    def __init__(
        self, now: Callable[[], int] = now_ns, boot: Callable[[], int] | None = _boot_ns
    ) -> None:
        self._now, self._boot = now, boot or now
        self._at_ns, _, self._most_ahead_ns = self._read()

    def _read(self) -> tuple[int, int, int]:
        """Return the session's clock, and how far the other is ahead of it at least and at most."""
        before_ns, boot_ns, after_ns = self._now(), self._boot(), self._now()
        return after_ns, boot_ns - after_ns, boot_ns - before_ns

    def look(self) -> Suspension | None:
        """Return the suspension since the last look; None where there was none."""
        last_ns, (self._at_ns, least_ns, most_ns) = self._at_ns, self._read()
        slept_ns = least_ns - self._most_ahead_ns
        if slept_ns <= _AWAKE_NS:
            self._most_ahead_ns = min(self._most_ahead_ns, most_ns)
            return None
        self._most_ahead_ns = most_ns
        return Suspension(last_ns, self._at_ns, slept_ns)


def doubt_date(unix_s: float) -> str:
    """Return in words why the date cannot be right; "" where it may be.

    A board without a battery begins at 1970 or at the day its system was made.

    Raises
    ------
    SessionError : it is before 1970, and no session can say so
    """
    date = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=unix_s)
    said = f"this machine's clock says {date:%Y-%m-%d %H:%M} UTC"
    if unix_s < 0:
        raise SessionError(
            expected="a date after 1970", found=f"{date:%Y-%m-%d %H:%M} UTC",
            where="on this machine's clock", fix="set it",
        )
    if date < _EARLIEST:
        return f"{said}: recordings are named and dated wrongly until it is set"
    return ""
