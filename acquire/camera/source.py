"""The seam where hardware is replaced: what a camera is to the recorder, and what it delivers.

Real cameras, a replayed file and the virtual subject all stand behind `FrameSource`; the recorder
cannot tell them apart. The sensor has no such seam in Python: every PPG sensor, the virtual one
too, speaks the wire protocol over a serial port.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class VideoFrame:
    """One frame as the camera gave it."""

    # (H*3/2, W) uint8 I420, or (H, W, 3) uint8 RGB; never written to after delivery
    image: np.ndarray
    # the camera's own stamp on CLOCK_MONOTONIC; `CameraInfo.time_meaning` says what it marks
    time_ns: int
    arrival_ns: int        # CLOCK_MONOTONIC when the host had the frame
    sequence: int          # frame number from 0; a jump means frames were lost before this one
    # an event's kind and text, where there is something to say of this frame
    note: tuple[str, str] | None = None


# Kinds of events: of what was wrong before the start, and of notes on frames.
CAMERA_COMPLAINT = "camera_complaint"
CAMERA_REOPENED, IDENTICAL_FRAMES = "camera_reopened", "identical_frames"


@dataclass(frozen=True)
class CameraRate:
    """The rate that a camera achieved before the start, told from the stamps of some frames."""

    asked_fps: float       # [Hz]
    fps: float  # mean, lost frames count against it [Hz]; 0 where there were too few frames to tell
    span_s: float          # between the first and the last stamp [s]
    jitter_ms: float       # standard deviation of the steps from frame to frame, gaps left out [ms]
    gaps: int              # steps longer than one and a half of the median
    longest_ms: float      # longest step [ms]

    @property
    def complaint(self) -> str:
        """What the operator should know and do before recording; empty where the rate is at least
        90 % of what was asked.
        """
        if self.fps >= 0.9 * self.asked_fps:
            return ""
        return (
            f"expected {self.asked_fps:g} frames/s, found {self.fps:.1f}: in dim light "
            "auto-exposure lengthens the frames; "
            "add light" + (f", or ask for --fps {self.fps:.0f}" if self.fps >= 1 else "")
        )

    def __str__(self) -> str:
        return (
            f"{self.fps:.2f} frames/s over {self.span_s:.1f} s before the start, asked for "
            f"{self.asked_fps:g}; "
            f"jitter {self.jitter_ms:.2f} ms, {self.gaps} gaps, longest step {self.longest_ms:.1f} "
            "ms"
        )


@dataclass(frozen=True)
class LightOffset:
    """How much later than the light the camera's stamps are, by calibration: light_ns = time_ns -
    offset_ns.
    """

    offset_ns: int
    bound_ns: int          # the offset is off by at most this
    source: str            # date and hash of the calibration


@dataclass(frozen=True)
class CameraInfo:
    """What a camera says of itself; stored with the session."""

    name: str                      # "csi", "uvc:/dev/video0", "replay:face.mkv", "virtual:S01"
    width: int                     # [px]
    height: int                    # [px]
    fps: float                     # nominal rate [Hz]
    pixel_format: str              # "I420" or "RGB"
    time_meaning: str  # "end of frame", "camera's GStreamer stamp", "arrival", "file", "simulated"
    pipeline: str = ""             # GStreamer pipeline or OpenCV backend
    simulated: bool = False
    exposure: dict[str, Any] = field(default_factory=dict)      # see `acquire.camera.exposure`
    light_offset: LightOffset | None = None      # None: not calibrated
    # False: it does not, and `VideoFrame.sequence` is told from the stamps
    counts_frames: bool = True
    # True: it opens itself again when it was silent, for as long as the recording lasts
    reopens: bool = False
    # measured when it was opened; None where there is nothing to measure
    rate: CameraRate | None = None

    @property
    def is_replay(self) -> bool:
        """Say whether it is a video file, which nothing calibrates."""
        return self.name.startswith("replay:")

    @property
    def complaints(self) -> list[str]:
        """What the operator should know before recording, a line each."""
        control = self.exposure.get("control", "")
        found = [self.rate.complaint] if self.rate is not None and self.rate.complaint else []
        return found + (
            [f"exposure and white balance {control}"] if control.startswith("not locked") else []
        )

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
        """Begin delivering, from number 0. Sources with a timeline of their own (replay, virtual)
        put its zero at `start_ns`.

        A live camera delivers from when it is open, so that it can be measured; `start` drops what
        is older than `start_ns`.
        """
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
    """A file has delivered its last frame: not an error, as StopIteration is none. A live camera
    that ends is a DeviceError.
    """
