"""Where live frames come from: an open camera, or a session that another process records."""

import time
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from acquire import host_time
from acquire.camera.source import CameraInfo, EndOfStream, FrameSource

if TYPE_CHECKING:
    from dataset.session.follow import Following

_POLL_S = 0.1


class LiveSource(Protocol):
    """Frames as they come."""

    name: str
    fps: float                  # nominal [Hz]
    is_camera: bool             # at work now; False: the replay of a video

    def read(self, timeout_s: float) -> tuple[np.ndarray, float] | None:
        """Return the next frame, (H, W, 3) uint8 RGB, and its time [s]; None after the timeout.

        Raises
        ------
        EndOfStream : there will be no more
        DeviceError, SessionError : the camera or the file is gone
        """
        ...


def to_rgb(image: np.ndarray, pixel_format: str) -> np.ndarray:
    """Convert a frame, as its camera delivers it, to (H, W, 3) RGB."""
    return cv2.cvtColor(image, cv2.COLOR_YUV2RGB_I420) if pixel_format == "I420" else image


class CameraFrames:
    """The frames of an open camera, which is started at once."""

    def __init__(self, camera: FrameSource) -> None:
        self._camera = camera
        self.info: CameraInfo = camera.info
        self.name, self.fps = camera.info.name, camera.info.fps
        self.is_camera = not camera.info.is_replay
        camera.start(host_time.now_ns())

    def read(self, timeout_s: float) -> tuple[np.ndarray, float] | None:
        """Return the next frame; see `LiveSource`."""
        frame = self._camera.read(timeout_s)
        if frame is None:
            return None
        return to_rgb(frame.image, self.info.pixel_format), frame.time_ns / 1e9


class FollowedFrames:
    """The frames of a session that is being recorded."""

    def __init__(self, following: "Following") -> None:
        self.following = following
        self.name, self.fps = f"session {following.path.stem}", following.fps
        self.is_camera = not following.camera.is_replay
        self._flushed = iter(following.frames())

    def read(self, timeout_s: float) -> tuple[np.ndarray, float] | None:
        """Return the next frame; see `LiveSource`."""
        give_up_s = time.monotonic() + timeout_s
        while (frame := next(self._flushed, None)) is None:
            # asked first: what was flushed together with the end still comes
            has_ended = self.following.has_ended
            self._flushed = iter(self.following.frames())
            if (frame := next(self._flushed, None)) is not None:
                break
            if has_ended:
                raise EndOfStream
            if (rest_s := give_up_s - time.monotonic()) <= 0:
                return None
            time.sleep(min(_POLL_S, rest_s))
        image, time_ns = frame
        return image, time_ns / 1e9
