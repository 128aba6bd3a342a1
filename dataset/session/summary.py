"""What a session holds, in a few numbers: for `acq info`, and for whoever looks through many."""

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from acquire.camera.source import CAMERA_COMPLAINT, CAMERA_REOPENED, IDENTICAL_FRAMES
from acquire.errors import CurationError
from acquire.recorder.cues import CUE_BEGIN, CUE_END, CUT_SHORT
from acquire.sensor.finger import FINGER_OFF, FLAT_LINE
from dataset.common.spans import join_spans
from dataset.signals.align import BRIDGE_S, ppg_on_frames
from dataset.signals.filters import HIGH_HZ, WINDOW_S, heart_rate, shortest

from .reader import Event, Session

_CAMERA_NOTES = (CAMERA_COMPLAINT, CAMERA_REOPENED, IDENTICAL_FRAMES)
_TOLD = (  # kinds of events that other fields tell of
    *_CAMERA_NOTES,
    CUE_BEGIN,
    CUE_END,
    "mark",
    "mark_undone",
    "lost_frames",
    "lost_samples",
    "stopped",
    "fault",
)


@dataclass(frozen=True)
class SessionSummary:
    """One recording at a glance."""

    path: str
    session_id: str
    subject: str
    started: str                     # ISO 8601, UTC
    complete: bool                   # False: still being written, or cut short
    ended: str  # what stopped the recording, or what failed; "" where nobody closed it
    simulated: bool
    duration_s: float
    frames: int
    samples: int
    lost_frames: int
    lost_samples: int
    width: int                       # [px]
    height: int                      # [px]
    fps: float                       # measured
    ppg_rate_hz: float  # measured, by the session's clock; lost samples do not count against it
    sync_bound_ms: float | None      # largest known bound on a sample's time; None where none is
    samples_without_bound: int
    # stamps are later than the light by this, by calibration; None: not calibrated
    light_offset_ms: float | None
    light_offset_bound_ms: float | None
    light_offset_from: str           # date and hash of the calibration
    # mean over sliding 10 s windows of the PPG with a finger; None where it cannot be told
    hr_bpm: float | None
    no_finger_s: float               # how long the PPG was a flat line, or showed no pulse
    camera: str
    time_meaning: str
    exposure: dict  # what was locked, asked and answered; empty where nothing is said of it
    camera_notes: list[str]          # complaints before the start, reopenings, identical frames
    sensor: str
    firmware: str
    # as the recorder told them when it closed the file; empty where it did not
    lost_frames_by_cause: dict[str, int]
    lost_samples_by_cause: dict[str, int]
    cues: list[dict]  # {"at_s", "duration_s", "text", "cut_short"}, in seconds after the start
    marks: list[dict]                # {"at_s", "text"}, those undone left out
    other_events: list[dict]         # {"at_s", "text"}, those that nothing above tells of
    events: list[dict]               # all of them, as they are in the file
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
        off = no_finger(session)
        rate, hr_bpm = _pulse(session, off)
        stored = int(session.stored_frame_bytes().sum())
        decoded = len(session.frames) * math.prod(session.frames.stored_shape)
        started = datetime.fromtimestamp(session.started_unix_ns / 1e9, tz=timezone.utc)
        return SessionSummary(
            path=str(path),
            session_id=session.session_id,
            subject=session.subject,
            started=started.isoformat(timespec="milliseconds"),
            complete=session.complete,
            ended=session.ended,
            simulated=session.simulated,
            duration_s=session.duration_s,
            frames=len(session.frames),
            samples=len(session.ppg),
            lost_frames=session.lost_frames,
            lost_samples=session.lost_samples,
            width=session.frames.width,
            height=session.frames.height,
            fps=session.fps,
            ppg_rate_hz=rate,
            sync_bound_ms=session.sync_bound_ms,
            samples_without_bound=session.unbounded_samples,
            hr_bpm=hr_bpm,
            no_finger_s=sum(last - first for first, last in off) / 1e9,
            light_offset_ms=None
            if session.light_offset_ns is None
            else session.light_offset_ns / 1e6,
            light_offset_bound_ms=None
            if session.light_offset_bound_ns is None
            else session.light_offset_bound_ns / 1e6,
            light_offset_from=session.light_offset_from,
            camera=session.camera["camera"],
            time_meaning=session.camera["time_meaning"],
            exposure=json.loads(session.camera["exposure"]),
            camera_notes=[
                f"{event.kind}: {event.text}"
                for event in session.events
                if event.kind in _CAMERA_NOTES
            ],
            sensor=session.sensor["sensor"],
            firmware=session.sensor["firmware"],
            lost_frames_by_cause=_by_cause(session.events, "lost_frames"),
            lost_samples_by_cause=_by_cause(session.events, "lost_samples"),
            cues=_cues(session.events, session.started_monotonic_ns),
            marks=_marks(session.events, session.started_monotonic_ns),
            other_events=[
                {
                    "at_s": (event.time_ns - session.started_monotonic_ns) / 1e9,
                    "text": f"{event.kind}: {event.text}",
                }
                for event in session.events
                if event.kind not in _TOLD
            ],
            events=[vars(event) for event in session.events],
            file_bytes=path.stat().st_size,
            compression=decoded / stored if stored else None,
            raw_frames=session.raw_frames,
        )


