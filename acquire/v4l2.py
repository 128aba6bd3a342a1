"""A UVC camera through OpenCV's V4L2, recorded as RGB.

The driver stamps each buffer on CLOCK_MONOTONIC when its last byte has arrived; OpenCV hands the stamp on as POS_MSEC. A
stamp that is more than a second off the clock is not that, and the camera is refused rather than believed.
"""

import os
import time
from collections import deque
from collections.abc import Callable
from statistics import median

import cv2

from .devices import CameraInfo, VideoFrame
from .errors import DeviceError

_STAMP_TOLERANCE_S = 1.0


class SequenceFromTime:
    """Number frames by their stamps, for cameras that do not: a gap of n periods skips n - 1 numbers.

    The period is the median of the last steps: a camera that slows down in dim light has not lost every other frame. The price is
    that steady loss looks the same; the recorder says where the period changes. Two frames of one stamp are one period apart.
    """

    def __init__(self, fps: float) -> None:
        self._steps_ns: deque[int] = deque([round(1e9 / fps)], maxlen=15)
        self._last_ns: int | None = None
        self._sequence = -1

    def learn(self, time_ns: int) -> None:
        """See a frame that is not recorded: a camera may have another period than it says."""
        if self._last_ns is not None and time_ns > self._last_ns:
            self._steps_ns.append(time_ns - self._last_ns)
        self._last_ns = time_ns

    def number(self, time_ns: int) -> int:
        """Give the sequence number of the frame stamped `time_ns`."""
        periods = 1
        if self._last_ns is not None and self._sequence >= 0:
            periods = max(1, round((time_ns - self._last_ns) / median(self._steps_ns)))
        self.learn(time_ns)
        self._sequence += periods
        return self._sequence


def check_stamp(stamp_ns: int, camera: str, close: Callable[[], None]) -> None:
    """Refuse a camera whose fresh frame is stamped more than a second off CLOCK_MONOTONIC; close it."""
    off_s = (time.monotonic_ns() - stamp_ns) / 1e9
    if abs(off_s) > _STAMP_TOLERANCE_S:
        close()
        raise DeviceError(
            f"expected camera {camera} to stamp frames on CLOCK_MONOTONIC, found a stamp {off_s:.1f} s off it; "
            "is the source live?"
        )


class V4l2Camera:
    """A UVC camera behind `FrameSource`."""

    def __init__(self, device: str, *, fps: float, width: int, height: int) -> None:
        if not os.path.exists(device):
            raise DeviceError(f"expected a camera at {device}, found no such device")
        self._capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
        if not self._capture.isOpened():
            self._capture.release()
            raise DeviceError(
                f"expected a camera at {device}, found one that does not open; is it busy, or you not in group video?"
            )
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        self._capture.set(cv2.CAP_PROP_FPS, fps)
        ok, image = self._capture.read()
        if not ok:
            self.close()
            raise DeviceError(f"expected frames from {device}, found none")
        self._device = device
        check_stamp(self._stamp_ns(), f"v4l2:{device}", self.close)
        actual_fps = self._capture.get(cv2.CAP_PROP_FPS) or fps
        self.info = CameraInfo(
            name=f"v4l2:{device}",
            width=image.shape[1],
            height=image.shape[0],
            fps=actual_fps,
            pixel_format="RGB",
            time_meaning="end of frame",
            counts_frames=False,
            pipeline=f"OpenCV {cv2.__version__} {self._capture.getBackendName()}",
            exposure={
                "exposure": self._capture.get(cv2.CAP_PROP_EXPOSURE),
                "auto_exposure": self._capture.get(cv2.CAP_PROP_AUTO_EXPOSURE),
                "gain": self._capture.get(cv2.CAP_PROP_GAIN),
            },
        )
        self._sequence = SequenceFromTime(actual_fps)
        self._grabbed = False            # a frame that `start` found, to be read first

    def _stamp_ns(self) -> int:
        return round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)

    def start(self, start_ns: int) -> None:
        """Drop what the driver buffered before `start_ns`, and keep the first frame after."""
        while self._capture.grab():
            if self._stamp_ns() >= start_ns:
                self._grabbed = True
                return
            self._sequence.learn(self._stamp_ns())

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Give the next frame; OpenCV itself gives up on a silent camera after its own 10 s."""
        ok = self._grabbed or self._capture.grab()
        arrival_ns, self._grabbed = time.monotonic_ns(), False
        ok, image = self._capture.retrieve() if ok else (False, None)
        if not ok or image is None:
            raise DeviceError(f"expected frames from {self._device}, found that it stopped; is it still plugged in?")
        time_ns = self._stamp_ns()
        return VideoFrame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), time_ns, arrival_ns, self._sequence.number(time_ns))

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()
