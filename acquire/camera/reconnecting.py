"""A live camera that is measured when it is opened, watched while it records, and opened again when
it falls silent.

One `FrameSource` around another. What it watches: a second without a frame (or three periods), an
error of the camera's, a stamp that cannot be believed, a frame that is the same as the one before
it, byte for byte, which the noise of a sensor makes impossible: a driver or a converter repeated
it.

A silent camera is opened again in a thread of its own, for as long as the recording lasts: the
pulse sensor goes on, and its samples are worth having. The frames missed meanwhile are counted when
the camera is back, by the time that passed and the camera's period, so that the sequence jumps by
what is missing; of a camera that stays away, the recorder counts them at the end. Stamps that
cannot be believed end the recording instead: a camera opened again would stamp no better.
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
_EVERY_ROW = 16          # of the quick look; frames that agree there are compared whole

# Opens the camera. None at first; later what `CameraInfo.exposure` was then, so that the same
# exposure is asked for.
Opener = Callable[[dict[str, Any] | None], FrameSource]


class SteadyCamera:
    """A live camera behind `FrameSource`, whatever happens to the cable.

    Parameters
    ----------
    opener : gives a source that can be read without `start`
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
        self.info = replace(self._source.info, reopens=True, rate=rate)
        fps = rate.fps or self.info.fps
        self._silent_s = max(silent_s, _PERIODS / fps)
        self._periods = SequenceFromTime(fps)
        self._stamps = StampWatch(self.info.name)
        self._silence_s = 0.0  # waited for the next frame; a time when nobody waited is no silence
        self._last: VideoFrame | None = None     # with its number in this camera's own sequence
        self._start_ns = 0
        self._jump = 0                           # added to the source's numbers
        self._reopening: _Reopening | None = None
        self._back: str | None = None  # what to say of the first frame of a camera that is back

    def start(self, start_ns: int) -> None:
        """Begin delivering."""
        self._start_ns = start_ns
        if self._source is not None:
            self._source.start(start_ns)

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Give the next frame; None while there is none.

        Raises
        ------
        StampError : the camera's stamps cannot be believed
        """
        if self._source is None:
            return self._await_reopened(timeout_s)
        asked_s = time.monotonic()
        try:
            frame = self._source.read(timeout_s)
        except StampError:
            raise
        except DeviceError as error:
            self._reopen(str(error))
            return None
        if frame is None:
            # No more than was asked for: a process that was stopped meanwhile did not listen.
            self._silence_s += min(time.monotonic() - asked_s, timeout_s)
            if self._silence_s > self._silent_s:
                self._reopen(f"no frame for {self._silent_s:g} s")
            return None
        return self._take(frame)

    def _take(self, frame: VideoFrame) -> VideoFrame:
        self._silence_s = 0.0
        self._stamps.see(frame.time_ns, frame.arrival_ns)
        note = None
        if self._back is not None:
            last, last_ns = (
                (-1, self._start_ns)
                if self._last is None
                else (self._last.sequence, self._last.time_ns)
            )
            steps = self._periods.periods_since(last_ns, frame.time_ns)
            self._jump = last + steps - frame.sequence
            away_s = (frame.time_ns - last_ns) / 1e9
            note = (
                CAMERA_REOPENED,
                f"away for {away_s:.1f} s, {steps - 1} frames missed; {self._back}",
            )
        elif self._last is not None and _same(frame.image, self._last.image):
            note = (
                IDENTICAL_FRAMES,
                f"frame {frame.sequence + self._jump} is the one before it, byte for byte",
            )
        self._back = None
        self._periods.learn(frame.time_ns)
        self._last = replace(frame, sequence=frame.sequence + self._jump, note=note)
        return self._last

    def _reopen(self, why: str) -> None:
        source, self._source = self._source, None
        self._reopening = _Reopening(
            source, lambda: self._opener(self.info.exposure), self.info.image_shape, why
        )

    def _await_reopened(self, timeout_s: float) -> None:
        reopening = self._reopening
        if reopening is not None and (source := reopening.wait(timeout_s)) is not None:
            self._source, self._reopening = source, None
            self._silence_s = 0.0
            # Where it fell silent again before its first frame, the first reason is the one to
            # tell.
            self._back = self._back or f"{reopening.why}; opened at try {reopening.tries}"

    def close(self) -> None:
        """Release the camera, one that is being opened too."""
        if self._reopening is not None:
            self._reopening.give_up()
        if self._source is not None:
            self._source.close()


class _Reopening:
    """Close a camera and open it again, as often as it takes, in a thread: either may wait on a
    driver.
    """

    def __init__(
        self, old: FrameSource | None, opener: Callable[[], FrameSource],
        image_shape: tuple[int, ...], why: str,
    ) -> None:
        self.why = why
        self.tries = 0
        self._old, self._opener, self._shape = old, opener, image_shape
        self._found: queue.Queue[FrameSource] = queue.Queue()
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reopen", daemon=True)
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
                self._found.put(source)
                break
            if source is not None:  # another camera, or one that gives another size
                source.close()
            self._given_up.wait(_TRY_EVERY_S)
        if self._given_up.is_set():
            self._close_found()

    def _close_found(self) -> None:
        while not self._found.empty():
            self._found.get_nowait().close()

    def wait(self, timeout_s: float) -> FrameSource | None:
        """Give the camera once it is open; None when it is not in time."""
        try:
            return self._found.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def give_up(self) -> None:
        """Stop trying; what a try that is under way still opens is closed by the thread."""
        self._given_up.set()
        self._thread.join(timeout=2.0)
        self._close_found()


def _same(image: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(image[::_EVERY_ROW], other[::_EVERY_ROW]) and np.array_equal(image, other)
