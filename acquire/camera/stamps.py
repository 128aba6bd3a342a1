"""Checks of a camera's time stamps, and what is derived from them: frame numbers and the rate.

A stamp is accepted while it does not go back and stays within a second of the monotonic clock. A
frame from the future is refused at once. An old frame may only have waited for a busy host; it is
refused when all frames of three seconds were as old, because a backlog is read in less time, and a
clock that drifts away stays away.
"""

import time
from collections import deque
from collections.abc import Callable
from statistics import median

import numpy as np

from acquire import host_time
from acquire.errors import StampError

from .source import CameraRate, VideoFrame

_TOLERANCE_NS = 1_000_000_000
_BACKLOG_NS = 3_000_000_000     # a host that was paused reads its backlog in far less
MEASURE_S = 1.5


class SequenceFromTime:
    """Number frames by their stamps, for cameras that do not count.

    A gap of n periods skips n - 1 numbers. The period is the median of the last steps: a camera
    that slows down in dim light has not lost every other frame. The price is that steady loss looks
    the same; the recorder reports where the period changes. Two frames with the same stamp count as
    one period apart.
    """

    def __init__(self, fps: float) -> None:
        self._steps_ns: deque[int] = deque([round(1e9 / fps)], maxlen=15)
        self._last_ns: int | None = None
        self._sequence = -1

    def learn(self, time_ns: int) -> None:
        """Learn the period from a frame without numbering it: the nominal rate may be wrong."""
        if self._last_ns is not None and time_ns > self._last_ns:
            self._steps_ns.append(time_ns - self._last_ns)
        self._last_ns = time_ns

    def restart(self) -> None:
        """Number the next frame 0; keep the period."""
        self._sequence = -1

    def periods_since(self, earlier_ns: int, time_ns: int) -> int:
        """Return how many periods lie between two stamps, at least one."""
        return max(1, round((time_ns - earlier_ns) / median(self._steps_ns)))

    def number(self, time_ns: int) -> int:
        """Return the sequence number of the frame stamped `time_ns`."""
        self._sequence += (
            1
            if self._sequence < 0 or self._last_ns is None
            else self.periods_since(self._last_ns, time_ns)
        )
        self.learn(time_ns)
        return self._sequence


def check_first_stamp(stamp_ns: int, camera: str, close: Callable[[], None]) -> None:
    """Close and refuse a camera that stamps a fresh frame over a second off CLOCK_MONOTONIC."""
    off_ns = host_time.now_ns() - stamp_ns
    if abs(off_ns) > _TOLERANCE_NS:
        close()
        raise StampError(
            expected=f"camera {camera} to stamp frames on CLOCK_MONOTONIC",
            found=f"a stamp {off_ns / 1e9:.1f} s off it", fix="check that the source is live",
        )


class StampWatch:
    """Check the stamps of a camera while it records."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._last_ns: int | None = None
        self._old_since_ns: int | None = None

    def check(self, time_ns: int, arrival_ns: int) -> None:
        """Check the stamp of the next frame against its arrival [ns].

        Raises
        ------
        StampError : it is earlier than the previous one, more than a second in the future, or all
            stamps of three seconds were too old
        """
        if self._last_ns is not None and time_ns < self._last_ns:
            back_ms = (self._last_ns - time_ns) / 1e6
            raise StampError(
                expected=f"stamps of camera {self._camera} that do not go back",
                found=f"one {back_ms:.1f} ms before the last",
            )
        self._last_ns = time_ns
        age_ns = arrival_ns - time_ns
        if age_ns <= _TOLERANCE_NS:
            self._old_since_ns = None
        elif self._old_since_ns is None:
            self._old_since_ns = arrival_ns
        if age_ns < -_TOLERANCE_NS or (
            self._old_since_ns is not None and arrival_ns - self._old_since_ns > _BACKLOG_NS
        ):
            raise StampError(
                expected=f"camera {self._camera} to keep to CLOCK_MONOTONIC",
                found=f"its stamps {age_ns / 1e9:.1f} s off it",
            )


def measure_rate(
    read: Callable[[float], VideoFrame | None], asked_fps: float, *, seconds: float = MEASURE_S
) -> CameraRate:
    """Read frames until their stamps span `seconds`, at most twice as long; return their rate."""
    give_up = time.monotonic() + 2 * seconds + 1.0
    times_ns: list[int] = []
    while (left_s := give_up - time.monotonic()) > 0:
        frame = read(min(left_s, 0.5))
        if frame is not None:
            times_ns.append(frame.time_ns)
        if times_ns and times_ns[-1] - times_ns[0] >= seconds * 1e9:
            break
    return rate_from_stamps(np.array(times_ns, dtype=np.int64), asked_fps)


def rate_from_stamps(times_ns: np.ndarray, asked_fps: float) -> CameraRate:
    """Return the rate of frame stamps [ns], (N,) int64; 0 for fewer than three."""
    if len(times_ns) < 3 or times_ns[-1] <= times_ns[0]:
        return CameraRate(asked_fps, fps=0.0, span_s=0.0, jitter_ms=0.0, gaps=0, longest_ms=0.0)
    steps_ms = np.diff(times_ns) / 1e6
    without_gaps = steps_ms[steps_ms <= 1.5 * np.median(steps_ms)]
    span_s = float(times_ns[-1] - times_ns[0]) / 1e9
    return CameraRate(
        asked_fps, fps=(len(times_ns) - 1) / span_s, span_s=span_s,
        jitter_ms=float(without_gaps.std()), gaps=len(steps_ms) - len(without_gaps),
        longest_ms=float(steps_ms.max()),
    )
