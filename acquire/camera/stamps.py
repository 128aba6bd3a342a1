"""What a camera's stamps must be to be believed, and the frame numbers that they tell where the
camera does not count.

A stamp is believed while it does not go back and stays within a second of the monotonic clock. A
frame of the future is refused at once. An old one may only have waited for a busy host, and is
refused when every frame of three seconds was as old: a backlog is read in less, a clock that drifts
away stays away.
"""

import time
from collections import deque
from collections.abc import Callable
from statistics import median

import numpy as np

from acquire import host_time
from acquire.camera.source import CameraRate, VideoFrame
from acquire.errors import StampError

_TOLERANCE_NS = 1_000_000_000
_BACKLOG_NS = 3_000_000_000     # a host that was stopped reads what piled up in far less


class SequenceFromTime:
    """Number frames by their stamps, for cameras that do not: a gap of n periods skips n - 1
    numbers.

    The period is the median of the last steps: a camera that slows down in dim light has not lost
    every other frame. The price is that steady loss looks the same; the recorder says where the
    period changes. Two frames of one stamp are one period apart.
    """

    def __init__(self, fps: float) -> None:
        self._steps_ns: deque[int] = deque([round(1e9 / fps)], maxlen=15)
        self._last_ns: int | None = None
        self._sequence = -1

    def learn(self, time_ns: int) -> None:
        """See a frame that is not numbered: a camera may have another period than it says."""
        if self._last_ns is not None and time_ns > self._last_ns:
            self._steps_ns.append(time_ns - self._last_ns)
        self._last_ns = time_ns

    def restart(self) -> None:
        """Give the next frame the number 0; the period stays known."""
        self._sequence = -1

    def periods_since(self, earlier_ns: int, time_ns: int) -> int:
        """Give how many periods lie between two stamps, at least one."""
        return max(1, round((time_ns - earlier_ns) / median(self._steps_ns)))

    def number(self, time_ns: int) -> int:
        """Give the sequence number of the frame stamped `time_ns`."""
        self._sequence += (
            1
            if self._sequence < 0 or self._last_ns is None
            else self.periods_since(self._last_ns, time_ns)
        )
        self.learn(time_ns)
        return self._sequence


def check_first_stamp(stamp_ns: int, camera: str, close: Callable[[], None]) -> None:
    """Refuse a camera whose fresh frame is stamped more than a second off CLOCK_MONOTONIC; close
    it.
    """
    off_ns = host_time.now_ns() - stamp_ns
    if abs(off_ns) > _TOLERANCE_NS:
        close()
        raise StampError(
            f"expected camera {camera} to stamp frames on CLOCK_MONOTONIC, found a stamp "
            f"{off_ns / 1e9:.1f} s off it; "
            "is the source live?"
        )


class StampWatch:
    """Believe a camera's stamps as long as they deserve it."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._last_ns: int | None = None
        self._old_since_ns: int | None = None

    def see(self, time_ns: int, arrival_ns: int) -> None:
        """Take the next frame's stamp and arrival [ns].

        Raises
        ------
        StampError : it lies before the one before it, more than a second in the future, or all of
            three seconds were too old
        """
        if self._last_ns is not None and time_ns < self._last_ns:
            back_ms = (self._last_ns - time_ns) / 1e6
            raise StampError(
                f"expected stamps of camera {self._camera} that do not go back, found one "
                f"{back_ms:.1f} ms before the last"
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
                f"expected camera {self._camera} to keep to CLOCK_MONOTONIC, found its stamps "
                f"{age_ns / 1e9:.1f} s off it"
            )


MEASURE_S = 1.5


def measure_rate(
    read: Callable[[float], VideoFrame | None], asked_fps: float, *, seconds: float = MEASURE_S
) -> CameraRate:
    """Read frames until their stamps span `seconds`, and tell the rate from the stamps; a slow
    camera gets twice as long.
    """
    give_up = time.monotonic() + 2 * seconds + 1.0
    times_ns: list[int] = []
    while (left_s := give_up - time.monotonic()) > 0:
        frame = read(min(left_s, 0.5))
        if frame is not None:
            times_ns.append(frame.time_ns)
        if times_ns and times_ns[-1] - times_ns[0] >= seconds * 1e9:
            break
    return rate_of(np.array(times_ns, dtype=np.int64), asked_fps)


def rate_of(times_ns: np.ndarray, asked_fps: float) -> CameraRate:
    """Tell the rate from frame stamps [ns], (N,) int64; fewer than three have none."""
    if len(times_ns) < 3 or times_ns[-1] <= times_ns[0]:
        return CameraRate(
            asked_fps=asked_fps, fps=0.0, span_s=0.0, jitter_ms=0.0, gaps=0, longest_ms=0.0
        )
    steps_ms = np.diff(times_ns) / 1e6
    whole = steps_ms[steps_ms <= 1.5 * np.median(steps_ms)]
    span_s = float(times_ns[-1] - times_ns[0]) / 1e9
    return CameraRate(
        asked_fps=asked_fps,
        fps=(len(times_ns) - 1) / span_s,
        span_s=span_s,
        jitter_ms=float(whole.std()),
        gaps=len(steps_ms) - len(whole),
        longest_ms=float(steps_ms.max()),
    )
