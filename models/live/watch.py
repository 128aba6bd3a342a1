"""Who feeds frames to `LivePulse` as they come, and tells what is worth telling.

`LiveWatch` is for a caller that has nothing else to do. `LiveThread` is for one that must not wait,
the recorder: it takes frames in passing and reads them in a thread of its own. When that falls
behind, the oldest frames are left out of the reading, never out of the recording.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from acquire.camera.source import CameraInfo, VideoFrame

from .pulse import LivePulse, Reading
from .sources import to_rgb

_TOOK = 100              # frames whose median time is told
_RATE_S = 3.0            # frames whose rate is the one now
_SEEN_S = 0.25           # between two looks at the pulse's curve
_WAITING = 32            # frames that wait for the thread at most: a second, 11 MB of 640x360 I420


@dataclass(frozen=True)
class Seen:
    """What is known at one moment, for whoever draws it."""

    reading: Reading
    trace_s: np.ndarray  # (K,) even times [s] of at most ten seconds; empty while there is nothing
    trace: np.ndarray        # (K,) band-passed pulse
    frames: int
    fps: float               # over the last seconds [Hz]; 0 with fewer than two frames
    ms_per_frame: float      # median of the last hundred, from decoded frame to pulse
    left_out: int = 0        # frames that found no room


class LiveWatch:
    """Feed frames, and give readings that are news: another state, or another heart rate."""

    def __init__(self, live: LivePulse) -> None:
        self.live = live
        self.frames = 0
        self._told: Reading | None = None
        self._took: deque[float] = deque(maxlen=_TOOK)
        self._times: deque[float] = deque()
        self._last = 0.0                      # time.monotonic() of the last frame

    def take(self, image: np.ndarray, time_s: float) -> Reading | None:
        """Read one frame, (H, W, 3) uint8 RGB; gives the reading where it is news."""
        begun = time.perf_counter()
        reading = self.live.see(image, time_s)
        self._took.append(1000 * (time.perf_counter() - begun))
        self._last = time.monotonic()
        self.frames += 1
        self._times.append(time_s)
        while self._times[0] < time_s - _RATE_S:
            self._times.popleft()
        return self._news(reading)

    def idle(self) -> Reading | None:
        """Note that no frame has come; gives the reading where that is news."""
        if not self._times:
            return None
        return self._news(self.live.idle(self._times[-1] + time.monotonic() - self._last))

    def seen(self) -> Seen:
        """Give what is known now."""
        span_s = self._times[-1] - self._times[0] if self._times else 0.0
        return Seen(
            self.live.reading, *self.live.trace(), self.frames,
            (len(self._times) - 1) / span_s if span_s > 0 else 0.0,
            float(np.median(self._took)) if self._took else 0.0,
        )

    def _news(self, reading: Reading) -> Reading | None:
        told, self._told = self._told, reading
        return reading if reading.is_news_after(told) else None


class LiveThread:
    """Read a camera's frames beside whatever else is done with them; a context manager."""

    def __init__(self, live: LivePulse, camera: CameraInfo) -> None:
        self._watch = LiveWatch(live)
        self._camera = camera
        self._waiting: deque[VideoFrame] = deque()
        self._left_out = 0
        self._has_come = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live pulse", daemon=True)
        self.seen: Seen | None = None          # the latest; made anew, never changed
        self.error = ""                        # why it reads no more

    def offer(self, frame: VideoFrame) -> None:
        """Take a frame in passing, from one thread; never waits."""
        if self.error:
            return
        if len(self._waiting) >= _WAITING:
            self._left_out += 1
            return
        self._waiting.append(frame)
        self._has_come.set()

    def _run(self) -> None:
        try:
            self._read()
        except Exception as error:    # the recording goes on; the panel says why there is no pulse
            self.error = " ".join(str(error).split()) or type(error).__name__
            self._waiting.clear()

    def _read(self) -> None:
        looked = 0.0
        while not self._over.is_set():
            if self._waiting:
                frame = self._waiting.popleft()
                self._watch.take(
                    to_rgb(frame.image, self._camera.pixel_format), frame.time_ns / 1e9
                )
            else:
                self._has_come.clear()
                if not self._waiting and not self._has_come.wait(0.1):
                    self._watch.idle()
            if time.monotonic() - looked >= _SEEN_S and self._watch.frames:
                looked = time.monotonic()
                self.seen = replace(self._watch.seen(), left_out=self._left_out)

    def __enter__(self) -> "LiveThread":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._has_come.set()
        self._thread.join(timeout=2.0)
