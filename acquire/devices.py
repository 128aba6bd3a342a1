"""The seam where hardware is replaced: what a camera is to the recorder, and what it delivers.

Real cameras, a replayed file and the virtual subject all stand behind `FrameSource`; the recorder cannot tell them apart.
The sensor has no such seam in Python: every PPG sensor, the virtual one too, speaks the wire protocol over a serial port.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class VideoFrame:
    """One frame as the camera gave it."""

    image: np.ndarray      # (H*3/2, W) uint8 I420, or (H, W, 3) uint8 RGB; never written to after delivery
    time_ns: int           # the camera's own stamp on CLOCK_MONOTONIC; `CameraInfo.time_meaning` says what it marks
    arrival_ns: int        # CLOCK_MONOTONIC when the host had the frame
    sequence: int          # frame number from 0; a jump means frames were lost before this one


@dataclass(frozen=True)
class LightOffset:
    """How much later than the light the camera's stamps are, by calibration: light_ns = time_ns - offset_ns."""

    offset_ns: int
    bound_ns: int          # the offset is off by at most this
    source: str            # date and hash of the calibration


@dataclass(frozen=True)
class CameraInfo:
    """What a camera says of itself; stored with the session."""

    name: str                      # "csi", "v4l2:/dev/video0", "replay:face.mkv", "virtual:S01"
    width: int                     # [px]
    height: int                    # [px]
    fps: float                     # nominal rate [Hz]
    pixel_format: str              # "I420" or "RGB"
    time_meaning: str              # "end of frame", "camera's GStreamer stamp", "file", "simulated"
    pipeline: str = ""             # GStreamer pipeline or OpenCV backend
    simulated: bool = False
    exposure: dict[str, float | str] = field(default_factory=dict)
    light_offset: LightOffset | None = None      # None: not calibrated
    counts_frames: bool = True     # False: it does not, and `VideoFrame.sequence` is told from the stamps

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of `VideoFrame.image`."""
        if self.pixel_format == "I420":
            return (self.height * 3 // 2, self.width)
        return (self.height, self.width, 3)


class FrameSource(Protocol):
    """A camera, open. `start` may be called once; `close` any number of times."""

    info: CameraInfo

    def start(self, start_ns: int) -> None:
        """Begin delivering. Sources with a timeline of their own (replay, virtual) put its zero at `start_ns`."""
        ...

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Give the next frame; None when none came in time.

        Raises
        ------
        EndOfStream : the source is a file and its last frame was delivered
        DeviceError : the camera is gone
        """
        ...

    def close(self) -> None:
        """Stop and release the camera."""
        ...


class EndOfStream(Exception):
    """A file has delivered its last frame: not an error, as StopIteration is none. A live camera that ends is a DeviceError."""
