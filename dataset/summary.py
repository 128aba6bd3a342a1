"""What a session holds, in a few numbers: for `acq info`, and for whoever looks through many."""

import json
import math
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from acquire.devices import CAMERA_COMPLAINT, CAMERA_REOPENED, IDENTICAL_FRAMES
from acquire.errors import CurationError

from .align import ppg_on_frames
from .session import Session

_CAMERA_NOTES = (CAMERA_COMPLAINT, CAMERA_REOPENED, IDENTICAL_FRAMES)


@dataclass(frozen=True)
class SessionSummary:
    """One recording at a glance."""

    path: str
    session_id: str
    subject: str
    started: str                     # ISO 8601, UTC
    complete: bool                   # False: still being written, or cut short
    ended: str                       # what stopped the recording, or what failed; "" where nobody closed it
    simulated: bool
    duration_s: float
    frames: int
    samples: int
    lost_frames: int
    lost_samples: int
    width: int                       # [px]
    height: int                      # [px]
    fps: float                       # measured
    ppg_rate_hz: float               # measured, by the session's clock; lost samples do not count against it
    sync_bound_ms: float | None      # largest known bound on a sample's time; None where none is
    samples_without_bound: int
    light_offset_ms: float | None    # stamps are later than the light by this, by calibration; None: not calibrated
    light_offset_bound_ms: float | None
    light_offset_from: str           # date and hash of the calibration
    hr_bpm: float | None             # mean over sliding 10 s windows of the PPG; None where it cannot be told
    camera: str
    time_meaning: str
    exposure: dict                   # what was locked, asked and answered; empty where nothing is said of it
    camera_notes: list[str]          # complaints before the start, reopenings, identical frames
    sensor: str
    firmware: str
    events: list[dict]
    file_bytes: int
    compression: float | None        # decoded over stored frame bytes
    raw_frames: int                  # stored uncompressed, because compressing fell behind


def summarise(path: Path) -> SessionSummary:
    """Read what a session holds, without decoding a frame.

    Raises
    ------
    SessionError : see `Session`
    """
    with Session(path) as session:
        rate, hr_bpm = _pulse(session)
        stored = int(session.stored_frame_bytes().sum())
        decoded = len(session.frames) * math.prod(session.frames.stored_shape)
        started = datetime.fromtimestamp(session.started_unix_ns / 1e9, tz=timezone.utc)
        return SessionSummary(
            path=str(path), session_id=session.session_id, subject=session.subject,
            started=started.isoformat(timespec="milliseconds"), complete=session.complete, ended=session.ended,
            simulated=session.simulated,
            duration_s=session.duration_s, frames=len(session.frames), samples=len(session.ppg),
            lost_frames=session.lost_frames, lost_samples=session.lost_samples,
            width=session.frames.width, height=session.frames.height, fps=session.fps, ppg_rate_hz=rate,
            sync_bound_ms=session.sync_bound_ms, samples_without_bound=session.unbounded_samples, hr_bpm=hr_bpm,
            light_offset_ms=None if session.light_offset_ns is None else session.light_offset_ns / 1e6,
            light_offset_bound_ms=None if session.light_offset_bound_ns is None else session.light_offset_bound_ns / 1e6,
            light_offset_from=session.light_offset_from,
            camera=session.camera["camera"], time_meaning=session.camera["time_meaning"],
            exposure=json.loads(session.camera["exposure"]),
            camera_notes=[f"{event.kind}: {event.text}" for event in session.events if event.kind in _CAMERA_NOTES],
            sensor=session.sensor["sensor"], firmware=session.sensor["firmware"],
            events=[vars(event) for event in session.events],
            file_bytes=path.stat().st_size, compression=decoded / stored if stored else None,
            raw_frames=session.raw_frames,
        )


def _pulse(session: Session) -> tuple[float, float | None]:
    """Give the sensor's rate [Hz] and the mean heart rate [bpm]."""
    time_ns = session.ppg_time_ns
    try:
        aligned = ppg_on_frames(session.ppg, time_ns, session.ppg_sequence, time_ns)
    except CurationError:
        steps = np.diff(time_ns)
        return (1e9 / float(np.median(steps)) if len(steps) and np.median(steps) > 0 else 0.0), None
    rates = aligned.hr_bpm[np.isfinite(aligned.hr_bpm)]
    return aligned.fs_hz, float(rates.mean()) if len(rates) else None
