"""The finger's signal: finger off, flat or clipped; motion and periodicity in windows of 10 s."""

from collections.abc import Iterator

import numpy as np

from acquire.sensor.finger import ANALOG_BITS, CLIPPED, FINGER_OFF, FLAT_LINE, FingerWatch
from acquire.sensor.protocol import SENSOR_ANALOG, SENSOR_MAX30102, SENSOR_NAMES
from dataset.common.spans import join_spans
from dataset.session.doubts import sensor_rate_hz
from dataset.session.heart_rate import spans_without_finger
from dataset.session.reader import Session
from dataset.signals.lag import GRID_HZ, PulseWave
from dataset.signals.pulse_quality import beat_similarity

from .measurements import Measurements, join_extremes, windows_without

_BASELINE_S = 1.2                  # more than a beat
_BASELINE_HZ = 25.0
_AT_ONCE = 4096                    # samples
_TEXTS = {
    FINGER_OFF: "no pulse on the sensor", FLAT_LINE: "the sensor stands still",
    CLIPPED: "the sensor is at the end of its scale",
}


def measure_ppg(
    session: Session, pulse: PulseWave | None, measured: Measurements
) -> list[tuple[float, float]]:
    """Measure the finger's signal.

    Parameters
    ----------
    pulse : its band-passed pulse; None where there is too little

    Returns
    -------
    spans in which no rate and no lag can be measured [s after the session's start]
    """
    t_s = (session.ppg_time_ns - session.started_monotonic_ns) / 1e9
    ppg = session.ppg.astype(float)
    measured.add_curve("ppg", t_s, ppg, "sensor value")
    poor: list[tuple[float, float]] = []
    without_s = 0.0
    for kind, spans in _spans_by_state(session).items():
        long = [(first, last) for first, last in spans if last - first > measured.limits[kind]]
        for first, last in long:
            measured.add_flag(
                kind, f"{_TEXTS[kind]} for {last - first:.1f} s", value=last - first, from_s=first,
                to_s=last,
            )
        poor += long
        if kind != CLIPPED:
            without_s += sum(last - first for first, last in spans)
    share = 100 * without_s / max(float(t_s[-1] - t_s[0]), 1e-9) if len(t_s) > 1 else 0.0
    measured.add_measure("no_finger_percent", share)
    if share > measured.limits["no_finger"]:
        measured.add_flag("no_finger", f"no finger for {share:.0f} % of the session", value=share)
    return poor if pulse is None else poor + _poor_windows(t_s, ppg, pulse, poor, measured)


def _spans_by_state(session: Session) -> dict[str, list[tuple[float, float]]]:
    """Return when each state of the finger held, as the recorder's watch sees it in the file."""
    # as the recorder takes the sensor of another maker: with more bits, one that measures light
    other = SENSOR_MAX30102 if session.sensor.adc_bits > ANALOG_BITS else SENSOR_ANALOG
    sensor = next(
        (number for number, name in SENSOR_NAMES.items() if name == session.sensor.name), other
    )
    watch = FingerWatch(max(1, round(sensor_rate_hz(session))), sensor=sensor)
    start_ns = session.started_monotonic_ns
    begun_s: dict[str, float] = {}
    spans: dict[str, list[tuple[float, float]]] = {FINGER_OFF: [], FLAT_LINE: [], CLIPPED: []}
    at_s = 0.0
    for sequence, value, flags, time_ns in _samples(session):
        at_s = (time_ns - start_ns) / 1e9
        for change in watch.add(sequence, value, flags, time_ns):
            change_s = (change.time_ns - start_ns) / 1e9
            if change.text == "begins":
                begun_s[change.kind] = change_s
            else:
                spans[change.kind].append((begun_s.pop(change.kind), change_s))
    for kind, first_s in begun_s.items():
        spans[kind].append((first_s, at_s))
    if session.imported_from:           # what the device of a public set said of itself
        said = spans_without_finger(session)
        spans[FINGER_OFF] = join_spans([
            *spans[FINGER_OFF], *(((a - start_ns) / 1e9, (b - start_ns) / 1e9) for a, b in said),
        ])
    return spans


def _samples(session: Session) -> Iterator[tuple[int, int, int, int]]:
    """Yield number, value, flags and time [ns] of each sample."""
    columns = (session.ppg_sequence, session.ppg, session.ppg_flags, session.ppg_time_ns)
    for first in range(0, len(session.ppg), _AT_ONCE):       # a number of Python takes 32 bytes
        some = (column[first : first + _AT_ONCE].tolist() for column in columns)
        yield from zip(*some, strict=True)


def _baseline_sd(t_s: np.ndarray, ppg: np.ndarray, from_s: float, to_s: float) -> float:
    """Return the standard deviation of a window's baseline, the mean over more than a beat."""
    even = np.interp(np.arange(from_s, to_s, 1 / _BASELINE_HZ), t_s, ppg)
    beat = round(_BASELINE_S * _BASELINE_HZ)
    if len(even) <= beat:
        return 0.0
    return float(np.convolve(even, np.full(beat, 1 / beat), "valid").std())


def _poor_windows(
    t_s: np.ndarray, ppg: np.ndarray, pulse: PulseWave, off: list[tuple[float, float]],
    measured: Measurements,
) -> list[tuple[float, float]]:
    """Measure each window that has a finger throughout; return those that are flagged."""
    spans = [
        span for piece in pulse.pieces for span in windows_without(off, piece.first_s, piece.last_s)
    ]
    if not spans:
        return []
    parts = [pulse.between(*span) for span in spans]
    pulse_sd = float(np.median([part.std() for part in parts]))
    motion = np.array([_baseline_sd(t_s, ppg, *span) for span in spans]) / max(pulse_sd, 1e-12)
    periodicity = np.array([beat_similarity(part, GRID_HZ) for part in parts])
    median = float(np.median(periodicity))
    measured.add_measure("ppg_periodicity", median)
    measured.add_measure("ppg_motion_times", float(np.median(motion)))
    if median < measured.limits["ppg_irregular"]:
        measured.add_flag(
            "ppg_irregular", f"the PPG is less regular than a still finger's, r = {median:.2f}",
            value=median,
        )
    is_poor = np.zeros(len(spans), bool)
    for name, values, is_over, text in (
        (
            "ppg_motion", motion, motion > measured.limits["ppg_motion"],
            "the PPG wanders by {:.1f} times its pulse",
        ),
        (
            "ppg_periodicity", periodicity, periodicity < measured.limits["ppg_periodicity"],
            "the PPG is not periodic, r = {:.2f}",
        ),
    ):
        flagged = [(*spans[i], float(values[i])) for i in np.flatnonzero(is_over)]
        for first, last, value in join_extremes(flagged):
            measured.add_flag(name, text.format(value), value=value, from_s=first, to_s=last)
        is_poor |= is_over
    share = 100 * float(np.mean(is_poor))
    measured.add_measure("ppg_poor_percent", share)
    if share > measured.limits["ppg_poor"]:
        text = f"{share:.0f} % of the PPG is moved or not periodic"
        measured.add_flag("ppg_poor", text, value=share)
    return [spans[i] for i in np.flatnonzero(is_poor)]
