"""What a recording is missing, counted under its cause."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from acquire.clock.place_arrivals import GAP_S
from acquire.host_time import Suspension
from acquire.sensor.protocol import SAMPLE_OVERRUN, SAMPLE_RESTARTED
from acquire.sensor.thread import FELL_SILENT

from .host_watch import HostPause, was_paused

CAMERA_LOST = "lost by the camera"
CAMERA_AWAY = "while the camera was away"
HOST_BUSY = "read too late, as the machine was busy or acq was stopped"
STORAGE_BEHIND = "storage fell behind"
LINE_LOST = "lost on the serial line"
DEVICE_OVERRUN = "overrun on the device"
PART_FAILED = "the MAX30102 failed and was set up anew"
UNWRITTEN = "could not be written"
SILENT_END = "silent at the end"
# A device that is silent for this long at the end, and for three periods, has lost what is counted.
SILENT_END_S = 0.1
LOST_SAMPLES = "lost_samples"                       # kind of the events that name a jump
HOST_STOPPED = "the host did not run"
HOST_SUSPENDED = "the host was suspended"
_SETTLED_NS = 2_000_000_000     # what waited while the host did not run has come by then


@dataclass
class Losses:
    """Jumps in one sequence of numbers, by cause."""

    last: int = -1                                      # the latest number
    by_cause: Counter[str] = field(default_factory=Counter)

    def advance(self, sequence: int, cause: str) -> int:
        """Go on to the next sequence number; count and return how many are missing before it."""
        missing = sequence - self.last - 1
        self.last = sequence
        if missing > 0:
            self.by_cause[cause] += missing
        return max(missing, 0)

    def move(self, count: int, *, to: str, old: str) -> None:
        """Count some of the losses under another cause."""
        if count:
            self.by_cause[old] -= count
            self.by_cause[to] += count
            self.by_cause += Counter()                  # removes causes that fell to zero


class SilenceCount:
    """Counts, while recording, the samples for which a sensor without a clock was silent.

    Its samples carry no number: only the time in which none came tells. Samples that waited for a
    paused host come soon behind one another, and each of them shortens the gap.
    """

    def __init__(self, rate_hz: float) -> None:
        self._period_ns = 1e9 / rate_hz
        self._before = 0                     # in the gaps that are settled
        self._last: tuple[int, int] | None = None                # arrival [ns] and number
        self._gap: tuple[int, int] | None = None                 # the sample before the latest one
        self._gap_ns = 0.0                                       # how long it is, without periods
        self._settled_at_ns = 0

    def add(self, arrival_ns: int, sequence: int) -> None:
        """Take a sample's arrival and its number, which counts what came damaged."""
        last, self._last = self._last, (arrival_ns, sequence)
        if last is None:
            return
        if self._beyond(last) > GAP_S * 1e9:
            self._before, self._gap, self._gap_ns = self.missing, last, self._beyond(last)
            self._settled_at_ns = arrival_ns + _SETTLED_NS
        elif self._gap is not None and arrival_ns < self._settled_at_ns:
            self._gap_ns = min(self._gap_ns, self._beyond(self._gap))

    def _beyond(self, sample: tuple[int, int]) -> float:
        """Return by how much the latest sample is later than its number behind another says."""
        assert self._last is not None
        (arrival_ns, sequence), (before_ns, before) = self._last, sample
        return arrival_ns - before_ns - (sequence - before) * self._period_ns

    @property
    def missing(self) -> int:
        """How many samples there would have been."""
        is_gap = self._gap_ns > GAP_S * 1e9
        return self._before + (round(self._gap_ns / self._period_ns) if is_gap else 0)


def cause_of_flags(flags: int) -> str:
    """Return the cause of a gap before a sample, by the sample's flags."""
    if flags & SAMPLE_OVERRUN:
        return DEVICE_OVERRUN
    return PART_FAILED if flags & SAMPLE_RESTARTED else LINE_LOST


def count_jumps(
    counted: np.ndarray, sequence: np.ndarray, time_ns: np.ndarray, flags: np.ndarray,
    known: Mapping[int, str], *, pauses: Sequence[HostPause], suspensions: Sequence[Suspension],
    is_numbered: bool,
) -> Counter[str]:
    """Count every jump of the samples under its cause, by their final numbers and times.

    Parameters
    ----------
    counted, sequence, time_ns : (N,) int64; numbers as counted while recording, and the final ones
    flags : (N,) of the samples
    known : causes that were seen while recording, by the row behind the jump
    is_numbered : whether the sensor numbers its samples; of others a jump that was not counted is a
        time in which none came
    """
    missing = np.diff(sequence, prepend=-1) - 1
    untold = missing - (np.diff(counted, prepend=-1) - 1)
    by_cause: Counter[str] = Counter()
    for row in np.flatnonzero(missing > 0).tolist():
        cause = known.get(row) or cause_of_flags(int(flags[row]))
        if row and cause == LINE_LOST:
            span = int(time_ns[row - 1]), int(time_ns[row])
            if was_paused(pauses, *span):
                cause = HOST_STOPPED
            elif any(s.before_ns < span[1] and span[0] < s.after_ns for s in suspensions):
                cause = HOST_SUSPENDED
            elif not is_numbered and untold[row] > 0:
                cause = FELL_SILENT
        by_cause[cause] += int(missing[row])
    return by_cause


def correct_events(
    events: np.ndarray, counted: np.ndarray, sequence: np.ndarray, arrival_ns: np.ndarray
) -> tuple[np.ndarray, list[tuple[int, str, str]]]:
    """Correct the events that name a jump of the samples, after these were numbered again.

    Parameters
    ----------
    events : (V,) EVENT_DTYPE
    counted, sequence, arrival_ns : (N,) int64; the samples' numbers before and after

    Returns
    -------
    (V,) EVENT_DTYPE, and as (time, kind, text) the events of jumps that were not counted before
    """
    missing = np.diff(sequence, prepend=-1) - 1
    is_told = np.diff(counted, prepend=-1) > 1
    corrected = events.copy()
    for at in np.flatnonzero(events["kind"] == LOST_SAMPLES.encode()).tolist():
        match = re.fullmatch(rb"\d+ before sample (\d+)", bytes(events["text"][at]))
        row = int(np.searchsorted(counted, int(match[1]))) if match else len(counted)
        if row < len(counted):
            text = jump_text(int(missing[row]), int(sequence[row]))
            corrected["text"][at] = text.encode()
    untold = np.flatnonzero((missing > 0) & ~is_told)
    return corrected, [
        (int(at_ns), LOST_SAMPLES, jump_text(int(count), int(number)))
        for at_ns, count, number in zip(
            arrival_ns[untold], missing[untold], sequence[untold], strict=True
        )
    ]


def jump_text(missing: int, number: int) -> str:
    """Name a jump before a sample, in the event of it."""
    return f"{missing} before sample {number}"
