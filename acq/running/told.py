"""What a recording tells of itself, as plain values: at its begin, while it runs, at its end."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from acq.terminal.live_panel import bounds_text
from acq.terminal.panel_view import PanelState, faults, pulse_rows, status_rows

if TYPE_CHECKING:
    from acquire.recorder.status import RecordingStatus, RecordingSummary
    from models.live.reader import LiveSnapshot

MOST_POINTS = 600            # of a curve


def tell_begin(data: Path, camera: str, shown: PanelState) -> dict[str, Any]:
    """Return what does not change while a recording runs."""
    cues = shown.cues
    return {
        "kind": "begin", "data": str(data.resolve()), "subject": shown.subject, "camera": camera,
        "port": shown.sensor, "duration_s": shown.duration_s,
        "protocol": None if cues is None else asdict(cues),
    }


def tell_status(
    status: "RecordingStatus", shown: PanelState, *, elapsed_s: float, is_watched: bool
) -> dict[str, Any]:
    """Return the state of a recording: the rows of the panel, and the curves.

    Parameters
    ----------
    is_watched : whether a panel looks for the face and reads the pulse; else nothing is told of
        them
    """
    rows = status_rows(status, shown)
    rows = pulse_rows(status, shown) + rows if is_watched else rows[1:]
    return {
        "kind": "status", "start_ns": status.start_ns, "elapsed_s": elapsed_s,
        "frames": status.frames, "samples": status.samples,
        "lost_frames": status.lost_frames, "lost_samples": status.lost_samples,
        "sync_bound_ms": status.sync_bound_ms, "faults": faults(status),
        "marks": [text for _, text in shown.marks],
        "rows": [
            {"name": name, "words": text.plain, "style": style_of(text)} for name, text in rows
        ],
        "finger": finger_points(status.ppg_sequence, status.ppg_value, status.ppg_rate_hz),
        "face": None if shown.snapshot is None else tell_face(shown.snapshot),
    }


def tell_face(snapshot: "LiveSnapshot") -> dict[str, Any]:
    """Return the face's pulse: its rate with the interval, in words, and its curve."""
    reading = snapshot.reading
    rate = "" if reading.hr_bpm is None else f"{reading.hr_bpm:.0f} bpm{bounds_text(reading)}"
    return {
        "rate": rate, "words": reading.words, "quality": reading.quality,
        **_points(snapshot.trace_s, snapshot.trace),
    }


def tell_end(
    summary: "RecordingSummary", marks: Sequence[tuple[int, str]], start_ns: int
) -> dict[str, Any]:
    """Return the summary of a recording, and the marks that stand: seconds after its start, text.
    """
    marked = [((time_ns - start_ns) / 1e9, text) for time_ns, text in marks]
    return {"kind": "end", **asdict(summary), "path": str(summary.path), "marks": marked}


def style_of(text: Any) -> str:
    """Return "good", "doubtful" or "bad", by the colours of a line of the panel; "" for none."""
    styles = " ".join([str(text.style), *(str(span.style) for span in text.spans)]).split()
    for colour, word in (("red", "bad"), ("yellow", "doubtful"), ("green", "good")):
        if colour in styles:
            return word
    return ""


def finger_points(sequence: np.ndarray, value: np.ndarray, rate_hz: int) -> dict[str, Any]:
    """Return a finger's curve; a null where samples are missing.

    Parameters
    ----------
    sequence : (S,) int64, rising
    value : (S,) float
    """
    gaps = np.flatnonzero(np.diff(sequence) > 1) + 1
    times = np.insert(sequence / rate_hz, gaps, sequence[gaps] / rate_hz)
    values: list[float | None] = np.insert(value.astype(float), gaps, np.nan).tolist()
    return _points(times, np.array(values))


def _points(times_s: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """Return times and values as lists; of many every nth."""
    step = max(1, -(-len(values) // MOST_POINTS))
    return {
        "x": np.round(times_s[::step], 3).tolist(),
        "y": [None if np.isnan(value) else round(float(value), 4) for value in values[::step]],
    }
