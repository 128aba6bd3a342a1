"""The camera's thread: it reads frames into a queue of bounded length and never waits for it."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from acquire.camera.source import FrameSource, VideoFrame
from acquire.errors import DeviceError

_STALL_S = 5.0                  # a camera silent for this long is gone


class CameraThread:
    """Reads a camera; `run` is the body of the thread, `frames` is what it hands on, in order."""

    def __init__(self, source: FrameSource, *, queue_frames: int) -> None:
        self.source = source
        self.frames: queue.Queue[VideoFrame] = queue.Queue(maxsize=queue_frames)
        self.dropped: set[int] = set()      # sequences of frames that found the queue full
        self.on_frame: Callable[[VideoFrame], None] | None = None   # sees each frame; must not wait
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stop.set()

    def run(self) -> None:
        """Read until `stop`.

        Raises
        ------
        EndOfStream : the camera is a file that has ended
        DeviceError : it is gone, or silent
        """
        last_frame_s = time.monotonic()
        note = None         # of dropped frames; goes with the next frame that finds room
        while not self._stop.is_set():
            frame = self.source.read(0.2)
            if frame is None:
                silent_s = time.monotonic() - last_frame_s
                if not self.source.info.reconnects and silent_s > _STALL_S:
                    raise DeviceError(
                        expected=f"frames from {self.source.info.name}",
                        found=f"none for {_STALL_S:g} s",
                    )
                continue
            last_frame_s = time.monotonic()
            note = note or frame.note
            if self.on_frame is not None:
                self.on_frame(frame)
            try:
                self.frames.put_nowait(replace(frame, note=note))
                note = None
            except queue.Full:
                self.dropped.add(frame.sequence)
