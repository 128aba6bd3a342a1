"""Readers of live frames: each gives them to `LivePulse` and returns the readings that are news.

`LiveReader` is for a caller that has nothing else to do. `LiveThread` is for one that must not
wait, the recorder: it takes frames without blocking and reads them in a thread of its own. When
that falls behind, the oldest frames are left out of the reading, never out of the recording.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from acquire.camera.source import CameraInfo, VideoFrame

from .pulse import LivePulse
from .sources import to_rgb
from .states import LiveReading

_TIMED_FRAMES = 100      # whose median time is reported
_RATE_S = 3.0            # over which the frame rate is reported
_SNAPSHOT_S = 0.25       # between two snapshots of the thread
_MOST_WAITING = 32       # frames that wait for the thread: a second, 11 MB of 640x360 I420


@dataclass(frozen=True)
class LiveSnapshot:
    """What is known at one moment, to be displayed."""

    reading: LiveReading
    trace_s: np.ndarray      # (K,) even times [s] of at most ten seconds; empty without a pulse
    trace: np.ndarray        # (K,) band-passed pulse
    frames: int
    fps: float               # over the last seconds [Hz]; 0 with fewer than two frames
    ms_per_frame: float      # median of the last hundred, from decoded frame to pulse
    left_out: int = 0        # frames that found no room


class LiveReader:
    """Read frames, and return readings that are news: another state, or another heart rate."""

    def __init__(self, live: LivePulse) -> None:
        self.live = live
        self.frames = 0
        self._last_news: LiveReading | None = None
        self._times_ms: deque[float] = deque(maxlen=_TIMED_FRAMES)
        self._frame_s: deque[float] = deque()     # of the frames of the last seconds
        self._last_monotonic_s = 0.0              # when the last frame was read

    def read_frame(self, image: np.ndarray, time_s: float) -> LiveReading | None:
        """Read one frame, (H, W, 3) uint8 RGB; return the reading where it is news."""
        begun = time.perf_counter()
        reading = self.live.add_frame(image, time_s)
        self._times_ms.append(1000 * (time.perf_counter() - begun))
        self._last_monotonic_s = time.monotonic()
        self.frames += 1
        self._frame_s.append(time_s)
        while self._frame_s[0] < time_s - _RATE_S:
            self._frame_s.popleft()
        return self._if_news(reading)

    def note_silence(self) -> LiveReading | None:
        """Note that no frame has come; return the reading where that is news."""
        if not self._frame_s:
            return None
        silent_s = time.monotonic() - self._last_monotonic_s
        return self._if_news(self.live.note_silence(self._frame_s[-1] + silent_s))

    def snapshot(self) -> LiveSnapshot:
        """Return what is known now."""
        span_s = self._frame_s[-1] - self._frame_s[0] if self._frame_s else 0.0
        return LiveSnapshot(
            self.live.reading, *self.live.trace(), frames=self.frames,
            fps=(len(self._frame_s) - 1) / span_s if span_s > 0 else 0.0,
            ms_per_frame=float(np.median(self._times_ms)) if self._times_ms else 0.0,
        )

    def _if_news(self, reading: LiveReading) -> LiveReading | None:
        last, self._last_news = self._last_news, reading
        return reading if reading.is_news_after(last) else None


class LiveThread:
    """Read a camera's frames beside whatever else is done with them; a context manager."""

    def __init__(self, live: LivePulse, camera: CameraInfo) -> None:
        if not camera.is_replay:
            live.note_camera()
        self._reader = LiveReader(live)
        self._camera = camera
        self._waiting: deque[VideoFrame] = deque()
        self._left_out = 0
        self._has_frames = threading.Event()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live pulse", daemon=True)
        self.snapshot: LiveSnapshot | None = None      # the latest; replaced, never changed
        self.error = ""                                # why it reads no more

    def offer(self, frame: VideoFrame) -> None:
        """Take a frame without waiting; call it from one thread only."""
        if self.error:
            return
        if len(self._waiting) >= _MOST_WAITING:
            self._left_out += 1
            return
        self._waiting.append(frame)
        self._has_frames.set()

    def _run(self) -> None:
        try:
            self._read_all()
        except Exception as error:    # the recording continues; the panel shows why there is none
            self.error = " ".join(str(error).split()) or type(error).__name__
            self._waiting.clear()

    def _read_all(self) -> None:
        last_snapshot_s = 0.0
        while not self._is_over.is_set():
            if self._waiting:
                frame = self._waiting.popleft()
                self._reader.read_frame(
                    to_rgb(frame.image, self._camera.pixel_format), frame.time_ns / 1e9
                )
            else:
                self._has_frames.clear()
                if not self._waiting and not self._has_frames.wait(0.1):
                    self._reader.note_silence()
            if time.monotonic() - last_snapshot_s >= _SNAPSHOT_S and self._reader.frames:
                last_snapshot_s = time.monotonic()
                self.snapshot = replace(self._reader.snapshot(), left_out=self._left_out)

    def __enter__(self) -> "LiveThread":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._has_frames.set()
        self._thread.join(timeout=2.0)
