"""What a recording tells of itself: the status while it runs, the summary when it has ended."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from acquire.camera.source import CameraInfo

SHOWN_S = 10.0                        # of the PPG in a status


@dataclass(frozen=True)
class RecordingStatus:
    """The state of a running recording, handed to `on_status` about four times a second."""

    start_ns: int                     # CLOCK_MONOTONIC
    elapsed_s: float
    frames: int
    samples: int
    lost_frames: dict[str, int]       # by cause
    lost_samples: dict[str, int]      # by cause
    fps: float                        # that came in the last 3 s; 0 where none did for a second
    sync_bound_ms: float | None       # of the latest sample; None while it has none
    free_bytes: int                   # on the disk
    file_bytes: int
    camera: CameraInfo
    frame: np.ndarray | None          # latest image, in `camera.pixel_format`; not to be written to
    ppg_rate_hz: int
    ppg_sequence: np.ndarray          # (S,) int64, of the last `SHOWN_S` seconds; a jump is a loss
    ppg_value: np.ndarray             # (S,) float64, full scale 65535
    camera_silent_s: float            # since the last frame came
    sensor_silent_s: float            # since the last sample came
    states: dict[str, float]          # faults of the PPG now (`acquire.sensor.finger`) -> since [s]
    no_finger_s: float                # total so far
    sync_one_sided: str = ""          # of a sensor without a clock: how much earlier the light was
    sensor_gap: str = ""              # why no sample comes, as far as it is known
    # of other programs: samples so far, and when those that ended were lost, after the start [s]
    streams: dict[str, int] = field(default_factory=dict)
    lost_streams_s: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordingSummary:
    """What was recorded, and what was not."""

    path: Path
    session_id: str
    subject: str
    frames: int
    samples: int
    lost_frames: dict[str, int]       # by cause
    lost_samples: dict[str, int]      # by cause
    duration_s: float                 # from the first to the last stamp of frames and samples
    fps: float                        # measured, by the stamps of the frames
    sync_bound_ms: float | None       # the widest bound of any sample; None where none has one
    complete: bool
    stopped_by: str                   # "duration", "end of replay", a signal's name, or `FAULT`
    fault: str                        # why it is not complete, in words; "" where it is
    simulated: bool
    period_changes: list[str]         # where frames that have no counter may be lost uncounted
    raw_frames: int                   # stored raw, because compression fell behind
    camera_reopened: list[str]        # each time that the camera fell silent and came back
    camera_away_s: float              # total of these times
    identical_frames: int             # frames that equal the one before them, byte for byte
    no_finger_s: float                # how long the PPG was a flat line, or showed no pulse
    samples_without_bound: int
    sync_one_sided: str               # of a sensor without a clock: what is known of times; or ""
    paused_s: float                   # how long this process did not run
    suspended_s: float                # how long the host was suspended
    without_frames_s: float = 0.0     # samples before the first frame and after the last
    doubts: tuple[str, ...] = ()      # about the samples' times, in words
    # of other programs: samples, and when those that ended were lost, after the start [s]
    streams: dict[str, int] = field(default_factory=dict)
    lost_streams_s: dict[str, float] = field(default_factory=dict)
