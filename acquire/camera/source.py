"""What a camera is to the recorder, and what it delivers: the seam where hardware is replaced.

Real cameras, a replayed file and the virtual camera all implement `FrameSource`; the recorder
cannot tell them apart. The sensor has no such seam in Python: every PPG sensor, including the
virtual one, speaks the wire protocol over a serial port.
"""

import re
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
    # kind and text of an event about this frame, if there is one
    note: tuple[str, str] | None = None


_VIRTUAL = re.compile(r"virtual:[^?]*\?seed=([0-9]{1,18})")     # the name of a virtual camera

# Kinds of events: a complaint before the start, and the notes on frames.
CAMERA_COMPLAINT = "camera_complaint"
CAMERA_REOPENED, IDENTICAL_FRAMES = "camera_reopened", "identical_frames"


@dataclass(frozen=True)
class CameraRate:
    """The rate that a camera achieved before the start, computed from the stamps of some frames."""

    asked_fps: float       # [Hz]
    fps: float             # mean, lowered by lost frames [Hz]; 0 with fewer than three frames
    span_s: float          # between the first and the last stamp [s]
    jitter_ms: float       # standard deviation of the steps from frame to frame, gaps left out [ms]
    gaps: int              # steps longer than one and a half of the median
    longest_ms: float      # longest step [ms]

    @property
    def complaint(self) -> str:
        """Advice for the operator; empty where the rate is at least 90 % of the asked one."""
        if self.fps >= 0.9 * self.asked_fps:
            return ""
        return (
            f"expected {self.asked_fps:g} frames/s, found {self.fps:.1f}: in dim light "
            "auto-exposure makes each frame longer; add light"
            + (f", or ask for {self.fps:.0f} frames/s" if self.fps >= 1 else "")
        )

    def __str__(self) -> str:
        return (
            f"{self.fps:.2f} frames/s over {self.span_s:.1f} s before the start, asked for "
            f"{self.asked_fps:g}; jitter {self.jitter_ms:.2f} ms, {self.gaps} gaps, "
            f"longest step {self.longest_ms:.1f} ms"
        )


@dataclass(frozen=True)
class LightOffset:
    """How much later than the light a camera's stamps are: light_ns = time_ns - offset_ns."""

    offset_ns: int
    bound_ns: int          # the offset is off by at most this
    source: str            # date and hash of the calibration


@dataclass(frozen=True)
class CameraInfo:
    """The properties of a camera; stored with the session."""

    # "csi", "uvc:/dev/video0", "replay:face.mkv", "virtual:S01?seed=0"
    name: str
    width: int                     # [px]
    height: int                    # [px]
    fps: float                     # nominal rate [Hz]
    pixel_format: str              # "I420" or "RGB"
    time_meaning: str  # "end of frame", "camera's GStreamer stamp", "arrival", "file", "simulated"
    pipeline: str = ""             # GStreamer pipeline or OpenCV backend
    simulated: bool = False
    exposure: dict[str, Any] = field(default_factory=dict)      # see `acquire.camera.exposure`
    light_offset: LightOffset | None = None      # None: not calibrated
    counts_frames: bool = True     # False: `VideoFrame.sequence` is derived from the stamps
    reconnects: bool = False       # True: it opens itself again when it falls silent
    # measured when it was opened; None where there is nothing to measure
    rate: CameraRate | None = None
    # what is doubtful of a replay's times, or was mended; a line each
    remarks: tuple[str, ...] = ()

    @property
    def is_replay(self) -> bool:
        """Whether it is a video file, which cannot be calibrated."""
        return self.name.startswith("replay:")

    @property
    def virtual_seed(self) -> int | None:
        """The seed of the virtual subject in front of it; None where there is none, or not known.

        With the subject's id it says who was recorded.
        """
        match = _VIRTUAL.fullmatch(self.name) if self.simulated else None
        return int(match[1]) if match else None

    @property
    def complaints(self) -> list[str]:
        """Advice for the operator before recording, one line each."""
        complaints = [self.rate.complaint] if self.rate is not None and self.rate.complaint else []
        control = self.exposure.get("control", "")
        if control.startswith("not locked"):
            complaints.append(f"exposure and white balance {control}")
        return complaints + list(self.remarks)

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
        """Begin delivering, from frame number 0.

        A source with a timeline of its own (replay, virtual) puts its zero at `start_ns`. A live
        camera delivers as soon as it is open, so that its rate can be measured; `start` drops the
        frames older than `start_ns`.
        """
        ...

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Return the next frame; None when none came in time.

        Raises
        ------
        EndOfStream : the source is a file and its last frame was delivered
        DeviceError : the camera is gone
        """
        ...

    def count_until(self, time_ns: int) -> int | None:
        """Return how many frames from number 0 are stamped up to `time_ns`, read or not.

        None where the source does not know: a live camera. Called after `start`.
        """
        ...

    def close(self) -> None:
        """Stop and release the camera."""
        ...


class EndOfStream(Exception):
    """A file has delivered its last frame.

    Not an error, like StopIteration; a live camera that ends raises DeviceError instead.
    """
