"""A UVC camera through OpenCV, recorded as RGB: V4L2 on Linux, AVFoundation on macOS, Media
Foundation or DirectShow on Windows.

V4L2's driver stamps each buffer on CLOCK_MONOTONIC when its last byte has arrived, and OpenCV hands
the stamp on as POS_MSEC. The other systems' stamps have no known zero; there the stamp is the
arrival, and `time_meaning` says so.

OpenCV's grab waits for as long as it likes, so a thread of its own does that, and `read` keeps to
its time.
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
from acquire.errors import DeviceError

from .exposure import free_uvc, lock_uvc, settle
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
_PATIENCE = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"

if "OPENCV_LOG_LEVEL" not in os.environ:  # a camera that is not there is told of once, by us
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

# (device or number, backend) -> what cv2.VideoCapture gives
OpenCapture = Callable[[Any, int], Any]


class UvcCamera:
    """A UVC camera behind `FrameSource`; it delivers from when it is open, and `start` drops what
    is older.

    Parameters
    ----------
    device : "/dev/video0", or a number as the system counts its cameras
    before : `CameraInfo.exposure` of the same camera earlier, to be asked for again; None: settle
        first

    Raises
    ------
    DeviceError : missing, busy, silent
    StampError : its driver stamps on another clock
    """

    def __init__(
        self, device: str, *, fps: float, width: int, height: int,
        before: dict[str, Any] | None = None, open_capture: OpenCapture = cv2.VideoCapture,
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
            if before:
                settled = "as before"
            else:
                free_uvc(self._capture, v4l2=self._stamped)
                settled = settle(lambda: float(self._first_frame()[::8, ::8].mean()))
            exposure = lock_uvc(self._capture, fps=fps, v4l2=self._stamped, before=before)
        except BaseException:
            self._capture.release()
            raise
        said_fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.info = CameraInfo(
            name=f"uvc:{device}",
            width=shape[1],
            height=shape[0],
            fps=said_fps if said_fps > 0 else fps,
            pixel_format="RGB",
            time_meaning="end of frame" if self._stamped else "arrival",
            counts_frames=False,
            pipeline=f"OpenCV {cv2.__version__} {self._capture.getBackendName()}",
            exposure={**exposure, "settled": settled},
        )
        self._sequence = SequenceFromTime(self.info.fps)
        self._zero: int | None = None                        # number of the first frame recorded
        self._first: VideoFrame | None = None                # what `start` found, to be read first
        self._frames: queue.Queue[VideoFrame | DeviceError] = queue.Queue(maxsize=_WAITING)
        self._started, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._grab, name="uvc", daemon=True)
        self._thread.start()

    def _open(self, open_capture: OpenCapture, system: str) -> Any:
        if os.path.isabs(self._device) and not os.path.exists(self._device):
            raise DeviceError(f"expected a camera at {self._device}, found no such device")
        if not os.path.isabs(self._device) and not self._device.isdecimal():
            raise DeviceError(
                f"expected a camera as uvc:0 or uvc:/dev/video0, found uvc:{self._device}"
            )
        os.environ.setdefault(_PATIENCE, "1")
        place = int(self._device) if self._device.isdecimal() else self._device
        for backend in BACKENDS.get(system, (cv2.CAP_ANY,)):
            capture = open_capture(place, backend)
            if capture.isOpened():
                return capture
            capture.release()
        raise DeviceError(
            f"expected a camera at {self._device}, found none that opens; is it busy, or are you "
            "not allowed to use it "
            "(group video on Linux, the privacy settings elsewhere)?"
        )

    def _first_frame(self) -> np.ndarray:
        ok, image = self._capture.read()
        if not ok:
            raise DeviceError(f"expected frames from {self._device}, found none")
        return image

    def _stamp_ns(self) -> int:
        return round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)

    def _grab(self) -> None:
        """Take frames until closed; before the start the oldest make room, afterwards the driver
        loses what finds none.
        """
        try:
            while not self._closed.is_set():
                if not self._capture.grab():
                    self._put(
                        DeviceError(
                            f"expected frames from {self._device}, found that it stopped; is it "
                            "still plugged in?"
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
        """Drop what was captured before `start_ns`, and keep the first frame after."""
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
        """Give the next frame."""
        frame, self._first = self._first or self._next(timeout_s), None
        if frame is None:
            return None
        self._zero = frame.sequence if self._zero is None else self._zero
        return VideoFrame(frame.image, frame.time_ns, frame.arrival_ns, frame.sequence - self._zero)

    def close(self) -> None:
        """Release the camera; a driver that does not let go is left to itself."""
        self._closed.set()
        self._thread.join(timeout=_CLOSE_S)
