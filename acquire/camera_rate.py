"""The rate that a camera achieves, measured before a recording starts.

A camera may take what it is asked for and deliver half: in dim light, auto-exposure opens the shutter for longer than a frame
lasts. Said before the subject sits down, that is a lamp; found afterwards, it is a lost session.
"""

import time
from collections.abc import Callable

import numpy as np

from acquire.camera.source import CameraRate, VideoFrame

MEASURE_S = 1.5


def measure_rate(read: Callable[[float], VideoFrame | None], asked_fps: float, *, seconds: float = MEASURE_S) -> CameraRate:
    """Read frames until their stamps span `seconds`, and tell the rate from the stamps; a slow camera gets twice as long."""
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
        return CameraRate(asked_fps=asked_fps, fps=0.0, span_s=0.0, jitter_ms=0.0, gaps=0, longest_ms=0.0)
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
