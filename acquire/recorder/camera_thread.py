"""The camera's thread: it reads frames into a queue of bounded length and never waits for it.

When the recording stops, what the camera had by then is still read: a frame may be on its way, and
a host that fell behind has some waiting. What is not there after that is missing from the file, and
`missing_until` counts it.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from acquire.camera.source import FrameSource, VideoFrame
from acquire.errors import DeviceError

from .losses import CAMERA_LOST, HOST_BUSY, SILENT_END, SILENT_END_S

_STALL_S = 5.0                  # a camera silent for this long is gone
_READ_S = 0.2
_LAST_FRAME_S = 0.5             # how long a frame may be on its way when the recording stops
_CATCH_UP_S = 5.0               # for a host that fell behind: its backlog is read for this long


@dataclass(frozen=True)
class MissingEnd:
    """What lies between the last frame in the file and the end of the recording."""

    frames: int
    seconds: float              # from the last frame in the file to the end
    cause: str


class CameraThread:
    """Reads a camera; `run` is the body of the thread, `frames` is what it hands on, in order."""

    def __init__(self, source: FrameSource, *, queue_frames: int) -> None:
        self.source = source
        self.frames: queue.Queue[VideoFrame] = queue.Queue(maxsize=queue_frames)
        self.dropped: set[int] = set()      # sequences of frames that found the queue full
        self.on_frame: Callable[[VideoFrame], None] | None = None   # sees each frame; must not wait
        self._stop = threading.Event()
        self._end_ns: int | None = None     # of the recording
        self._finish_s = 0.0                # when `finish` was called
        self._silence_s = 0.0               # time spent in `read` since the last frame
        self._beyond: VideoFrame | None = None      # the first frame after the end
        self._is_behind = False             # the backlog was not read to its end
        self._has_failed = False

    def finish(self, end_ns: int) -> None:
        """Ask `run` to end once it has read what the camera had until `end_ns`."""
        self._finish_s = time.monotonic()
        self._end_ns = end_ns

    def stop(self) -> None:
        """Ask `run` to end at once."""
        self._stop.set()

    def run(self) -> None:
        """Read until `stop`, or the end that `finish` names.

        Raises
        ------
        EndOfStream : the camera is a file that has ended
        DeviceError : it is gone, or silent
        """
        try:
            self._run()
        except DeviceError:
            self._has_failed = True
            raise

    def _run(self) -> None:
        note = None         # of dropped frames; goes with the next frame that finds room
        while not self._stop.is_set() and not self._has_finished():
            frame = self._read()
            if frame is None:
                continue
            if self._end_ns is not None and frame.time_ns > self._end_ns:
                self._beyond = frame
                return
            note = note or frame.note
            if self.on_frame is not None:
                self.on_frame(frame)
            try:
                self.frames.put_nowait(replace(frame, note=note))
                note = None
            except queue.Full:
                self.dropped.add(frame.sequence)

    def _read(self) -> VideoFrame | None:
        asked_s = time.monotonic()
        frame = self.source.read(_READ_S)
        if frame is not None:
            self._silence_s = 0.0
            return frame
        # No more than was asked for: a process that was paused meanwhile did not listen.
        self._silence_s += min(time.monotonic() - asked_s, _READ_S)
        if not self.source.info.reconnects and self._silence_s > _STALL_S:
            raise DeviceError(
                expected=f"frames from {self.source.info.name}", found=f"none for {_STALL_S:g} s"
            )
        return None

    def _has_finished(self) -> bool:
        if self._end_ns is None:
            return False
        since_s = time.monotonic() - self._finish_s
        self._is_behind = since_s > _CATCH_UP_S
        return self._is_behind or (self._silence_s > 0 and since_s > _LAST_FRAME_S)

    def missing_until(self, end_ns: int, *, last: int, last_ns: int) -> MissingEnd:
        """Count the frames behind the last one in the file and until the recording's end.

        Called when the thread has ended. Frames that found the queue full are not among them.

        Parameters
        ----------
        last, last_ns : number and stamp of the last frame in the file; -1 and the start of the
            recording where there is none
        """
        behind_s = max(0, end_ns - last_ns) / 1e9
        dropped = sum(number > last for number in self.dropped)
        cause = HOST_BUSY if self._is_behind else SILENT_END
        had = self.source.count_until(end_ns)
        if had is not None:
            cause = CAMERA_LOST if self._has_failed else HOST_BUSY
            return MissingEnd(max(0, had - last - 1 - dropped), behind_s, cause)
        if self._beyond is not None:
            steps = self._beyond.sequence - last
            step_ns = (self._beyond.time_ns - last_ns) / max(steps, 1)
            until_end = sum(last_ns + n * step_ns <= end_ns for n in range(1, steps))
            return MissingEnd(max(0, until_end - dropped), behind_s, CAMERA_LOST)
        periods = int(behind_s * self.source.info.fps)
        is_silent = behind_s > SILENT_END_S and periods >= 3
        return MissingEnd(max(0, periods - dropped) if is_silent else 0, behind_s, cause)