def mean_heart_rate(session: Session) -> float | None:
    """Give the mean heart rate of a session [bpm]: of its PPG, over 10 s windows side by side,
    where there is a finger.

    For whoever compares many sessions: ten times as fast as the sliding windows of `summarise`, and
    without a filter. A window with a hole in it or without a finger is left out; None where none is
    left. A session shorter than one window is one.
    """
    time_ns, off = session.ppg_time_ns, no_finger(session)
    steps = np.diff(time_ns)
    if not len(steps) or (steps <= 0).any():
        return None
    t_s = (time_ns - time_ns[0]) / 1e9
    fs_hz = 1e9 / float(np.median(steps))
    span_s = min(WINDOW_S, float(t_s[-1]))
    count = round(span_s * fs_hz)
    if fs_hz <= 2 * HIGH_HZ or count < shortest(fs_hz):
        return None
    holes = np.flatnonzero(steps > max(BRIDGE_S * 1e9, 1.5e9 / fs_hz))
    gone = [*off, *((int(time_ns[at]), int(time_ns[at + 1])) for at in holes)]
    rates = []
    for at in range(int(t_s[-1] / span_s)):
        first_ns, last_ns = (int(time_ns[0]) + round(s * span_s * 1e9) for s in (at, at + 1))
        if any(first < last_ns and last > first_ns for first, last in gone):
            continue
        even_s = at * span_s + np.arange(count) / fs_hz
        rates.append(heart_rate(np.interp(even_s, t_s, session.ppg), fs_hz))
    rates = [rate for rate in rates if math.isfinite(rate)]
    return math.fsum(rates) / len(rates) if rates else None


def _by_cause(events: list[Event], kind: str) -> dict[str, int]:
    """Read the totals; an event `3 before frame 20` is where, not why."""
    found = (re.fullmatch(r"(\d+): (.+)", event.text) for event in events if event.kind == kind)
    return {match[2]: int(match[1]) for match in found if match}


def _cues(events: list[Event], start_ns: int) -> list[dict]:
    """Pair the beginning of each cue with its end; a file that was never closed lacks the last
    one's.
    """
    cues: list[dict] = []
    for event in events:
        at_s = (event.time_ns - start_ns) / 1e9
        if event.kind == CUE_BEGIN:
            cues.append({"at_s": at_s, "duration_s": None, "text": event.text, "cut_short": True})
        elif event.kind == CUE_END and cues:
            name = cues[-1]["text"].partition(":")[0]
            cues[-1].update(
                duration_s=at_s - cues[-1]["at_s"], cut_short=event.text == f"{name}{CUT_SHORT}"
            )
    return cues


def _marks(events: list[Event], start_ns: int) -> list[dict]:
    undone = {event.text for event in events if event.kind == "mark_undone"}
    return [
        {"at_s": (event.time_ns - start_ns) / 1e9, "text": event.text}
        for event in events
        if event.kind == "mark" and f"{event.text} at {event.time_ns}" not in undone
    ]


def no_finger(session: Session) -> list[tuple[int, int]]:
    """Give from when to when [ns] there was no finger, in order and apart; what held at the end,
    until the last sample.
    """
    spans: list[tuple[int, int]] = []
    since: dict[str, int] = {}
    for event in session.events:
        if event.kind not in (FINGER_OFF, FLAT_LINE):
            continue
        if event.text == "begins":
            since.setdefault(event.kind, event.time_ns)
        elif event.kind in since:
            spans.append((since.pop(event.kind), event.time_ns))
    if len(session.ppg_time_ns):
        spans += [(first, int(session.ppg_time_ns[-1])) for first in since.values()]
    return [
        (int(first), int(last))
        for first, last in join_spans(span for span in spans if span[0] < span[1])
    ]


def _pulse(session: Session, off: list[tuple[int, int]]) -> tuple[float, float | None]:
    """Give the sensor's rate [Hz] and the mean heart rate [bpm] of the time that is not in `off`.
    """
    time_ns = session.ppg_time_ns
    try:
        aligned = ppg_on_frames(session.ppg, time_ns, session.ppg_sequence, time_ns)
    except CurationError:
        steps = np.diff(time_ns)
        return (1e9 / float(np.median(steps)) if len(steps) and np.median(steps) > 0 else 0.0), None
    rate = aligned.fs_hz
    if off:
        on = ~np.any([(time_ns >= first) & (time_ns <= last) for first, last in off], axis=0)
        try:
            aligned = ppg_on_frames(
                session.ppg[on], time_ns[on], session.ppg_sequence[on], time_ns[on]
            )
        except CurationError:                      # nowhere long enough
            return rate, None
    rates = aligned.hr_bpm[np.isfinite(aligned.hr_bpm)]
    return rate, float(rates.mean()) if len(rates) else None
