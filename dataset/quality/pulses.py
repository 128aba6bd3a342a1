"""Face and finger together: do they beat at the same rate, and how far is the face behind?"""

import math

import numpy as np

from dataset.signals.beats import FAIR_FROM, beat_similarity
from dataset.signals.filters import heart_rate, sliding_heart_rate
from dataset.signals.lag import GRID_HZ, Correlations, PulseWave, correlate

from .findings import STEP_S, Findings, joined, windows

_SURE_R = 0.5  # correlation of face and finger, in half of the windows, that a lag is told from
SURE = 3.0                         # standard errors that a lag has to be off by, beside its limit
_STEP_WINDOWS = 3                  # on each side of a step: 20 s
_SPECTRUM_BPM = (40.0, 200.0)


def measure_pulses(
    face: PulseWave | None, finger: PulseWave | None, poor: list[tuple[float, float]],
    found: Findings,
) -> None:
    """Compare the two pulses.

    Parameters
    ----------
    poor : spans in which the finger's is none, left out
    """
    for name, pulse in (("ppg", finger), ("pos", face)):
        if pulse is None:
            continue
        scaled = (
            pulse.values if name == "ppg" else pulse.values / max(float(pulse.values.std()), 1e-12)
        )
        every = round(GRID_HZ / 25)
        found.curve(
            "ppg_filtered" if name == "ppg" else "pos", pulse.t_s[::every], scaled[::every], "1"
        )
        centres_s, bpm = sliding_heart_rate(pulse.values, GRID_HZ)
        found.curve(f"{name}_hr", pulse.first_s + centres_s, bpm, "bpm")
        found.note(f"{name}_hr_bpm", float(np.nanmean(bpm)) if np.isfinite(bpm).any() else None)
        _spectrum(name, pulse.values, found)
    if face is None or finger is None:
        return
    first_s, last_s = (
        max(face.first_s, finger.first_s), min(float(face.t_s[-1]), float(finger.t_s[-1])),
    )
    spans = (
        [
            span
            for span in windows(first_s, last_s)
            if not any(span[0] < end and begin < span[1] for begin, end in poor)
        ]
        if last_s > first_s
        else []
    )
    _rates(face, finger, spans, found)
    _lags(face, finger, spans, found)


def _spectrum(name: str, values: np.ndarray, found: Findings) -> None:
    points = 2 ** math.ceil(math.log2(max(len(values), 60 * GRID_HZ)))
    power = np.abs(np.fft.rfft(values * np.hanning(len(values)), points)) ** 2
    bpm = np.fft.rfftfreq(points, 1 / GRID_HZ) * 60
    inside = (bpm >= _SPECTRUM_BPM[0]) & (bpm <= _SPECTRUM_BPM[1])
    found.curve(
        f"{name}_spectrum", bpm[inside], power[inside] / max(float(power[inside].max()), 1e-30), "1"
    )


def _rates(
    face: PulseWave, finger: PulseWave, spans: list[tuple[float, float]], found: Findings
) -> None:
    wrong, asked, differences = [], 0, []
    for span in spans:
        seen, felt = face.between(*span), finger.between(*span)
        bpm = heart_rate(seen, GRID_HZ) - heart_rate(felt, GRID_HZ)
        if not math.isfinite(bpm):
            continue
        asked += 1
        differences.append(abs(bpm))
        if abs(bpm) > found.limits["pulse_disagrees"]:
            wrong.append((*span, bpm, beat_similarity(seen, GRID_HZ) >= FAIR_FROM))
    found.note("rate_difference_bpm", float(np.median(differences)) if differences else None)
    share = 100 * len(wrong) / asked if asked else 0.0
    found.note("pulses_apart_percent", share if asked else None)
    for first, last, bpm in joined([(a, b, c) for a, b, c, clean in wrong if clean]):
        found.flag(
            "pulse_disagrees",
            f"the face beats {abs(bpm):.0f} bpm {'faster' if bpm > 0 else 'slower'} than the "
            "finger",
            value=bpm,
            from_s=first,
            to_s=last,
        )
    if share > found.limits["pulses_apart"]:
        found.flag(
            "pulses_apart", f"face and finger differ in rate in {share:.0f} % of the windows",
            value=share,
        )


def _lags(
    face: PulseWave, finger: PulseWave, spans: list[tuple[float, float]], found: Findings
) -> None:
    told = correlate(face, finger, spans)
    whole = told.lag()
    if whole is None or whole.r < _SURE_R or not math.isfinite(whole.error_s):
        found.note("lag_ms", None)
        if told.is_beyond:
            found.flag(
                "lag_beyond", f"face and finger are over {found.limits['lag_beyond']:.0f} ms apart",
                value=None,
            )
        return
    each = [told.lag(np.array([w])) for w in range(len(told.spans_s))]
    found.curve(
        "lag_ms", told.spans_s.mean(axis=1),
        np.array([np.nan if lag is None else lag.lag_s * 1e3 for lag in each]), "ms",
    )
    lag_ms, error_ms = whole.lag_s * 1e3, whole.error_s * 1e3
    found.note("lag_ms", lag_ms)
    found.note("lag_error_ms", error_ms)
    found.note("lag_r", whole.r)
    for name, is_wrong in (
        ("lag_low", lag_ms + SURE * error_ms < found.limits["lag_low"]),
        ("lag_high", lag_ms - SURE * error_ms > found.limits["lag_high"]),
    ):
        if is_wrong:
            found.flag(name, f"the face is {lag_ms:.0f} ms behind the finger", value=lag_ms)
    _step(told, found)


def _step(told: Correlations, found: Findings) -> None:
    """Find where the lag before differs most, in standard errors, from the lag after."""
    best: tuple[float, float, float] | None = None
    for at_s in np.unique(told.spans_s[:, 1])[1:]:
        before, after = (
            told.lag(told.spans_s[:, 1] < at_s + 0.1), told.lag(told.spans_s[:, 0] > at_s - 0.1),
        )
        if before is None or after is None or min(before.windows, after.windows) < _STEP_WINDOWS:
            continue
        if min(before.r, after.r) < _SURE_R:
            continue
        step_ms = (after.lag_s - before.lag_s) * 1e3
        error_ms = math.hypot(before.error_s, after.error_s) * 1e3
        if math.isfinite(error_ms) and (best is None or abs(step_ms) / (error_ms + 1) > best[0]):
            best = abs(step_ms) / (error_ms + 1), float(at_s), step_ms
    found.note("lag_step_ms", best[2] if best else None)
    if best and best[0] > SURE and abs(best[2]) > found.limits["lag_step"]:
        found.flag(
            "lag_step", f"the face's lag behind the finger changes by {best[2]:+.0f} ms",
            value=best[2], from_s=best[1] - STEP_S, to_s=best[1] + STEP_S,
        )
