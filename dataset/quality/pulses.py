"""Face and finger together: whether their rates agree, and how far the face is behind."""

import math
from dataclasses import dataclass

import numpy as np

from dataset.common.spans import join_spans
from dataset.common.wording import counted, pulse_lag
from dataset.signals.beat_lag import BeatLag, find_beat
from dataset.signals.filters import heart_rate, sliding_heart_rate
from dataset.signals.finger_rates import finger_rates
from dataset.signals.lag import GRID_HZ, Correlations, PulseWave, correlate
from dataset.signals.pulse_quality import FAIR_FROM, beat_similarity
from dataset.signals.pulse_rate import finger_rate

from .measurements import STEP_S, Measurements, join_extremes, windows_without

MIN_ERRORS = 3.0                   # of a lag's standard error, by which it has to be off, too
_MIN_R = 0.5                       # of face and finger, in half of the windows, to give a lag
_MOST_STEPS = 500                  # places looked at; each costs as much as all windows together
_STEP_WINDOWS = 3                  # on each side of a step: 20 s
_SPECTRUM_BPM = (40.0, 200.0)
_EVERY = 5                         # value of a pulse that is enough below 4 Hz
_CURVE_HZ = GRID_HZ / _EVERY

Spans = list[tuple[float, float]]


def measure_pulses(
    face: PulseWave | None, finger: PulseWave | None, poor: Spans, measured: Measurements
) -> None:
    """Measure each pulse, and the two against each other.

    Parameters
    ----------
    poor : spans in which there is no clean pulse of the finger; they are left out
    """
    if finger is not None:
        _add_curves("ppg", "ppg_filtered", finger, 1.0, measured)
    if face is not None:
        sd = float(np.concatenate([piece.values for piece in face.pieces]).std())
        _add_curves("pos", "pos", face, 1 / max(sd, 1e-12), measured)
    if face is None or finger is None:
        return
    spans = [
        span for first_s, last_s in _shared_times(face, finger)
        for span in windows_without(poor, first_s, last_s)
    ]
    beat_s = _measure_rates(face, finger, spans, measured)
    _measure_lag(_Pair(face, finger, beat_s), correlate(face, finger, spans), measured)


def _shared_times(face: PulseWave, finger: PulseWave) -> Spans:
    """Return from when to when there is a piece of both pulses."""
    shared, faces, fingers = [], list(face.pieces[::-1]), list(finger.pieces[::-1])
    while faces and fingers:
        pair = faces[-1], fingers[-1]
        first_s = max(piece.first_s for piece in pair)
        last_s = min(piece.last_s for piece in pair)
        if last_s > first_s:
            shared.append((first_s, last_s))
        (faces if pair[0].last_s < pair[1].last_s else fingers).pop()
    return shared


def _add_curves(
    name: str, wave_name: str, pulse: PulseWave, scale: float, measured: Measurements
) -> None:
    """Add a pulse's wave, its heart rate and its spectrum."""
    t_s = np.concatenate([piece.t_s[::_EVERY] for piece in pulse.pieces])
    wave = scale * np.concatenate([piece.values[::_EVERY] for piece in pulse.pieces])
    measured.add_curve(wave_name, t_s, wave, "1")
    rates = [(piece.first_s, *_rates_along(name, piece.values)) for piece in pulse.pieces]
    bpm = np.concatenate([rate for _, _, rate in rates])
    centres_s = np.concatenate([first_s + centre_s for first_s, centre_s, _ in rates])
    measured.add_curve(f"{name}_hr", centres_s, bpm, "bpm")
    if name == "pos":
        mean_bpm = float(np.nanmean(bpm)) if np.isfinite(bpm).any() else None
        measured.add_measure("pos_hr_bpm", mean_bpm)
    longest = max((piece.values for piece in pulse.pieces), key=len)
    points = 2 ** math.ceil(math.log2(max(len(longest), 60 * GRID_HZ)))
    power = np.abs(np.fft.rfft(longest * np.hanning(len(longest)), points)) ** 2
    grid_bpm = np.fft.rfftfreq(points, 1 / GRID_HZ) * 60
    inside = (grid_bpm >= _SPECTRUM_BPM[0]) & (grid_bpm <= _SPECTRUM_BPM[1])
    relative = power[inside] / max(float(power[inside].max()), 1e-30)
    measured.add_curve(f"{name}_spectrum", grid_bpm[inside], relative, "1")


