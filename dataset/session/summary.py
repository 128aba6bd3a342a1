"""The content of a session in a few numbers, read without decoding a frame."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquire.camera.source import LightOffset

from .doubts import doubts_of
from .hdf5 import recorder_of
from .heart_rate import measure_ppg_rates, spans_without_finger
from .log import LOST_FRAMES, LOST_SAMPLES, Log, camera_notes, losses_by_cause, read_log
from .reader import Session, rises


@dataclass(frozen=True)
class VideoSummary:
    """The frames of a recording."""

    frames: int
    lost: int | None                 # None: their numbers repeat or go back
    lost_by_cause: dict[str, int]    # as noted when the file was closed; empty where it was not
    width: int                       # [px]
    height: int                      # [px]
    fps: float                       # measured
    compression: float | None        # decoded over stored bytes; None without a frame
    raw_frames: int                  # stored uncompressed, because compressing fell behind


@dataclass(frozen=True)
class PpgSummary:
    """The samples of a recording."""

    samples: int
    lost: int | None                 # None: their numbers repeat or go back
    lost_by_cause: dict[str, int]    # as noted when the file was closed; empty where it was not
    rate_hz: float                   # measured, by the session's clock; lost samples do not count
    # mean over sliding 10 s windows in which the finger's rate can be told; None: in none
    hr_bpm: float | None
    hr_told_percent: float           # share of the samples at which it can be told
    hr_why_not: str                  # the commonest reason elsewhere; "" where there is none
    no_finger_s: float               # how long the PPG was a flat line, or showed no pulse


@dataclass(frozen=True)
class SyncSummary:
    """The times of the samples on the host's clock."""

    bound_ms: float | None           # largest known bound on a sample's time; None where none is
    samples_without_bound: int
    streams: dict[str, str]          # of other programs, by name: what is known of them, in words
    one_sided: str                   # of a sensor without a clock: what is known, in words; else ""


@dataclass(frozen=True)
class CameraSummary:
    """The camera of a recording."""

    name: str
    time_meaning: str                # of its stamps
    exposure: dict[str, Any]         # what was locked, asked and answered; empty where not known
    notes: list[str]                 # complaints before the start, reopenings, identical frames
    light_offset: LightOffset | None  # None: not calibrated


@dataclass(frozen=True)
class SensorSummary:
    """The pulse sensor of a recording."""

    name: str
    firmware: str


@dataclass(frozen=True)
class SessionSummary:
    """One recording at a glance."""

    path: str
    file_bytes: int
    session_id: str
    subject: str
    started: str | None              # ISO 8601, UTC; None: not known, as of some imported sets
    complete: bool                   # False: still being written, or cut short
    ended: str                       # what stopped it, or failed; "" where nobody closed it
    simulated: bool
    duration_s: float
    video: VideoSummary
    ppg: PpgSummary
    sync: SyncSummary
    camera: CameraSummary
    sensor: SensorSummary
    log: Log
    without_frames_s: float = 0.0    # samples before the first frame and after the last
    recorder: str = ""               # the process that recorded it meanwhile; "": none that shows
    doubts: tuple[str, ...] = ()     # what contradicts itself in it, in words


def summarise_session(path: Path) -> SessionSummary:
    """Read the content of a session, without decoding a frame.

    Raises
    ------
    SessionError : see `Session`
    """
    recorder = recorder_of(path)         # before it is read: it may end meanwhile
    with Session(path) as session:
        events, camera = session.events, session.camera
        return SessionSummary(
            path=str(path), file_bytes=path.stat().st_size, session_id=session.session_id,
            subject=session.subject,
            started=session.started and session.started.isoformat(timespec="milliseconds"),
            complete=session.complete, ended=session.ended, simulated=session.simulated,
            duration_s=session.duration_s, video=_video(session), ppg=_ppg(session),
            sync=SyncSummary(
                session.sync_bound_ms, session.unbounded_samples,
                {name: stream.words for name, stream in session.streams.items()},
                session.sync_one_sided,
            ),
            camera=CameraSummary(
                camera.name, camera.time_meaning, camera.exposure, camera_notes(events),
                camera.light_offset,
            ),
            sensor=SensorSummary(session.sensor.name, session.sensor.firmware),
            log=read_log(events, session.started_monotonic_ns),
            without_frames_s=round(session.without_frames_s, 2),    # as a recording says it
            recorder="" if session.complete or session.ended else recorder,
            doubts=tuple(doubts_of(session)),
        )


def _video(session: Session) -> VideoSummary:
    frames = session.frames
    stored = int(session.stored_frame_bytes().sum())
    return VideoSummary(
        frames=len(frames),
        lost=session.lost_frames if rises(session.frame_sequence) else None,
        lost_by_cause=losses_by_cause(session.events, LOST_FRAMES), width=frames.width,
        height=frames.height, fps=session.fps,
        compression=len(frames) * math.prod(frames.stored_shape) / stored if stored else None,
        raw_frames=session.raw_frames,
    )


def _ppg(session: Session) -> PpgSummary:
    without = spans_without_finger(session)
    rates = measure_ppg_rates(session)
    return PpgSummary(
        samples=len(session.ppg),
        lost=session.lost_samples if rises(session.ppg_sequence) else None,
        lost_by_cause=losses_by_cause(session.events, LOST_SAMPLES), rate_hz=rates.rate_hz,
        hr_bpm=rates.hr_bpm, hr_told_percent=rates.told_percent, hr_why_not=rates.why_not,
        no_finger_s=sum(last - first for first, last in without) / 1e9,
    )
