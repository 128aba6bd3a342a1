"""Is the finger's pulse one? Finger off, flat, clipped; motion and periodicity in windows of 10 s.
"""

import numpy as np

from acquire.sensor.finger import CLIPPED, FINGER_OFF, FLAT_LINE, FingerWatch
from acquire.sensor.protocol import SENSOR_NAMES
from dataset.session.reader import Session
from dataset.signals.beats import beat_similarity
from dataset.signals.lag import GRID_HZ, PulseWave

from .findings import Findings, joined, windows

_BASELINE_S = 1.2
_BASELINE_HZ = 25.0
_SAID = {
    FINGER_OFF: "no pulse on the sensor", FLAT_LINE: "the sensor stands still",
    CLIPPED: "the sensor is at the end of its scale",
}


def measure_ppg(
    session: Session, pulse: PulseWave | None, found: Findings
) -> list[tuple[float, float]]:
    """Measure the finger's signal.

    Parameters
    ----------
    pulse : its band-passed pulse; None where there is too little

    Returns
    -------
    spans that no rate or lag can be told from [s after the session's start]
    """
    t_s = (session.ppg_time_ns - session.started_monotonic_ns) / 1e9
    found.curve("ppg", t_s, session.ppg.astype(float), "sensor value")
    poor: list[tuple[float, float]] = []
    without_s = 0.0
    for kind, spans in _states(session).items():
        within = [(first, last) for first, last in spans if last - first > found.limits[kind]]
        for first, last in within:
            found.flag(
                kind, f"{_SAID[kind]} for {last - first:.1f} s", value=last - first, from_s=first,
                to_s=last,
            )
        poor += within
        if kind != CLIPPED:
            without_s += sum(last - first for first, last in spans)
    share = 100 * without_s / max(float(t_s[-1] - t_s[0]), 1e-9) if len(t_s) > 1 else 0.0
    found.note("no_finger_percent", share)
    if share > found.limits["no_finger"]:
        found.flag("no_finger", f"no finger for {share:.0f} % of the session", value=share)
    return poor + (
        _windows(t_s, session.ppg.astype(float), pulse, poor, found) if pulse is not None else []
    )


def _states(session: Session) -> dict[str, list[tuple[float, float]]]:
    """Let the watch of the recorder see the samples again; give from when to when each state held.
    """
    sensor = next(
        (number for number, name in SENSOR_NAMES.items() if name == session.sensor["sensor"]), None
    )
    rate_hz = max(1, round(float(session.sensor["rate_hz"])))
    watch = FingerWatch(rate_hz) if sensor is None else FingerWatch(rate_hz, sensor=sensor)
    start_ns = session.started_monotonic_ns
    since: dict[str, float] = {}
    spans: dict[str, list[tuple[float, float]]] = {FINGER_OFF: [], FLAT_LINE: [], CLIPPED: []}
    columns = (session.ppg_sequence, session.ppg, session.ppg_flags, session.ppg_time_ns)
    at_s = 0.0
    for sequence, value, flags, time_ns in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        at_s = (time_ns - start_ns) / 1e9
        for note in watch.see(sequence, value, flags, time_ns):
            note_s = (note.time_ns - start_ns) / 1e9
            if note.text == "begins":
                since[note.kind] = note_s
            else:
                spans[note.kind].append((since.pop(note.kind), note_s))
    for kind, first in since.items():
        spans[kind].append((first, at_s))
    return spans


def _wander(t_s: np.ndarray, ppg: np.ndarray, from_s: float, to_s: float) -> float:
    """Give the standard deviation of a window's baseline, the mean over more than a beat: what the
    pulse rides on.
    """
    even = np.interp(np.arange(from_s, to_s, 1 / _BASELINE_HZ), t_s, ppg)
    beat = round(_BASELINE_S * _BASELINE_HZ)
    return (
        float(np.convolve(even, np.full(beat, 1 / beat), "valid").std())
        if len(even) > beat
        else 0.0
    )


def _windows(
    t_s: np.ndarray, ppg: np.ndarray, pulse: PulseWave, off: list[tuple[float, float]],
    found: Findings,
) -> list[tuple[float, float]]:
    """Judge each window that has a finger throughout."""
    spans = [
        (first, last) for first, last in windows(float(pulse.t_s[0]), float(pulse.t_s[-1]))
        if not any(first < end and begin < last for begin, end in off)
    ]
    if not spans:
        return []
    parts = [pulse.between(*span) for span in spans]
    height = float(np.median([part.std() for part in parts]))
    moved = np.array([_wander(t_s, ppg, *span) for span in spans]) / max(height, 1e-12)
    regular = np.array([beat_similarity(part, GRID_HZ) for part in parts])
    found.note("ppg_periodicity", float(np.median(regular)))
    found.note("ppg_motion_times", float(np.median(moved)))
    if (median := float(np.median(regular))) < found.limits["ppg_irregular"]:
        found.flag(
            "ppg_irregular", f"the PPG is less regular than a still finger's, r = {median:.2f}",
            value=median,
        )
    bad = set()
    for name, values, wrong, text in (
        (
            "ppg_motion", moved, moved > found.limits["ppg_motion"],
            "the PPG wanders by {:.1f} times its pulse",
        ),
        (
            "ppg_periodicity", regular, regular < found.limits["ppg_periodicity"],
            "the PPG is not periodic, r = {:.2f}",
        ),
    ):
        listed = [(*spans[i], float(values[i])) for i in np.flatnonzero(wrong)]
        for first, last, value in joined(listed):
            found.flag(name, text.format(value), value=value, from_s=first, to_s=last)
        bad |= {i for i in range(len(spans)) if wrong[i]}
    share = 100 * len(bad) / len(spans)
    found.note("ppg_poor_percent", share)
    if share > found.limits["ppg_poor"]:
        found.flag("ppg_poor", f"{share:.0f} % of the PPG is moved or not periodic", value=share)
    return [spans[i] for i in sorted(bad)]
