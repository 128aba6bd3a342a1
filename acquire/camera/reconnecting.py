"""A live camera that is measured when it is opened, watched while it records, and opened again.

It is one `FrameSource` around another. What counts as a fault: a second without a frame (or three
periods), an error from the camera, a stamp that cannot be right, and a frame that equals the one
before it byte for byte. The noise of an image sensor makes equal frames impossible: a driver or a
converter has repeated one.

A silent camera is opened again in a thread of its own, for as long as the recording lasts: the
pulse sensor goes on, and its samples are worth keeping. The frames missed meanwhile are counted
when the camera is back, from the time that passed and the camera's period, so that the sequence
jumps by the number of missing frames. If the camera stays away, the recorder counts them at the
end. Wrong stamps end the recording instead: a camera opened again would stamp no better.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from acquire.errors import AcqError, DeviceError, StampError

from .source import CAMERA_REOPENED, IDENTICAL_FRAMES, FrameSource, VideoFrame
from .stamps import MEASURE_S, SequenceFromTime, StampWatch, measure_rate

SILENT_S = 1.0
_PERIODS = 3             # at least: a camera of one frame a second is not silent after one
_TRY_EVERY_S = 0.5
_EVERY_ROW = 16          # rows compared first; frames that agree there are compared whole

# Opens the camera. Its argument is None at first; later it is `CameraInfo.exposure` of the first
# time, so that the same exposure is requested.
Opener = Callable[[dict[str, Any] | None], FrameSource]


class ReconnectingCamera:
    """A live camera behind `FrameSource` that survives a pulled cable.

    Parameters
    ----------
    opener : returns a source that can be read without `start`
    measure_s : how long the rate is measured before the start [s]; the camera is read meanwhile

    Raises
    ------
    DeviceError : it does not open; a camera is opened again only where it was there once
    """

    def __init__(
        self, opener: Opener, *, asked_fps: float, silent_s: float = SILENT_S,
        measure_s: float = MEASURE_S,
    ) -> None:
        self._opener = opener
        self._source: FrameSource | None = opener(None)
        try:
            rate = measure_rate(self._source.read, asked_fps, seconds=measure_s)
        except BaseException:
            self._source.close()
            raise
        self.info = replace(self._source.info, reconnects=True, rate=rate)
        fps = rate.fps or self.info.fps
        self._silent_s = max(silent_s, _PERIODS / fps)
        self._periods = SequenceFromTime(fps)
        self._stamps = StampWatch(self.info.name)
        self._silence_s = 0.0                    # time spent in `read` since the last frame
        self._last: VideoFrame | None = None     # with its number in this camera's own sequence
        self._start_ns = 0
        self._jump = 0                           # added to the source's numbers
        self._reconnection: _Reconnection | None = None
        self._reconnected = ""                   # note for the first frame after a reconnection

    def start(self, start_ns: int) -> None:
        """Begin delivering."""
        self._start_ns = start_ns
        if self._source is not None:
            self._source.start(start_ns)

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Return the next frame; None while there is none.

        Raises
        ------
        StampError : the camera's stamps cannot be right
        """
        if self._source is None:
            return self._await_reconnection(timeout_s)
        asked_s = time.monotonic()
        try:
            frame = self._source.read(timeout_s)
        except StampError:
            raise
        except DeviceError as error:
            self._reconnect(str(error))
            return None
        if frame is None:
            # No more than was asked for: a process that was paused meanwhile did not listen.
            self._silence_s += min(time.monotonic() - asked_s, timeout_s)
            if self._silence_s > self._silent_s:
                self._reconnect(f"no frame for {self._silent_s:g} s")
            return None
        return self._accept(frame)

    def _accept(self, frame: VideoFrame) -> VideoFrame:
        """Check a frame, number it in this camera's own sequence and attach a note."""
        self._silence_s = 0.0
        self._stamps.check(frame.time_ns, frame.arrival_ns)
        last, note = self._last, None
        if self._reconnected:
            number, last_ns = (last.sequence, last.time_ns) if last else (-1, self._start_ns)
            steps = self._periods.periods_since(last_ns, frame.time_ns)
            self._jump = number + steps - frame.sequence
            away_s = (frame.time_ns - last_ns) / 1e9
            note = (
                CAMERA_REOPENED,
                f"away for {away_s:.1f} s, {steps - 1} frames missed; {self._reconnected}",
            )
        elif last is not None and _identical(frame.image, last.image):
            note = (
                IDENTICAL_FRAMES,
                f"frame {frame.sequence + self._jump} is the one before it, byte for byte",
            )
        self._reconnected = ""
        self._periods.learn(frame.time_ns)
        self._last = replace(frame, sequence=frame.sequence + self._jump, note=note)
        return self._last

    def _reconnect(self, reason: str) -> None:
        source, self._source = self._source, None
        self._reconnection = _Reconnection(
            source, lambda: self._opener(self.info.exposure), self.info.image_shape, reason
        )

    def _await_reconnection(self, timeout_s: float) -> None:
        reconnection = self._reconnection
        if reconnection is not None and (source := reconnection.wait(timeout_s)) is not None:
            self._source, self._reconnection = source, None
            self._silence_s = 0.0
            # Where it fell silent again before its first frame, the first reason is kept.
            self._reconnected = (
                self._reconnected or f"{reconnection.reason}; opened at try {reconnection.tries}"
            )

    def count_until(self, time_ns: int) -> None:
        """Return None: a live camera's frames are known when they come."""

    def close(self) -> None:
        """Release the camera, also one that is being opened."""
        if self._reconnection is not None:
            self._reconnection.give_up()
        if self._source is not None:
            self._source.close()


class _Reconnection:
    """Close a camera and open it again, as often as needed, in a thread: a driver may block."""

    def __init__(
        self, old: FrameSource | None, opener: Callable[[], FrameSource],
        image_shape: tuple[int, ...], reason: str,
    ) -> None:
        self.reason = reason
        self.tries = 0
        self._old, self._opener, self._shape = old, opener, image_shape
        self._opened: queue.Queue[FrameSource] = queue.Queue()
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconnect", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        if self._old is not None:
            self._old.close()
        while not self._given_up.is_set():
            self.tries += 1
            try:
                source = self._opener()
            except (AcqError, OSError):               # not there yet
                source = None
            if source is not None and source.info.image_shape == self._shape:
                self._opened.put(source)
                break
            if source is not None:                    # another camera, or another picture size
                source.close()
            self._given_up.wait(_TRY_EVERY_S)
        if self._given_up.is_set():
            self._close_opened()

    def _close_opened(self) -> None:
        while not self._opened.empty():
            self._opened.get_nowait().close()

    def wait(self, timeout_s: float) -> FrameSource | None:
        """Return the camera once it is open; None when it is not in time."""
        try:
            return self._opened.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def give_up(self) -> None:
        """Stop trying; the thread closes the camera that a try under way still opens."""
        self._given_up.set()
        self._thread.join(timeout=2.0)
        self._close_opened()


def _identical(image: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(image[::_EVERY_ROW], other[::_EVERY_ROW]) and np.array_equal(image, other)
