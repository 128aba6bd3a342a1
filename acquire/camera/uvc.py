"""A UVC camera through OpenCV, recorded as RGB.

OpenCV uses V4L2 on Linux, AVFoundation on macOS, Media Foundation or DirectShow on Windows. V4L2's
driver stamps each buffer on CLOCK_MONOTONIC when its last byte has arrived, and OpenCV returns the
stamp as POS_MSEC. The stamps of other systems have no known zero; there the arrival is the stamp,
and `time_meaning` is "arrival".

OpenCV's grab has no timeout, so it runs in a thread of its own, and `read` keeps its timeout.
"""

import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import cv2
import numpy as np

from acquire import host_time
from acquire.errors import DeviceError, Fix

from .exposure import lock_uvc, unlock_uvc, wait_until_steady
from .source import CameraInfo, VideoFrame
from .stamps import SequenceFromTime, check_first_stamp

BACKENDS = {
    "linux": (cv2.CAP_V4L2,),
    "darwin": (cv2.CAP_AVFOUNDATION,),
    "win32": (cv2.CAP_MSMF, cv2.CAP_DSHOW),
}
_WAITING = 8          # frames between the two threads
_CLOSE_S = 2.0        # longer than OpenCV waits for a frame, by the variable below
# [s]; OpenCV's own 10 s would keep a silent camera from being opened again
_FRAME_TIMEOUT = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"

if "OPENCV_LOG_LEVEL" not in os.environ:  # a missing camera is reported once, by this module
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

# (device or number, backend) -> what cv2.VideoCapture returns
OpenCapture = Callable[[Any, int], Any]


class UvcCamera:
    """A UVC camera behind `FrameSource`.

    It delivers as soon as it is open; `start` drops what is older.

    Parameters
    ----------
    device : "/dev/video0", or a number as the system counts its cameras
    earlier : `CameraInfo.exposure` of the same camera before, to be requested again; None: the
        picture settles first

    Raises
    ------
    DeviceError : missing, busy, silent
    StampError : its driver stamps on another clock
    """

    def __init__(
        self, device: str, *, fps: float, width: int, height: int,
        earlier: dict[str, Any] | None = None, open_capture: OpenCapture = cv2.VideoCapture,
        system: str = sys.platform,
    ) -> None:
        self._device = device
        self._stamped = system == "linux"
        self._capture = self._open(open_capture, system)
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        self._capture.set(cv2.CAP_PROP_FPS, fps)
        try:
            shape = self._first_frame().shape
            if self._stamped:
                check_first_stamp(self._stamp_ns(), f"uvc:{device}", self._capture.release)
            if earlier:
                settled = "as before"
            else:
                unlock_uvc(self._capture, v4l2=self._stamped)
                settled = wait_until_steady(lambda: float(self._first_frame()[::8, ::8].mean()))
            exposure = lock_uvc(self._capture, fps=fps, v4l2=self._stamped, earlier=earlier)
        except BaseException:
            self._capture.release()
            raise
        nominal_fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.info = CameraInfo(
            name=f"uvc:{device}", width=shape[1], height=shape[0],
            fps=nominal_fps if nominal_fps > 0 else fps, pixel_format="RGB",
            time_meaning="end of frame" if self._stamped else "arrival", counts_frames=False,
            pipeline=f"OpenCV {cv2.__version__} {self._capture.getBackendName()}",
            exposure={**exposure, "settled": settled},
        )
        self._sequence = SequenceFromTime(self.info.fps)
        self._zero: int | None = None                        # number of the first frame recorded
        self._first: VideoFrame | None = None                # found by `start`, to be read first
        self._frames: queue.Queue[VideoFrame | DeviceError] = queue.Queue(maxsize=_WAITING)
        self._started, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._grab, name="uvc", daemon=True)
        self._thread.start()

    def _open(self, open_capture: OpenCapture, system: str) -> Any:
        if os.path.isabs(self._device) and not os.path.exists(self._device):
            raise DeviceError(
                expected="a camera", found="no such device", where=f"at {self._device}",
                fix=Fix.LIST_DEVICES,
            )
        if not os.path.isabs(self._device) and not self._device.isdecimal():
            raise DeviceError(
                expected="a camera as uvc:0 or uvc:/dev/video0", found=f"uvc:{self._device}"
            )
        os.environ.setdefault(_FRAME_TIMEOUT, "1")
        source = int(self._device) if self._device.isdecimal() else self._device
        for backend in BACKENDS.get(system, (cv2.CAP_ANY,)):
            capture = open_capture(source, backend)
            if capture.isOpened():
                return capture
            capture.release()
        node = f"/dev/video{source}"
        if system == "linux" and isinstance(source, int) and not os.path.exists(node):
            raise DeviceError(
                expected="a camera", found="no such device", where=f"at {node}",
                fix=Fix.LIST_DEVICES,
            )
        raise DeviceError(
            expected="a camera", found="none that opens", where=f"at {self._device}",
            fix="close what else uses it, and make sure that you may use it (group video on Linux, "
                "the privacy settings elsewhere)",
        )

    def _first_frame(self) -> np.ndarray:
        ok, image = self._capture.read()
        if not ok:
            raise DeviceError(expected=f"frames from {self._device}", found="none")
        return image

    def _stamp_ns(self) -> int:
        return round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)

    def _grab(self) -> None:
        """Take frames until closed; the body of the thread.

        When the queue is full, the oldest frame is dropped before the start; afterwards the driver
        has to wait.
        """
        try:
            while not self._closed.is_set():
                if not self._capture.grab():
                    self._put(
                        DeviceError(
                            expected=f"frames from {self._device}", found="that it stopped",
                            fix="check that it is still plugged in",
                        )
                    )
                    return
                arrival_ns = host_time.now_ns()
                ok, image = self._capture.retrieve()
                if not ok or image is None:
                    continue  # damaged on the way: its number is skipped
                time_ns = self._stamp_ns() if self._stamped else arrival_ns
                rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
                self._put(VideoFrame(rgb, time_ns, arrival_ns, self._sequence.number(time_ns)))
        finally:
            self._capture.release()

    def _put(self, item: VideoFrame | DeviceError) -> None:
        while not self._closed.is_set():
            try:
                self._frames.put(item, timeout=0.1 if self._started.is_set() else 0.0)
            except queue.Full:
                if not self._started.is_set():
                    with suppress(queue.Empty):
                        self._frames.get_nowait()
            else:
                return

    def start(self, start_ns: int) -> None:
        """Drop what was captured before `start_ns`, and keep the first frame after it."""
        self._started.set()
        give_up = time.monotonic() + 5.0
        while time.monotonic() < give_up:
            frame = self._next(0.2)
            if frame is not None and frame.time_ns >= start_ns:
                self._zero, self._first = frame.sequence, frame
                return

    def _next(self, timeout_s: float) -> VideoFrame | None:
        try:
            item = self._frames.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(item, DeviceError):
            raise item
        return item

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Return the next frame; None when none came in time."""
        frame, self._first = self._first or self._next(timeout_s), None
        if frame is None:
            return None
        self._zero = frame.sequence if self._zero is None else self._zero
        return VideoFrame(frame.image, frame.time_ns, frame.arrival_ns, frame.sequence - self._zero)

    def count_until(self, time_ns: int) -> None:
        """Return None: its frames are known when they come."""

    def close(self) -> None:
        """Release the camera; do not wait for a driver that blocks."""
        self._closed.set()
        self._thread.join(timeout=_CLOSE_S)