def _rates_along(name: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the centres of windows [s] and their rates [bpm]; a finger's only where it is told."""
    if name == "ppg":
        rates = finger_rates(values[::_EVERY], _CURVE_HZ, filtered=True)
        return rates.centres_s, rates.bpm
    return sliding_heart_rate(values, GRID_HZ)


def _measure_rates(
    face: PulseWave, finger: PulseWave, spans: Spans, measured: Measurements
) -> float | None:
    """Compare the heart rates of face and finger, window by window; return the usual beat [s]."""
    differences: list[float] = []
    rates_bpm: list[float] = []
    flagged: list[tuple[float, float, float]] = []      # where the face's pulse is clean, too
    apart = 0
    for first, last in spans:
        wave = face.between(first, last)
        of_finger = finger.between(first, last)[::_EVERY]
        finger_bpm = finger_rate(of_finger, _CURVE_HZ, filtered=True).bpm
        bpm = _face_rate(wave, finger_bpm) - finger_bpm
        if not math.isfinite(bpm):
            continue
        rates_bpm.append(finger_bpm)
        differences.append(abs(bpm))
        if abs(bpm) > measured.limits["pulse_disagrees"]:
            apart += 1
            if beat_similarity(wave, GRID_HZ) >= FAIR_FROM:
                flagged.append((first, last, bpm))
    share = 100 * apart / len(differences) if differences else 0.0
    median_bpm = float(np.median(differences)) if differences else None
    measured.add_measure("rate_difference_bpm", median_bpm)
    measured.add_measure("pulses_apart_percent", share if differences else None)
    for first, last, bpm in join_extremes(flagged):
        side = "faster" if bpm > 0 else "slower"
        measured.add_flag(
            "pulse_disagrees", f"the face beats {abs(bpm):.0f} bpm {side} than the finger",
            value=bpm, from_s=first, to_s=last,
        )
    if share > measured.limits["pulses_apart"]:
        text = f"face and finger differ in rate in {share:.0f} % of the windows"
        measured.add_flag("pulses_apart", text, value=share)
    return 60 / float(np.median(rates_bpm)) if rates_bpm else None


def _face_rate(wave: np.ndarray, finger_bpm: float) -> float:
    """Return the face's rate: its highest peak, or what is told as of a finger, if that is nearer.

    A slow heart's second harmonic may be the highest peak; in a noisy face a slower movement may
    pass for the beat. Face and finger differ where neither reading is the finger's.
    """
    rates = [heart_rate(wave, GRID_HZ)]
    told = finger_rate(wave[::_EVERY], _CURVE_HZ, filtered=True)
    if not told.why_not:
        rates.append(told.bpm)
    return min(rates, key=lambda bpm: abs(bpm - finger_bpm))


@dataclass(frozen=True)
class _Pair:
    """Face and finger, and how long a beat is."""

    face: PulseWave
    finger: PulseWave
    beat_s: float | None        # None: no rate can be told


def _measure_lag(pair: _Pair, correlations: Correlations, measured: Measurements) -> None:
    """Measure how far the face is behind the finger, over all and in each window."""
    limits = measured.limits
    lag = correlations.lag()
    if lag is None or lag.r < _MIN_R or not math.isfinite(lag.error_s):
        measured.add_measure("lag_ms", None)
        if correlations.is_beyond:
            text = f"face and finger are over {limits['lag_beyond']:.0f} ms apart"
            measured.add_flag("lag_beyond", text, value=None)
        return
    each = [correlations.lag(np.array([w])) for w in range(len(correlations.spans_s))]
    each_ms = np.array([np.nan if window is None else window.lag_s * 1e3 for window in each])
    measured.add_curve("lag_ms", correlations.spans_s.mean(axis=1), each_ms, "ms")
    measured.add_measure("lag_error_ms", lag.error_s * 1e3)
    measured.add_measure("lag_r", lag.r)
    lag_ms = _measure_beats(pair, correlations, lag.lag_s, measured)
    measured.add_measure("lag_ms", lag_ms)
    text, error_ms = pulse_lag(lag_ms), lag.error_s * 1e3
    if abs(lag_ms) <= limits["lag_beyond"] and lag_ms + MIN_ERRORS * error_ms < limits["lag_low"]:
        measured.add_flag("lag_low", text, value=lag_ms)
    if abs(lag_ms) <= limits["lag_beyond"] and lag_ms - MIN_ERRORS * error_ms > limits["lag_high"]:
        measured.add_flag("lag_high", text, value=lag_ms)
    _measure_step(correlations, measured)


def _measure_beats(
    pair: _Pair, correlations: Correlations, lag_s: float, measured: Measurements
) -> float:
    """Measure how many whole beats the lag has; return the lag with them [ms]."""
    clean = join_spans((first, last) for first, last in correlations.spans_s.tolist())
    found = BeatLag(None, lag_s, 0.0)
    if pair.beat_s is not None:
        found = find_beat(
            pair.face, pair.finger, clean, lag_s=lag_s, beat_s=pair.beat_s,
            min_errors=measured.limits["lag_beats"],
        )
    measured.add_measure("lag_beats", found.beats)
    measured.add_measure("lag_beat_errors", found.errors)
    if found.beats is None:
        measured.add_flag(
            "lag_beats", f"{pulse_lag(lag_s * 1e3)}, or whole beats more or less: the beats are "
                         "too alike to tell",
            value=found.errors,
        )
        return lag_s * 1e3
    if not found.beats:
        return lag_s * 1e3
    lag_ms = found.lag_s * 1e3
    side = "late" if lag_ms < 0 else "early"
    beats = counted(abs(found.beats), "whole beat")
    measured.add_flag(
        "lag_beyond",
        f"the finger's times are {abs(lag_ms):.0f} ms {side}, {beats}: {pulse_lag(lag_ms)}",
        value=lag_ms,
    )
    return lag_ms


def _measure_step(correlations: Correlations, measured: Measurements) -> None:
    """Find where the lag before differs most, in standard errors, from the lag after."""
    most, at_s, step_ms = 0.0, None, 0.0
    spans_s = correlations.spans_s
    ends_s = np.unique(spans_s[:, 1])[1:]
    for end_s in ends_s[:: 1 + len(ends_s) // _MOST_STEPS]:
        before = correlations.lag(spans_s[:, 1] < end_s + 0.1)
        after = correlations.lag(spans_s[:, 0] > end_s - 0.1)
        if before is None or after is None or min(before.windows, after.windows) < _STEP_WINDOWS:
            continue
        if min(before.r, after.r) < _MIN_R:
            continue
        difference_ms = (after.lag_s - before.lag_s) * 1e3
        error_ms = math.hypot(before.error_s, after.error_s) * 1e3
        errors = abs(difference_ms) / (error_ms + 1)
        if math.isfinite(error_ms) and (at_s is None or errors > most):
            most, at_s, step_ms = errors, float(end_s), difference_ms
    measured.add_measure("lag_step_ms", None if at_s is None else step_ms)
    if at_s is not None and most > MIN_ERRORS and abs(step_ms) > measured.limits["lag_step"]:
        measured.add_flag(
            "lag_step", f"the face's lag behind the finger changes by {step_ms:+.0f} ms",
            value=step_ms, from_s=at_s - STEP_S, to_s=at_s + STEP_S,
        )
